"""The method, item by item: what is drawn, what is pushed through the student, and what comes out."""

import copy
import math
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest
import torch
from scipy import stats
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch.utils._python_dispatch import TorchDispatchMode

from mix2mix import compiling
from mix2mix import distill as method
from mix2mix.attention import CrossViewProcessor, CrossViewState, ExtendedProcessor, SteadyProcessor
from mix2mix.bundles import load_bundle
from mix2mix.cameras import Cameras
from mix2mix.compiling import compiled
from mix2mix.distill import Draws, Judge, Trajectory, distill, style_resize
from mix2mix.distill_config import CHOICES, DistillConfig, distill_config
from mix2mix.edit import Edit
from mix2mix.errors import InputError
from mix2mix.mini.family import held_out_cameras
from mix2mix.mini.world import FAMILIES
from mix2mix.optimiser import ClippedAdamW
from mix2mix.scene import Scene, pluecker_rays
from mix2mix.schedule import UpdatePlan, learning_rate, seva_sigmas, updates_per_timestep
from mix2mix.seva import Seva, SevaConfig
from mix2mix.student import Preconditioning, Student, reference_condition

EDIT = Edit("Turn him into a vampire", "a man", "a vampire", text_guidance=7.5, image_guidance=1.5)
TINY = DistillConfig(UpdatePlan(count=3, k=1, first_updates=2, warmup=1, lr_max=1e-3), reference_steps=2)
SIZE, LATENT = 128, 16


@pytest.fixture(scope="module")
def bundle(random_bundle_folder):
    """The random bundle with a smaller student, so that an update takes a blink."""
    whole = load_bundle("mini", weights=random_bundle_folder)
    config = {**whole.settings.student, "model_channels": 32, "num_res_blocks": 1}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        student = Student(Seva(SevaConfig(**config)), Preconditioning(**whole.settings.preconditioning))
        for parameter in student.parameters():  # no layer starts at zero: a gradient reaches every one
            nn.init.normal_(parameter, std=0.05)
    settings = replace(whole.settings, text_guidance_factor=0.4)
    return replace(whole, student=student.eval().requires_grad_(False), settings=settings)


def make_scene(views: int = 3, size: int = SIZE) -> Scene:
    """Views of noise under the face's cameras."""
    cameras = held_out_cameras(FAMILIES["face"].rig, views)
    images = torch.rand(views, 3, size, size, generator=torch.Generator().manual_seed(7))
    return Scene("noise", images, Cameras(cameras.K[0], cameras.c2w[0]), tuple(f"{i}" for i in range(views)))


def run(bundle, scene=None, config=TINY, seed=0, edit=EDIT, progress=lambda *_: None):
    return distill(scene or make_scene(), edit, bundle, config, seed, "cpu", progress)


# --- one update, by hand ---------------------------------------------------------------------------------------------


