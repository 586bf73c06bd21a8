"""What each network learns from: finite, reaching every part, and drawn as it is said."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from mix2mix.cameras import Cameras, normalise, pluecker
from mix2mix.mini.training.data import COLOURS, SIDES
from mix2mix.mini.training.latents import Latents
from mix2mix.mini.training.losses import (
    Captions,
    caption_texts,
    clip_loss,
    decoder_loss,
    student_loss,
    teacher_loss,
    vae_loss,
)
from mix2mix.mini.training.shown import Shown


@pytest.fixture(autouse=True)
def seeded():
    """Losses draw from the default generator."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def random_latents(dataset, side: int = 8, width: int = 128) -> Latents:
    g = torch.Generator().manual_seed(1)
    shape = dataset.images.shape[:3]
    return Latents(
        torch.randn(*shape, 4, side, side, generator=g).half(), torch.randn(*shape, width, generator=g).half(), 0.5,
        dataset.instruction, dataset.cameras, dataset.instructions,
    )  # fmt: skip


def named_latents(dataset) -> Latents:
    """Latents whose value tells scene, state and view: 100 s + 10 e + v (1 added, so that none is zero)."""
    scenes, states, views = dataset.images.shape[:3]
    s, e, v = torch.meshgrid(torch.arange(scenes), torch.arange(states), torch.arange(views), indexing="ij")
    value = (100 * s + 10 * e + v + 1).float()
    modes = value[..., None, None, None].expand(-1, -1, -1, 4, 2, 2)
    return Latents(modes, value[..., None], 0.5, dataset.instruction, dataset.cameras, dataset.instructions)


def shown_of(latents) -> Shown:
    """What the teacher is said to have left of edits: their negatives."""
    return Shown(-latents.modes[:, 1:], -latents.embeddings[:, 1:])


def decoded(value):
    """Scene, state and view of a named latent."""
    value = value.round().long() - 1
    return value // 100, value // 10 % 10, value % 10


def check_gradients(loss, module, unreached=()):
    """The loss is finite, and its gradient reaches every parameter but those named."""
    module.requires_grad_(True).zero_grad()
    value = loss()
    value.backward()
    assert value.shape == ()
    assert value.isfinite()
    for name, parameter in module.named_parameters():
        if not any(part in name for part in unreached):
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.any(), name


# --- the VAE ---------------------------------------------------------------------------------------------------------


def test_the_vae_s_loss_reaches_all_of_it(networks, dataset):
    check_gradients(vae_loss(networks.editor.vae, dataset, batch=2), networks.editor.vae.module)


class OffsetVae:
    """Decodes the very images that it was given, all too bright by a constant (and by another in odd columns)."""

    scale = 3.0

    def __init__(self, offset, stripes=0.0, mean=0.0):
        self.offset, self.stripes, self.mean = offset, stripes, mean

    def posterior(self, images):
        self.images = images
        return torch.full((len(images), 4, 2, 2), self.mean), torch.zeros(len(images), 4, 2, 2)

    def decode(self, latents):
        error = torch.full_like(self.images, self.offset)
        error[..., 1::2] += self.stripes
        return self.images + error


@pytest.mark.parametrize(
    ("vae", "expected"),
    [
        (OffsetVae(0.0), 0.0),
        (OffsetVae(0.5), 4 * 0.25 + 0.2 * 0.5),
        (OffsetVae(0.0, stripes=1.0), 4 * 0.5 + 0.2 * 0.5 + 0.2 * 1.0),
        (OffsetVae(0.0, mean=2.0), 0.1 * 0.5 * 4.0),
    ],
)
def test_hand_cases_of_the_vae_s_loss(vae, expected, dataset):
    assert vae_loss(vae, dataset, batch=3, divergence=0.1)().item() == pytest.approx(expected, abs=1e-5)


def test_the_decoder_s_loss_reaches_all_of_the_decoder_and_nothing_of_the_encoder(networks, dataset):
    vae = networks.editor.vae
    decoder = torch.nn.ModuleList([vae.module.post_quant_conv, vae.module.decoder])
    check_gradients(decoder_loss(vae, dataset, batch=2), decoder)
    assert all(weights.grad is None for weights in vae.module.encoder.parameters())


