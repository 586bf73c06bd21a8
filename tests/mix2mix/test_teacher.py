"""The frozen editor: guidance, noise, and the stock pipeline behind it."""

import pytest
import torch
from torch.nn.functional import interpolate
from torch.utils._python_dispatch import TorchDispatchMode

from mix2mix.attention import CrossViewState, cross_view_attention
from mix2mix.bundles import load_bundle
from mix2mix.edit import Edit
from mix2mix.errors import InputError

EDIT = Edit("Turn him into a vampire", "a man", "a vampire", text_guidance=7.5, image_guidance=1.5)
VIEWS, SIZE = 3, 128


@pytest.fixture(scope="module")
def teacher(random_bundle_folder):
    return load_bundle("mini", weights=random_bundle_folder).teacher


@pytest.fixture(scope="module")
def images():
    return torch.rand(VIEWS, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))


class HostForbidden(TorchDispatchMode):
    """Refuses what would make a GPU wait: reading a value on the host, or making a tensor there."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        assert func not in (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.lift_fresh.default), func
        return func(*args, **(kwargs or {}))


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def edit(teacher, images, steps=2, seeds=(0, 1, 2), on_step=lambda done: None, wanted=EDIT):
    return teacher.edit(images, wanted, steps, generators(*seeds), on_step)


def first_step(teacher, images, monkeypatch):
    """Network input and guided noise of the stock pipeline's first step, taken from its calls to the sampler."""
    scheduler, seen = teacher.editor.pipeline.scheduler, []
    step, scale = scheduler.step, scheduler.scale_model_input

    def recorded_step(noise, t, latents, **options):
        seen.append((scale(latents, t).clone(), t, noise.clone()))
        return step(noise, t, latents, **options)

    monkeypatch.setattr(scheduler, "step", recorded_step)
    edit(teacher, images)
    return seen[0]


@pytest.mark.parametrize("attention", ["plain", "crossed"])
def test_the_guided_noise_is_the_stock_pipelines(teacher, images, monkeypatch, attention):
    state = CrossViewState(VIEWS, torch.tensor(1))
    with cross_view_attention(teacher, state) if attention == "crossed" else torch.no_grad():
        z_t, t, expected = first_step(teacher, images, monkeypatch)
        arguments = teacher.condition(images), teacher.embed(EDIT.instruction), EDIT.text_guidance, EDIT.image_guidance
        noise = teacher.predict_noise(z_t, t.long(), *arguments)
    torch.testing.assert_close(noise, expected, rtol=1e-4, atol=1e-4)


def test_guidance_combines_the_three_branches(teacher, images, monkeypatch):
    # Branches that answer 1 (text), 2 (image), 5 (null): 5 + 10 (1 - 2) + 3 (2 - 5).
    branches = torch.tensor([1.0, 2.0, 5.0]).repeat_interleave(VIEWS)[:, None, None, None]
    monkeypatch.setattr(teacher.editor, "noise", lambda latents, t, text: branches.expand(-1, 4, 16, 16))
    latents = torch.zeros(VIEWS, 4, 16, 16)
    noise = teacher.predict_noise(latents, torch.tensor(3), latents, torch.zeros(2, 32, 128), 10.0, 3.0)
    assert torch.equal(noise, torch.full_like(latents, -14.0))