class Gain(nn.Module):
    """A network of one weight: eps = gain * (its latent channels)."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))

    def forward(self, latents, timesteps, context, pluecker, num_frames):
        return self.gain * latents[:, :4]


UNREACHED = ("norm2", "attn2.to_q", "attn2.to_k")
"""The context is one token, so its attention weight is 1: what decides on weights gets no gradient."""


class StubJudge:
    """Answers a fixed gradient and keeps what it was asked about."""

    def __init__(self, answer: Tensor) -> None:
        self.answer = answer

    def gradient(self, z0: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        self.z0 = z0.detach().clone()
        return self.answer


class Watched(ClippedAdamW):
    """Remembers the latest gradients, as clipped."""

    def forget(self) -> None:
        self.latest = {parameter: parameter.grad for parameter in self.inner.param_groups[0]["params"]}
        super().forget()


def noise_of(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def trajectory_of(student: Student, side: int, views: int = 2, lr: float = 0.1, context: int = 5) -> Trajectory:
    condition = reference_condition(
        noise_of(4, side, side, seed=0), noise_of(context, seed=1), noise_of(views + 1, 6, side, side, seed=2)
    )
    x = 20 * noise_of(views + 1, 4, side, side, seed=3)
    optimiser = Watched(student.parameters(), lr, weight_decay=0.01)
    return Trajectory(student, condition, x, torch.zeros_like(x[1:]), optimiser)


def draws_of(trajectory: Trajectory, side: int, tau: int = 700, tau_next: int = 675, views: int = 2) -> Draws:
    lr, noise = trajectory.optimiser.lr, torch.zeros(views, 4, side, side)
    return Draws(torch.tensor(tau), torch.tensor(tau_next), torch.tensor(800), torch.tensor(0), noise, lr)


@pytest.mark.parametrize(("student_side", "teacher_side"), [(8, 8), (9, 8), (6, 8)])
def test_the_gradient_is_that_of_the_sum_of_judgement_times_prediction_over_its_size(student_side, teacher_side):
    """zeta0 = x - sigma * gain * x / sqrt(sigma^2 + 1), so d zeta0 / d gain is known."""
    student = Student(Gain(0.3), Preconditioning())
    trajectory = trajectory_of(student, student_side)
    judge = StubJudge(noise_of(2, 4, teacher_side, teacher_side, seed=4))
    sigma = seva_sigmas()[700].item()
    slope = -sigma / math.sqrt(sigma**2 + 1) * trajectory.x[1:]
    resized = interpolate(slope, (teacher_side, teacher_side), mode="bilinear")
    expected = (judge.answer * resized).sum() / judge.answer.numel()
    method.update(trajectory, judge, draws_of(trajectory, teacher_side), replace(TINY, gradient_clip=math.inf))
    torch.testing.assert_close(trajectory.optimiser.latest[student.network.gain], expected)


def test_in_the_real_network_the_gradient_is_the_vector_jacobian_product(bundle):
    student = copy.deepcopy(bundle.student).requires_grad_(True)
    trajectory = trajectory_of(student, side=10, context=bundle.condition_clip.width)
    judge = StubJudge(noise_of(2, 4, 8, 8, seed=4))
    predicted = student.denoise(trajectory.x, torch.tensor(700), trajectory.condition, 3)[1:]
    vector = judge.answer / judge.answer.numel()
    names, parameters = zip(*student.named_parameters(), strict=True)
    expected = torch.autograd.grad(style_resize(predicted, (8, 8)), parameters, vector, allow_unused=True)
    method.update(trajectory, judge, draws_of(trajectory, 8), replace(TINY, gradient_clip=math.inf))
    for name, parameter, gradient in zip(names, parameters, expected, strict=True):
        if any(part in name for part in UNREACHED):
            assert trajectory.optimiser.latest[parameter] is gradient is None
        else:
            assert gradient.any()  # the whole network is personalised
            torch.testing.assert_close(trajectory.optimiser.latest[parameter], gradient)
    torch.testing.assert_close(judge.z0, interpolate(predicted.detach(), (8, 8), mode="bilinear"))
    assert torch.equal(trajectory.x0, predicted.detach())


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_the_gradient_s_norm_is_clipped_at_a_half(bundle, scale):
    student = copy.deepcopy(bundle.student).requires_grad_(True)
    trajectory = trajectory_of(student, side=8, context=bundle.condition_clip.width)
    judge = StubJudge(scale * noise_of(2, 4, 8, 8, seed=4))
    norms = {}
    for clip in (math.inf, 0.5):
        fresh = replace(trajectory, student=copy.deepcopy(student))
        fresh.optimiser = Watched(fresh.student.parameters(), lr=0.0, weight_decay=0.0)
        method.update(fresh, judge, draws_of(fresh, 8), replace(DistillConfig(), gradient_clip=clip))
        gradients = [gradient for gradient in fresh.optimiser.latest.values() if gradient is not None]
        norms[clip] = torch.stack([gradient.norm() for gradient in gradients]).norm().item()
    assert norms[0.5] == pytest.approx(min(0.5, norms[math.inf]), rel=1e-3)
    assert (norms[math.inf] > 0.5) == (scale > 1)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_first_step_is_adamw_s_with_the_rate_in_force(sign):
    """AdamW's first step is lr * sign(gradient), after a decay of lr * 0.01."""
    student = Student(Gain(0.3), Preconditioning())
    trajectory = trajectory_of(student, side=8)
    draws = draws_of(trajectory, 8)
    draws.lr.fill_(0.02)
    judge = StubJudge(-sign * trajectory.x[1:])  # the slope is negative in x: this gradient has the sign asked for
    method.update(trajectory, judge, draws, TINY)
    assert student.network.gain.item() == pytest.approx(0.3 * (1 - 0.02 * 0.01) - sign * 0.02, abs=1e-6)


def test_an_update_starts_from_no_gradient():
    """Two updates with a rate of 0 leave the gradient of one."""
    student = Student(Gain(0.3), Preconditioning())
    trajectory = trajectory_of(student, side=8, lr=0.0)
    judge, gradients = StubJudge(noise_of(2, 4, 8, 8, seed=4)), []
    for _ in range(2):
        method.update(trajectory, judge, draws_of(trajectory, 8), TINY)
        gradients.append(trajectory.optimiser.latest[student.network.gain])
    assert torch.equal(*gradients)


def test_an_euler_step_keeps_the_predicted_noise_and_the_weights():
    student = Student(Gain(0.3), Preconditioning())
    trajectory = trajectory_of(student, side=8)
    before, (high, low) = trajectory.x.clone(), seva_sigmas()[[999, 974]]
    method.advance(trajectory, draws_of(trajectory, 8, tau=999, tau_next=974))
    eps = 0.3 * before / (high**2 + 1).sqrt()
    torch.testing.assert_close(trajectory.x[1:], (before + (low - high) * eps)[1:], rtol=1e-4, atol=1e-5)
    assert student.network.gain.item() == pytest.approx(0.3)


@pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")  # what keeps a graph looks for one
def test_an_euler_step_needs_no_program_that_an_update_has_not(bundle, programs, made):
    student = copy.deepcopy(bundle.student).requires_grad_(True)
    trajectory = trajectory_of(student, side=8, context=bundle.condition_clip.width)
    draws = draws_of(trajectory, 8)
    with compiled(student.network.blocks(), programs):
        method.update(trajectory, StubJudge(noise_of(2, 4, 8, 8, seed=4)), draws, TINY)
        of_the_update = len(made)
        method.advance(trajectory, draws)
    assert len(made) == of_the_update > 0
    assert not trajectory.x.requires_grad