def test_the_decoder_sees_noisy_latents_and_is_asked_for_the_image(dataset):
    seen = []

    class Recorder(OffsetVae):
        def encode(self, images):
            self.images = images
            return torch.zeros(len(images), 4, 8, 8)

        def decode(self, latents):
            seen.append(latents)
            return super().decode(latents)

    assert decoder_loss(Recorder(0.5), dataset, batch=400)().item() == pytest.approx(4 * 0.25 + 0.2 * 0.5, abs=1e-5)
    levels = seen[0].flatten(1).std(1)
    assert levels.min() < 0.02
    assert 0.17 < levels.max() < 0.23


# --- CLIP ------------------------------------------------------------------------------------------------------------


def test_clip_s_loss_reaches_all_of_it(networks, dataset):
    check_gradients(clip_loss(networks.clip, dataset, batch=4), networks.clip.module)


def test_the_index_of_a_caption_finds_its_text():
    prompts = ("a man", "a bear", "a knight")
    texts = caption_texts(prompts)
    captions = Captions(torch.zeros(len(texts), 1), len(SIDES), len(COLOURS))
    assert len(set(texts)) == len(texts) == 3 * 5 * 12
    for p, prompt in enumerate(prompts):
        for s, side in enumerate(("", *(f", seen from the {side}" for side in SIDES))):
            for c, colour in enumerate(("", *(f", in {colour}" for colour in COLOURS))):
                index = captions.index(*(torch.tensor(i) for i in (p, s, c)))
                assert texts[index] == prompt + side + colour


class KnowingClip:
    """Embeds an image as the caption it carries in its pixels, and a caption as itself, on its own axis."""

    def __init__(self, sharpness, answers):
        self.sharpness, self.answers, self.said = sharpness, answers, []

    def tokens(self, texts):
        self.width = len(texts)
        return torch.arange(len(texts))[:, None]

    def embed_images(self, images):
        prompts = (images[:, 0, 0, 0] * 255).round().long()
        return torch.nn.functional.one_hot(self.answers(prompts), 16).float()

    def embed_tokens(self, tokens):
        self.said.append(tokens.squeeze(1))
        prompt = tokens.squeeze(1) // (5 * 12)
        return torch.nn.functional.one_hot(prompt, 16).float()

    def temperature(self):
        return torch.tensor(self.sharpness)


@pytest.fixture
def labelled(dataset):
    """Images whose pixels are their prompt's index, all from one side and in one colour."""
    value = dataset.prompt[:, :, None, None, None, None].expand(-1, -1, 4, 3, 8, 8).to(torch.uint8)
    return replace(dataset, images=value, side=torch.zeros_like(dataset.side), colour=torch.ones_like(dataset.colour))


def test_a_clip_that_knows_nothing_pays_the_logarithm_of_the_batch_twice(labelled):
    blind = KnowingClip(10.0, answers=lambda prompts: torch.zeros_like(prompts))
    blind.embed_tokens = lambda tokens: torch.ones(len(tokens), 16)
    assert clip_loss(blind, labelled, batch=8)().item() == pytest.approx(2 * math.log(8), rel=1e-5)


def test_naming_the_right_prompt_pays_and_the_wrong_one_costs(labelled):
    losses = []
    for answers in (lambda prompts: prompts, lambda prompts: (prompts + 1) % 3):
        torch.manual_seed(0)
        losses.append(clip_loss(KnowingClip(5.0, answers), labelled, batch=32)().item())
    assert losses[0] < 2 * math.log(32) < losses[1]


def test_captions_that_all_fit_share_the_target(labelled):
    """All images are of one prompt, side and colour: a caption that says less fits them, too."""
    alike = replace(labelled, prompt=torch.zeros_like(labelled.prompt))
    clip = KnowingClip(5.0, answers=torch.zeros_like)
    assert clip_loss(clip, alike, batch=16)().item() == pytest.approx(2 * math.log(16), rel=1e-5)