def test_the_stock_batch_is_text_image_null_with_views_innermost(teacher, images):
    seen = []
    hook = teacher.unet.register_forward_pre_hook(
        lambda _unet, args, kwargs: seen.append((args[0], kwargs["encoder_hidden_states"])), with_kwargs=True
    )
    edit(teacher, images, steps=1)
    hook.remove()
    latents, text = (tensor.unflatten(0, (3, VIEWS)) for tensor in seen[0])
    instruction, null = teacher.embed(EDIT.instruction)
    assert torch.equal(latents[0, :, :4], latents[2, :, :4])
    torch.testing.assert_close(latents[1, :, 4:], teacher.condition(images))
    assert not latents[2, :, 4:].any()
    for branch, states in enumerate((instruction, null, null)):
        torch.testing.assert_close(text[branch], states.expand(VIEWS, -1, -1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("t", [0, 25, 949, 999])
def test_noise_is_added_as_diffusers_does(teacher, t):
    from diffusers import DDPMScheduler

    z0, eps = torch.randn(2, VIEWS, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    reference = DDPMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
    expected = reference.add_noise(z0, eps, torch.full((VIEWS,), t))
    torch.testing.assert_close(teacher.add_noise(z0, eps, torch.tensor(t)), expected)


def test_the_condition_is_the_unscaled_mode_of_the_resized_image(teacher, images):
    larger = interpolate(images, (160, 160))
    resized = interpolate(larger, (SIZE, SIZE), mode="bilinear", antialias=True)
    mode = teacher.editor.pipeline.vae.encode(resized * 2 - 1).latent_dist.mode()
    torch.testing.assert_close(teacher.condition(larger), mode)


def test_an_edit_has_the_size_of_its_input_and_reports_its_steps(teacher, images):
    done = []
    edited = edit(teacher, interpolate(images, (144, 160)), steps=3, on_step=done.append)
    assert edited.shape == (VIEWS, 3, 144, 160)
    assert edited.min() >= 0
    assert edited.max() <= 1
    assert done == [1, 2, 3]


def test_the_generators_decide_the_edit_each_its_own_image(teacher, images):
    first, same, other = (edit(teacher, images, seeds=seeds) for seeds in [(0, 1, 2), (0, 1, 2), (0, 7, 2)])
    assert torch.equal(first, same)
    assert [torch.allclose(a, b) for a, b in zip(first, other, strict=True)] == [True, False, True]


def test_under_cross_view_attention_the_anchor_matters_to_the_other_views(teacher, images):
    edited = []
    for anchor in (0, 1):
        with cross_view_attention(teacher, CrossViewState(VIEWS, torch.tensor(anchor))):
            edited.append(edit(teacher, images))
    assert (edited[0][2] - edited[1][2]).abs().mean() > 1e-4


@pytest.mark.parametrize(("text", "image"), [(1.0, 1.5), (7.5, 0.9)])
def test_guidance_that_the_pipeline_would_drop_is_refused(teacher, images, text, image):
    with pytest.raises(InputError, match="guidance"):
        edit(teacher, images, wanted=Edit("x", "a", "b", text_guidance=text, image_guidance=image))


def test_judging_never_needs_the_host_so_that_it_can_be_captured(teacher, images):
    latents, text, image_latents = torch.zeros(VIEWS, 4, 16, 16), teacher.embed("x"), teacher.condition(images)
    t, kappa = torch.tensor(500), torch.tensor(1)
    with cross_view_attention(teacher, CrossViewState(VIEWS, kappa)), HostForbidden():
        z_t = teacher.add_noise(latents, latents, t)
        teacher.predict_noise(z_t, t, image_latents, text, 7.5, 1.5)
    with HostForbidden(), pytest.raises(AssertionError, match="local_scalar"):
        t.item()


def test_nothing_of_the_teacher_is_trained(teacher, images):
    latents = torch.zeros(VIEWS, 4, 16, 16, requires_grad=True)
    text = teacher.embed("Turn him into a vampire")
    noise = teacher.predict_noise(latents, torch.tensor(3), teacher.condition(images), text, 7.5, 1.5)
    assert not noise.requires_grad
    assert not any(p.requires_grad for p in teacher.unet.parameters())


def test_decoded_images_stay_in_range_at_any_size(teacher):
    decoded = teacher.decode(100 * torch.randn(1, 4, 18, 18, generator=torch.Generator().manual_seed(0)))
    assert decoded.shape == (1, 3, 144, 144)
    assert (decoded.min(), decoded.max()) == (0, 1)