# --- the resize and the judge ----------------------------------------------------------------------------------------


def test_style_resize_is_torch_s_bilinear_from_72_to_64():
    latents = noise_of(2, 4, 72, 72, seed=0)
    assert torch.equal(style_resize(latents, (64, 64)), interpolate(latents, (64, 64), mode="bilinear"))
    assert style_resize(latents, (72, 72)) is latents


def test_style_resize_samples_at_pixel_centres():
    """On a ramp, output pixel i of 64 lies at (i + 1/2) 72/64 - 1/2 of the input."""
    ramp = torch.arange(72.0).expand(1, 1, 72, 72)
    expected = (torch.arange(64) + 0.5) * 72 / 64 - 0.5
    torch.testing.assert_close(style_resize(ramp, (64, 64))[0, 0, 5], expected)


def test_the_judgement_is_guided_noise_minus_noise_with_weight_one(bundle):
    teacher, scene = bundle.teacher, make_scene()
    told = (teacher.condition(scene.images), teacher.embed(EDIT.instruction), 7.5, 1.5)
    judge = Judge(bundle, *told, CrossViewState(3, torch.tensor(0)))
    z0, noise = (noise_of(3, 4, LATENT, LATENT, seed=seed) for seed in (0, 1))
    for t in (torch.tensor(100), torch.tensor(950)):
        signal = teacher.editor.alphas_cumprod[t]
        predicted = teacher.predict_noise(signal.sqrt() * z0 + (1 - signal).sqrt() * noise, t, *told)
        gradient = judge.gradient(z0.requires_grad_(True), t, noise)
        torch.testing.assert_close(gradient, predicted - noise)
        assert not gradient.requires_grad


# --- the whole loop, its networks replaced: what it draws, and when ---------------------------------------------------


@dataclass
class Log:
    """What the loop did, in order: ("update", tau) and ("advance", tau, tau_next); and what each update was given."""

    events: list[tuple] = field(default_factory=list)
    t: list[int] = field(default_factory=list)
    kappa: list[int] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    noise: list[Tensor] = field(default_factory=list)
    start: Tensor | None = None


@pytest.fixture
def dry_run(bundle, monkeypatch):
    """`distill` without its networks, so that the paper's 2150 updates take seconds."""

    def make(config, seed=0, views=3, keep_noise=False):
        log = Log()

        def update(trajectory, judge, draws, config):
            if log.start is None:
                log.start = trajectory.x.clone()
            log.events.append(("update", int(draws.tau)))
            log.t.append(int(draws.t))
            log.kappa.append(int(draws.kappa))
            log.lr.append(float(trajectory.optimiser.lr))
            assert draws.kappa is judge.attention.kappa
            if keep_noise:
                log.noise.append(draws.noise.clone())

        def advance(trajectory, draws):
            log.events.append(("advance", int(draws.tau), int(draws.tau_next)))

        monkeypatch.setattr(method, "update", update)
        monkeypatch.setattr(method, "advance", advance)
        monkeypatch.setattr(method, "edit_reference", lambda scene, *_: scene.images[:1])
        monkeypatch.setattr(bundle.teacher, "decode", lambda latents: latents)
        result = run(bundle, make_scene(views), config, seed)
        return log, result

    return make


def test_at_the_paper_s_setting(dry_run):
    log, result = dry_run(DistillConfig())
    assert result.counts == {"teacher": 3 * 100 + 3 * 3 * 2150, "student": 2150 + 39}
    taus = [event[1] for event in log.events if event[0] == "update"]
    assert list(Counter(taus).values()) == [200] + [50] * 39
    assert taus == sorted(taus, reverse=True)
    # facts.md: exactly 950 at tau = 999 and 974, which is 250 of the 2150 iterations; below, never 950.
    assert [t == 950 for t in log.t] == [tau >= 950 for tau in taus]
    assert log.t.count(950) == 250
    assert all(min(tau, 950) <= t <= 950 for tau, t in zip(taus, log.t, strict=True))
    expected = [learning_rate(step, UpdatePlan()) for step in range(2150)]
    assert log.lr == pytest.approx(expected, rel=1e-6)


def test_four_views_cost_the_teacher_25800_samples_and_300_of_the_reference(dry_run):
    _, result = dry_run(DistillConfig(), views=4)
    assert result.counts["teacher"] == 25_800 + 300


def test_each_timestep_s_updates_come_before_its_euler_step_and_none_follows_the_last(dry_run):
    log, _ = dry_run(DistillConfig(UpdatePlan(count=3, k=2, first_updates=3, warmup=1)))
    high, middle, low = [("update", tau) for tau in (999, 512, 25)]
    steps = [("advance", 999, 512), ("advance", 512, 25)]
    assert log.events == [high, high, high, steps[0], middle, middle, steps[1], low, low]


@pytest.fixture
def many(dry_run):
    """600 draws at tau = 25 from one seed."""
    return dry_run(DistillConfig(UpdatePlan(count=2, k=600, first_updates=1, warmup=1)), views=4)[0]