def test_side_and_colour_are_each_named_half_of_the_time(labelled):
    clip = KnowingClip(5.0, answers=lambda prompts: prompts)
    clip_loss(clip, labelled, batch=4000)()
    side, colour = clip.said[0] // 12 % 5, clip.said[0] % 12
    assert set(side.tolist()) == {0, 1}  # silent, or side 0 ("front"), which counts from 1
    assert set(colour.tolist()) == {0, 2}
    both = ((side > 0) & (colour > 0)).float().mean()
    for share, expected in [((side > 0).float().mean(), 0.5), ((colour > 0).float().mean(), 0.5), (both, 0.25)]:
        assert share.item() == pytest.approx(expected, abs=0.04)


# --- the teacher -----------------------------------------------------------------------------------------------------


class SpyEditor:
    """Keeps what its network is given; text states are the token, which is the text's index."""

    def __init__(self, signal, answer):
        self.alphas_cumprod, self.answer = torch.full((1000,), signal), answer

    def tokens(self, texts):
        self.texts = list(texts)
        return torch.arange(len(texts))[:, None]

    def text_states(self, tokens):
        return tokens[:, :, None].float()

    def noise(self, latents, t, states):
        self.noisy, self.original = latents.split(4, dim=1)
        self.t, self.said = t, states.flatten().long()
        return self.answer(self.noisy)


def test_the_teacher_s_loss_reaches_unet_and_text_encoder(networks, dataset):
    editor = networks.editor
    latents = random_latents(dataset, side=16)
    both = nn.ModuleDict({"unet": editor.unet, "text": editor.text_encoder})
    # Positions and tokens that no text of the batch has get no gradient of their own, but their tables do.
    check_gradients(teacher_loss(editor, latents, batch=8), both)


def test_the_teacher_sees_a_view_of_an_edit_its_original_and_the_instruction(dataset):
    """Without noise (all signal) what enters is the target itself."""
    latents, editor = named_latents(dataset), SpyEditor(1.0, torch.zeros_like)
    loss = teacher_loss(editor, latents, batch=500)()
    s, e, v = decoded(editor.noisy[:, 0, 0, 0] / latents.scale)
    assert set(e.tolist()) == {1}  # only edits are targets
    assert set(s.tolist()) == {0, 1}
    assert set(v.tolist()) == {0, 1, 2, 3}
    seen, told = editor.original.any(1).any(1).any(1), editor.said < len(dataset.instructions)
    assert torch.equal(editor.original[seen, 0, 0, 0], latents.modes[s, 0, v, 0, 0, 0][seen])  # unscaled
    assert torch.equal(editor.said[told], dataset.instruction[s, e][told])
    assert editor.texts == [*dataset.instructions, ""]
    assert (editor.t.min() < 50) & (editor.t.max() > 950)
    assert loss.item() == pytest.approx(1.0, abs=0.1)  # the noise's own variance, where the network says 0


def test_the_teacher_is_asked_for_the_noise(dataset):
    """All noise and no signal: what enters is the answer."""
    assert teacher_loss(SpyEditor(0.0, lambda noisy: noisy), named_latents(dataset), batch=8)() == 0


def test_a_twentieth_loses_its_text_a_twentieth_its_image_and_a_twentieth_both(dataset):
    editor = SpyEditor(1.0, torch.zeros_like)
    teacher_loss(editor, named_latents(dataset), batch=40_000)()
    silent, blind = editor.said == len(dataset.instructions), ~editor.original.any(1).any(1).any(1)
    for share in (silent & ~blind, blind & ~silent, silent & blind):
        assert share.float().mean().item() == pytest.approx(0.05, abs=0.005)


# --- the student -----------------------------------------------------------------------------------------------------


class SpyStudent:
    """Predicts zeros for targets and anything for input frames; all noise levels are one."""

    def __init__(self, garbage=0.0, sigma=1.0):
        self.sigmas, self.garbage = torch.full((1000,), sigma), garbage

    def denoise(self, x, tau, condition, num_frames):
        self.x, self.tau, self.condition, self.num_frames = x, tau, condition, num_frames
        return torch.where(condition.mask[:, None, None, None], self.garbage, torch.zeros_like(x))