def test_the_teacher_s_timestep_follows_the_truncated_normal(many):
    scale = (950 - 25) / 0.5
    drawn = torch.tensor(many.t[1:]) + torch.rand(600, generator=torch.Generator().manual_seed(0))  # undo the floor
    assert stats.kstest(drawn.numpy(), stats.truncnorm(-0.5, 0, loc=950, scale=scale).cdf).pvalue > 0.01


def test_every_view_is_looked_at_equally_often(many):
    counts = Counter(many.kappa)
    assert set(counts) == {0, 1, 2, 3}
    assert stats.chisquare(list(counts.values())).pvalue > 0.01


def test_the_draws_of_an_update_are_independent(many):
    assert abs(stats.pearsonr(many.t[1:], many.kappa[1:]).statistic) < 0.12
    assert abs(stats.pearsonr(many.kappa[1:], many.kappa[:-1]).statistic) < 0.12


def test_over_seeds_the_first_look_is_at_any_view(dry_run):
    config = DistillConfig(UpdatePlan(count=2, k=1, first_updates=1, warmup=1))
    first = Counter(dry_run(config, seed)[0].kappa[0] for seed in range(12))
    assert set(first) == {0, 1, 2}


def test_the_teacher_s_noise_is_fresh_at_every_update_and_is_not_the_student_s(bundle, dry_run):
    log, _ = dry_run(DistillConfig(UpdatePlan(count=2, k=5, first_updates=3, warmup=1)), keep_noise=True)
    assert log.noise[0].shape == (3, 4, LATENT, LATENT)
    flat = torch.stack(log.noise).flatten(1)
    assert flat.mean().abs() < 0.05
    assert flat.std().item() == pytest.approx(1, abs=0.03)
    assert (torch.corrcoef(flat) - torch.eye(len(flat))).abs().max() < 0.1
    scale = math.hypot(1, bundle.student.sigmas[-1].item())
    pictures = [*log.start / scale, *torch.stack(log.noise).flatten(0, 1)]
    values = torch.stack([picture.flatten().sort().values for picture in pictures])  # whatever order they are laid in
    assert (values[:, None] - values).abs().amax(-1).add(torch.eye(len(values))).min() > 0.01


def test_the_student_starts_from_noise_of_the_highest_level(bundle, dry_run):
    log, _ = dry_run(TINY)
    assert log.start.shape == (4, 4, LATENT, LATENT)
    assert log.start.std().item() == pytest.approx(math.hypot(1, bundle.student.sigmas[-1].item()), rel=0.05)


def test_the_seed_decides_all_draws(dry_run):
    config = DistillConfig(UpdatePlan(count=2, k=20, first_updates=20, warmup=1))
    first, same, other = (dry_run(config, seed)[0] for seed in (3, 3, 4))
    assert (first.t, first.kappa) == (same.t, same.kappa)
    assert first.t != other.t
    assert first.kappa != other.kappa
    assert not torch.equal(first.start, other.start)


# --- whole runs ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def done(bundle):
    """A run with seed 0, and everything that was put through student and teacher in it."""
    seen = {name: [] for name in ("student", "tau", "told", "x0", "processors", "progress", "cudnn", "judged")}
    predict, denoise = bundle.teacher.predict_noise, Student.denoise
    before = copy.deepcopy(bundle.student.state_dict())

    def watched_predict(z_t, t, *told):
        seen["told"].append(told)
        seen["judged"].append(torch.backends.cuda.cudnn_sdp_enabled())
        seen["processors"].append(dict(bundle.teacher.unet.attn_processors))
        return predict(z_t, t, *told)

    def watched_denoise(self, x, tau, condition, num_frames):
        x0 = denoise(self, x, tau, condition, num_frames)
        seen["student"].append((condition, num_frames))
        seen["tau"].append(int(tau))
        seen["cudnn"].append(torch.backends.cuda.cudnn_sdp_enabled())
        seen["x0"].append(x0.detach().clone())
        return x0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle.teacher, "predict_noise", watched_predict)
        patch.setattr(Student, "denoise", watched_denoise)
        result = run(bundle, progress=lambda *call: seen["progress"].append(call))
    return result, seen, before


def test_the_same_seed_gives_the_same_bytes_and_another_gives_others(bundle, done):
    assert torch.equal(run(bundle).views, done[0].views)
    assert not torch.equal(run(bundle, seed=1).views, done[0].views)


def test_the_bundle_is_left_as_it_was(bundle, done):
    _, _, before = done
    after = bundle.student.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not bundle.student.training
    assert not any(p.requires_grad for p in bundle.student.parameters())
    assert not any(isinstance(p, CrossViewProcessor) for p in bundle.teacher.unet.attn_processors.values())


def test_the_networks_are_called_as_often_as_is_counted(done):
    result, seen, _ = done
    assert result.counts == {"teacher": 3 * 2 + 3 * 3 * 4, "student": 4 + 2}
    assert len(seen["told"]) == 4
    assert seen["tau"] == [999, 999, 999, 512, 512, 25]  # updates, and an Euler step's own call at 999 and 512


def test_the_edited_reference_is_the_one_clean_input_frame_of_every_call(bundle, done):
    result, seen, _ = done
    reference, scene = result.reference_view, make_scene()
    edited = method.edit_reference(scene, EDIT, bundle, TINY.reference_steps, reference, 0, lambda *_: None)
    clean, embedding = bundle.vae.encode(edited * 2 - 1)[0], bundle.condition_clip.image_features(edited)[0]
    for condition, frames in seen["student"]:
        assert frames == 4
        assert condition.mask.tolist() == [True, False, False, False]
        torch.testing.assert_close(condition.latents[0], clean)
        assert not condition.latents[1:].any()
        torch.testing.assert_close(condition.context, embedding.expand(4, 1, -1))
        assert torch.equal(condition.pluecker, pluecker_rays(scene, reference, LATENT))


def test_the_reference_is_edited_by_the_plain_teacher_with_the_bundle_s_guidance(bundle):
    scene = make_scene()
    edited = method.edit_reference(scene, EDIT, bundle, 2, 1, 5, lambda *_: None)
    guided, generator = replace(EDIT, text_guidance=3.0), torch.Generator().manual_seed(5)
    assert torch.equal(edited, bundle.teacher.edit(scene.images[1:2], guided, 2, [generator], lambda _: None))


def test_the_teacher_judges_by_the_original_views_and_the_guided_instruction(bundle, done):
    expected = bundle.teacher.condition(make_scene().images), bundle.teacher.embed(EDIT.instruction)
    for originals, text, text_guidance, image_guidance in done[1]["told"]:
        torch.testing.assert_close((originals, text), expected)
        assert (text_guidance, image_guidance) == (pytest.approx(3.0), 1.5)


def test_while_it_judges_all_its_self_attentions_look_at_one_view(done):
    for processors in done[1]["processors"]:
        crossed = {name for name, processor in processors.items() if isinstance(processor, CrossViewProcessor)}
        assert crossed == {name for name in processors if "attn1" in name}
        assert len({id(processors[name].state) for name in crossed}) == 1


def test_no_gradient_passes_through_attention_by_cudnn(done):
    assert not any(done[1]["cudnn"])
    assert all(done[1]["judged"])
    assert torch.backends.cuda.cudnn_sdp_enabled()


def test_the_views_are_the_last_prediction_decoded_by_the_teacher(bundle, done):
    result, seen, _ = done
    assert torch.equal(result.views, bundle.teacher.decode(seen["x0"][-1][1:]))


def test_progress_is_told_step_by_step(done):
    assert done[1]["progress"] == [*(("reference", i, 2) for i in (1, 2)), *(("distill", i, 4) for i in (1, 2, 3, 4))]


def test_seconds_are_given_by_phase(done):
    assert set(done[0].timings) == {"edit", "decode"}
    assert all(seconds > 0 for seconds in done[0].timings.values())


def test_the_reference_view_is_the_seed_s_and_recorded(done):
    scene = make_scene(4)
    chosen = [method.choose_reference(scene, seed) for seed in range(40)]
    assert set(chosen) == {0, 1, 2, 3}
    assert chosen == [method.choose_reference(scene, seed) for seed in range(40)]
    assert done[0].reference_view == method.choose_reference(make_scene(), 0)


@pytest.mark.parametrize("views", [2, 3, 4, 8])
def test_any_number_of_views_comes_back(bundle, views):
    scene = make_scene(views)
    result = run(bundle, scene, DistillConfig(UpdatePlan(count=2, k=1, first_updates=1, warmup=1), reference_steps=1))
    assert result.views.shape == scene.images.shape
    assert result.views.isfinite().all()
    assert result.views.min() >= 0
    assert result.views.max() <= 1
    assert result.counts == {"teacher": 3 + 3 * views * 2, "student": 3}


@pytest.mark.parametrize("size", [144, 112])
def test_student_and_teacher_may_have_latents_of_different_sizes(bundle, size):
    scene = make_scene(2, size)  # latents of 18 or 14, the teacher's are 16
    config = DistillConfig(UpdatePlan(count=2, k=1, first_updates=1, warmup=1), reference_steps=1)
    result = run(bundle, scene, config)
    assert result.views.shape == scene.images.shape
    assert result.views.isfinite().all()


def test_updates_personalise_the_student(bundle, done):
    """With a rate of 0 the result is the plain student's, and with one it is not."""
    still = TINY.override({"lr_start": 0.0, "lr_max": 0.0, "lr_min": 0.0})
    frozen, sharper = run(bundle, config=still), run(bundle, config=replace(still, f=2.0))
    assert torch.equal(frozen.views, sharper.views)  # what the teacher says no longer matters
    assert not torch.equal(frozen.views, done[0].views)


# --- the paper's ablations -------------------------------------------------------------------------------------------

SHORT = replace(TINY, plan=UpdatePlan(count=2, k=1, first_updates=2, warmup=1, lr_max=1e-3), reference_steps=1)


def test_uniform_teacher_times_range_over_all_levels_at_every_timestep(dry_run):
    plan = UpdatePlan(count=2, k=600, first_updates=600, warmup=1)
    log, _ = dry_run(DistillConfig(plan, teacher_time="uniform"))
    for drawn in (log.t[:600], log.t[600:]):  # tau = 999 and 25
        continuous = torch.tensor(drawn) + torch.rand(600, generator=torch.Generator().manual_seed(0))
        assert stats.kstest(continuous.numpy(), stats.uniform(50, 900).cdf).pvalue > 0.01