# The context is one token, so its attention weight is 1: what decides on weights gets no gradient.
def test_the_student_s_loss_reaches_all_that_one_token_of_context_lets_it(networks, dataset):
    loss = student_loss(networks.student, random_latents(dataset), shown_of(random_latents(dataset)), batch=2, views=3)
    check_gradients(loss, networks.student, unreached=("norm2", "attn2.to_q", "attn2.to_k"))


def test_the_student_s_loss_ignores_the_input_frame(dataset):
    latents, losses = random_latents(dataset), []
    for garbage in (0.0, 1e4):
        torch.manual_seed(3)
        losses.append(student_loss(SpyStudent(garbage), latents, shown_of(latents), batch=3)())
    assert losses[0] == losses[1]


@pytest.mark.parametrize(("sigma", "weight"), [(1.0, 2), (0.5, 5), (0.01, 5), (1e3, 1)])
def test_the_student_s_loss_is_the_error_of_v_within_bounds(dataset, sigma, weight):
    """Zeros miss the clean latents (here 1, scaled by 0.5) in x0; the squared error of v is 1 + 1 / sigma^2 of that."""
    latents = random_latents(dataset)
    latents = replace(latents, modes=torch.ones_like(latents.modes))
    found = student_loss(SpyStudent(sigma=sigma), latents, shown_of(random_latents(dataset)), batch=3)()
    assert found.item() == pytest.approx(0.25 * weight, rel=1e-4)


def test_the_student_gets_one_input_frame_and_all_targets_that_frame_among_them(dataset):
    latents, student, batch, views = named_latents(dataset), SpyStudent(), 64, 3
    student_loss(student, latents, shown_of(latents), batch, views)()
    assert student.num_frames == views + 1
    mask = student.condition.mask.view(batch, -1)
    assert mask[:, 0].all()
    assert not mask[:, 1:].any()
    clean = student.condition.latents.view(batch, views + 1, -1)
    assert not clean[:, 1:].any()
    s, e, v = decoded(clean[:, 0, 0].abs() / latents.scale)
    assert set(e.tolist()) == {0, 1}  # originals and edits alike
    context = student.condition.context.view(batch, views + 1)
    sign = clean[:, :1, 0].sign()  # below zero where the teacher's is given
    assert torch.equal(context, sign * latents.embeddings[s, e, v].expand(-1, views + 1))
    tau = student.tau.view(batch, views + 1)
    assert torch.equal(tau, tau[:, :1].expand(-1, views + 1))  # one noise level a scene


def test_of_most_edits_and_of_no_original_the_student_is_shown_what_the_teacher_left(dataset):
    latents, student, batch = named_latents(dataset), SpyStudent(), 4000
    student_loss(student, latents, shown_of(latents), batch, views=1)()
    first = student.condition.latents.view(batch, 2, -1)[:, 0, 0] / latents.scale
    _, e, _ = decoded(first.abs())
    assert (first[e == 0] > 0).all()
    assert (first[e == 1] < 0).float().mean().item() == pytest.approx(0.7, abs=0.05)


def test_the_student_s_rays_are_those_of_its_frames_the_input_first(dataset):
    """Among the orders that three views may come in, one has the rays that the student was given."""
    latents, student = named_latents(dataset), SpyStudent()
    student_loss(student, latents, shown_of(latents), batch=1, views=2)()
    s, _, v = (int(i) for i in decoded(student.condition.latents[0, 0, 0, 0].abs() / latents.scale))
    others = [[v, v, w] for w in range(4) if w != v] + [[v, w, v] for w in range(4) if w != v]
    rays = [pluecker(normalise(Cameras(dataset.cameras.K[s, f], dataset.cameras.c2w[s, f])), 2) for f in others]
    assert sum(torch.allclose(student.condition.pluecker, candidate, atol=1e-5) for candidate in rays) == 1