def test_matched_teacher_times_are_the_student_s(dry_run):
    log, _ = dry_run(DistillConfig(UpdatePlan(count=5, k=2, first_updates=3, warmup=1), teacher_time="matched"))
    assert log.t == [event[1] for event in log.events if event[0] == "update"]
    assert log.t[0] == 999


def test_all_variants_draw_the_same_noise_and_views(dry_run):
    """So that they are compared on equal terms."""
    config = DistillConfig(UpdatePlan(count=2, k=3, first_updates=3, warmup=1))
    paper, *others = (
        dry_run(replace(config, **{name: choice}), keep_noise=True)[0]
        for name, choice in [("reference", "edited"), ("teacher_time", "uniform"), ("teacher_time", "matched"),
                             ("attention", "plain"), ("latent_mapping", "learned"), ("reference", "unedited")]
    )  # fmt: skip
    for other in others:
        assert other.kappa == paper.kappa
        assert torch.equal(torch.stack(other.noise), torch.stack(paper.noise))
        assert torch.equal(other.start, paper.start)


@pytest.mark.parametrize(("attention", "kind"), [("plain", None), ("extended", ExtendedProcessor)])
def test_the_teacher_s_views_look_at_themselves_or_at_all(bundle, monkeypatch, attention, kind):
    seen, predict, plain = [], bundle.teacher.predict_noise, dict(bundle.teacher.unet.attn_processors)
    monkeypatch.setattr(
        bundle.teacher,
        "predict_noise",
        lambda *told: (seen.append(dict(bundle.teacher.unet.attn_processors)), predict(*told))[1],
    )
    run(bundle, config=replace(SHORT, attention=attention))
    for processors in seen:
        changed = {name: type(processors[name]) for name in processors if processors[name] is not plain[name]}
        looking = {name: kind for name in plain if "attn1" in name} if kind else {}
        assert changed == looking | {name: SteadyProcessor for name in plain if "attn2" in name}
    assert bundle.teacher.unet.attn_processors == plain


def test_the_learned_mapping_starts_as_the_identity_and_leaves_torch_s_seed_alone():
    state, latents = torch.get_rng_state(), noise_of(2, 4, 8, 8, seed=0)
    mapping = method.latent_mapping("learned")
    assert torch.equal(torch.get_rng_state(), state)
    torch.testing.assert_close(mapping(latents), latents)
    assert sum(parameter.numel() for parameter in mapping.parameters()) == 4 * 4 * 5 * 5 + 4


def test_the_learned_mapping_is_trained_with_the_student_after_the_resize():
    """The teacher judges mapping(resize(zeta0)); both are pushed, and their gradients are clipped together."""
    student, mapping = Student(Gain(0.3), Preconditioning()), method.latent_mapping("learned")
    nn.init.normal_(mapping.weight, std=0.1, generator=torch.Generator().manual_seed(1))
    trajectory = replace(trajectory_of(student, side=9), mapping=mapping)
    parameters = trajectory.parameters()
    trajectory.optimiser = Watched(parameters, lr=0.01, weight_decay=0.01)
    judge, before = StubJudge(noise_of(2, 4, 8, 8, seed=4)), [p.detach().clone() for p in parameters]
    predicted = student.denoise(trajectory.x, torch.tensor(700), trajectory.condition, 3)[1:]
    z0 = mapping(interpolate(predicted, (8, 8), mode="bilinear"))
    expected = torch.autograd.grad((judge.answer * z0).sum() / z0.numel(), parameters)
    method.update(trajectory, judge, draws_of(trajectory, 8), replace(TINY, gradient_clip=1e-3))
    norm = torch.stack([gradient.norm() for gradient in expected]).norm()
    assert norm > 1e-3
    torch.testing.assert_close(judge.z0, z0.detach())
    for parameter, gradient, old in zip(parameters, expected, before, strict=True):
        torch.testing.assert_close(trajectory.optimiser.latest[parameter], gradient * 1e-3 / norm, rtol=1e-3, atol=1e-9)
        assert not torch.equal(parameter, old)
    torch.testing.assert_close(trajectory.x0, predicted.detach())  # what is decoded is the student's own


def test_the_optimiser_of_a_run_holds_the_learned_mapping(bundle, monkeypatch):
    seen = []
    monkeypatch.setattr(method, "update", lambda trajectory, *_: seen.append(trajectory))
    run(bundle, config=replace(SHORT, latent_mapping="learned"))
    trained = {id(p) for p in seen[0].optimiser.inner.param_groups[0]["params"]}
    assert trained == {id(p) for p in seen[0].parameters()}
    assert {id(p) for p in seen[0].mapping.parameters()} < trained


def test_an_unedited_reference_is_the_view_itself_and_costs_the_teacher_nothing(bundle, monkeypatch):
    seen, denoise, told = [], Student.denoise, []

    def watched(self, x, tau, condition, num_frames):
        seen.append(condition)
        return denoise(self, x, tau, condition, num_frames)

    monkeypatch.setattr(Student, "denoise", watched)
    monkeypatch.setattr(bundle.teacher, "edit", lambda *_: pytest.fail("the reference was edited"))
    result = run(bundle, config=replace(SHORT, reference="unedited"), progress=lambda phase, *_: told.append(phase))
    view = make_scene().images[result.reference_view][None]
    torch.testing.assert_close(seen[0].latents[0], bundle.vae.encode(view * 2 - 1)[0])
    torch.testing.assert_close(seen[0].context[0, 0], bundle.condition_clip.image_features(view)[0])
    assert result.counts == {"teacher": 3 * 3 * 3, "student": 4}
    assert set(told) == {"distill"}


@pytest.mark.parametrize(
    "settings",
    [{"teacher_time": "uniform"}, {"teacher_time": "matched"}, {"attention": "plain"}, {"attention": "extended"},
     {"latent_mapping": "learned"}, {"reference": "unedited"}],
    ids=lambda settings: "-".join(settings.values()),
)  # fmt: skip
def test_every_ablation_gives_other_views_of_the_same_shape(bundle, settings):
    scene = make_scene(2)
    paper, other = (run(bundle, scene, config) for config in (SHORT, SHORT.override(settings)))
    assert other.views.shape == paper.views.shape
    assert other.views.isfinite().all()
    assert not torch.equal(other.views, paper.views)


def test_a_missing_compiler_is_noted(bundle, done, monkeypatch):
    assert done[0].notes == {}
    monkeypatch.setattr(method, "uncompiled_because", lambda settings, device: f"none for {device}")
    assert run(bundle, config=SHORT).notes == {"compiler": "none for cpu"}


def test_what_computes_attention_is_noted_and_is_at_work(bundle, monkeypatch):
    at_work = []

    @contextmanager
    def stand_in(device):
        at_work.append(device)
        yield

    monkeypatch.setattr(method, "uses_flash_4", lambda bundle, device: True)
    monkeypatch.setattr(method, "flash_4", stand_in)
    assert run(bundle, config=SHORT).notes == {"attention": "FlashAttention 4"}
    assert at_work == [torch.device("cpu")]


def test_flash_attention_4_is_for_large_networks_on_a_gpu(bundle, monkeypatch):
    large = replace(bundle, settings=replace(bundle.settings, compiled=True))
    monkeypatch.setattr(method, "serves", lambda device: True)
    assert method.uses_flash_4(large, torch.device("cuda"))
    assert not method.uses_flash_4(large, torch.device("cpu"))
    assert not method.uses_flash_4(bundle, torch.device("cuda"))


@pytest.mark.parametrize("judgement", [math.nan, math.inf])
def test_a_gradient_that_is_not_finite_is_told_at_the_end_of_its_timestep(bundle, monkeypatch, judgement):
    monkeypatch.setattr(Judge, "gradient", lambda judge, z0, t, noise: torch.full_like(z0, judgement))
    seen = []
    with pytest.raises(FloatingPointError, match=r"norm of (nan|inf) after 2 of 4 updates; expected a finite one"):
        run(bundle, progress=lambda stage, done, total: seen.append((stage, done)))
    assert seen[-1] == ("distill", 2), "the timesteps after it are spared"


def test_too_little_memory_is_told_before_any_work(bundle, monkeypatch):
    def refuse(_bundle, views, config, device):
        raise InputError(f"{views} {config.memory} {device}", got="0", expected="1", fix="Add one.")

    monkeypatch.setattr(method, "check_memory", refuse)
    monkeypatch.setattr(method, "edit_reference", lambda *_: pytest.fail("work was begun"))
    with pytest.raises(InputError, match="3 low cpu"):
        run(bundle, config=replace(SHORT, memory="low"))


def test_low_memory_gives_the_same_views(bundle, done):
    """On a CPU, where nothing but the blocks' second computation is saved."""
    assert torch.equal(run(bundle, config=replace(TINY, memory="low")).views, done[0].views)


def forward_pass(bundle, memory, seen):
    """Of an update as on a GPU: parts that ran by programs are seen, and numbers kept for the backward pass counted."""
    scene, config, kept = make_scene(), replace(TINY, memory=memory), []
    given = (0, scene.images[:1], torch.Generator().manual_seed(0), "cpu")
    judge, trajectory = method.prepare(scene, EDIT, bundle, config, *given)
    draws = method.new_draws(trajectory, judge)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(method, "compiles", lambda *_: True)
        patch.setattr(method, "compiler_missing", lambda: None)
        patch.setattr(method, "serves", lambda device: False)
        patch.setattr(compiling, "shared_programs", lambda: seen)
        with method.at_work(trajectory, judge, config):
            with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
                z0 = method.predict(trajectory, draws)
            judge.gradient(z0, draws.t, draws.noise)
    return trajectory, sum(kept)


def test_on_a_gpu_teacher_and_blocks_run_by_programs_and_low_memory_keeps_less_of_them(bundle):
    seen, kept = Seen(), {}
    for memory in CHOICES["memory"]:
        seen.parts.clear()
        trajectory, kept[memory] = forward_pass(bundle, memory, seen)
        assert seen.parts == [*trajectory.blocks, bundle.teacher.unet]
    assert kept["low"] < kept["normal"] / 2


class Seen:
    """In place of programs: computes as it is written, and notes what."""

    def __init__(self):
        self.parts = []

    def run(self, call):
        self.parts.append(call.arguments[0])
        return call.function(*call.arguments, **call.named)


class NoHostRead(TorchDispatchMode):
    """Refuses what would bring a tensor's value to the host: on a GPU it waits, and a CUDA graph cannot hold it."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = str(func)
        assert not any(reads in name for reads in ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero"))
        return func(*args, **(kwargs or {}))


def test_the_guard_notices_a_host_read():
    with pytest.raises(AssertionError), NoHostRead():
        torch.ones(()).item()


@pytest.mark.parametrize(
    "settings",
    [{}, {"teacher_time": "uniform", "attention": "plain"}, {"teacher_time": "matched", "attention": "extended"},
     {"latent_mapping": "learned", "reference": "unedited"}],
    ids=lambda settings: "-".join(settings.values()) or "paper",
)  # fmt: skip
def test_updates_and_draws_read_nothing_back_and_change_their_tensors_in_place(bundle, monkeypatch, settings):
    places, (update, refresh) = [], (method.update, Draws.refresh)

    def guarded_update(trajectory, judge, draws, config):
        with NoHostRead():
            update(trajectory, judge, draws, config)
        lasting = [trajectory.x, trajectory.x0, *trajectory.parameters(), *vars(draws).values()]
        places.append([tensor.data_ptr() for tensor in lasting])

    def guarded_refresh(*arguments):
        with NoHostRead():
            refresh(*arguments)

    monkeypatch.setattr(method, "update", guarded_update)
    monkeypatch.setattr(Draws, "refresh", guarded_refresh)
    run(bundle, config=SHORT.override(settings))
    assert len(places) == 3
    assert places[0] == places[1] == places[2]


@pytest.mark.parametrize("name", ["teacher_time", "attention", "latent_mapping", "reference"])
def test_a_choice_that_there_is_not_is_told_with_those_that_there_are(name):
    with pytest.raises(InputError, match=rf"'{name}'.*got 'other'; expected one of {', '.join(CHOICES[name])}"):
        DistillConfig().override({name: "other"})


def test_the_paper_s_own_choice_comes_first():
    assert {name: choices[0] for name, choices in CHOICES.items()} == {
        name: getattr(DistillConfig(), name) for name in CHOICES
    }


# --- settings --------------------------------------------------------------------------------------------------------


def test_the_defaults_are_the_published_code_s():
    config = DistillConfig()
    assert (config.f, config.upper, config.reference_steps) == (0.5, 950, 100)
    assert (config.weight_decay, config.gradient_clip) == (0.01, 0.5)
    assert sum(updates_per_timestep(config.plan)) == 2150


def test_settings_replace_fields_of_config_and_plan():
    settings = {"f": 0.1, "reference_steps": 7, "k": 20, "timesteps": 10, "first_updates": 30, "warmup": 20}
    plan = UpdatePlan(count=10, k=20, first_updates=30, warmup=20)
    assert DistillConfig().override(settings) == DistillConfig(plan, f=0.1, reference_steps=7)
    assert DistillConfig().override({}) == DistillConfig()


@pytest.mark.parametrize("name", ["kk", "plan", "count"])
def test_an_unknown_setting_is_told_with_the_known_ones(name):
    with pytest.raises(InputError, match=rf"'{name}'.*timesteps.*gradient_clip"):
        DistillConfig().override({name: 1})


def test_a_bundle_s_own_settings_come_before_the_defaults_and_behind_the_request_s(bundle):
    own = stating(bundle, distill={"lr_max": 3e-4, "f": 1.0}, random_weights=False)
    assert distill_config(own, {"f": 0.2}) == DistillConfig(UpdatePlan(lr_max=3e-4), f=0.2)


def test_an_untrained_bundle_learns_at_a_hundredth_of_its_rates_unless_asked_otherwise(bundle):
    own = stating(bundle, distill={"lr_max": 3e-4, "k": 20}, random_weights=True)
    plan = distill_config(own, {"lr_min": 4e-5}).plan
    assert (plan.lr_max, plan.lr_min, plan.k) == (pytest.approx(3e-6), 4e-5, 20)
    assert distill_config(own, {}).plan.lr_min == pytest.approx(5e-7)


def stating(bundle, **settings):
    return replace(bundle, settings=replace(bundle.settings, **settings))


def test_the_bundle_s_weight_decay_and_clip_reach_the_optimiser(bundle, monkeypatch):
    seen = []
    monkeypatch.setattr(method, "update", lambda trajectory, judge, draws, config: seen.append((trajectory, config)))
    run(bundle, config=replace(TINY, weight_decay=0.3, gradient_clip=0.7))
    group = seen[0][0].optimiser.inner.param_groups[0]
    assert (group["weight_decay"], group["betas"]) == (0.3, (0.9, 0.999))
    assert seen[0][1].gradient_clip == 0.7
    assert sum(p.numel() for p in group["params"]) == sum(p.numel() for p in bundle.student.parameters())
