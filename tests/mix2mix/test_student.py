"""The denoiser around the network, and its sampler."""

import json
import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from mix2mix.schedule import seva_sigmas, student_timesteps
from mix2mix.seva import Seva, SevaConfig
from mix2mix.student import Condition, Preconditioning, Student, euler_step, reference_condition, sample

FRAMES, SIDE, CONTEXT = 3, 4, 5


class Recorder(nn.Module):
    """A network that keeps what it was called with and answers by a rule."""

    def __init__(self, answer=lambda latents: latents[:, :4]) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, latents, timesteps, context, pluecker, num_frames):
        self.latents, self.timesteps, self.num_frames = latents, timesteps, num_frames
        return self.answer(latents)


@pytest.fixture
def condition() -> Condition:
    g = torch.Generator().manual_seed(0)
    return reference_condition(
        torch.randn(4, SIDE, SIDE, generator=g),
        torch.randn(CONTEXT, generator=g),
        torch.randn(FRAMES, 6, SIDE, SIDE, generator=g),
    )


@pytest.fixture
def x() -> Tensor:
    return 30 * torch.randn(FRAMES, 4, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def test_denoises_as_the_published_code_does(shared: Path):
    folder = shared / "fixtures/seva"
    with safe_open(folder / "tiny.io.safetensors", "pt") as file:
        network = Seva(SevaConfig(**json.loads(file.metadata()["params"])))
    weights = load_file(folder / "tiny.weights.safetensors")
    network.load_state_dict({name: weight.float() for name, weight in weights.items()})
    io = load_file(folder / "tiny.io.safetensors")

    class GoldenConcat(nn.Module):
        """The fixture's mask and ray channels are noise of their own: put them in."""

        def forward(self, latents, timesteps, context, pluecker, num_frames):
            channels = torch.cat([latents[:, :4], io["concat"]], dim=1)
            return network(channels, timesteps, context, pluecker, num_frames)

    student = Student(GoldenConcat(), Preconditioning())
    clean, mask = io["replace"].split([4, 1], dim=1)
    condition = Condition(clean, mask[:, 0, 0, 0] > 0, io["crossattn"], io["dense_vector"])
    tau = (student.sigmas - io["sigma"][:, None]).abs().argmin(dim=1)
    with torch.no_grad():
        x0 = student.denoise(io["denoiser_input"], tau, condition, 5)
    assert (x0 - io["denoiser_x0"]).abs().max() < 1e-4 * io["denoiser_x0"].abs().max()


def test_the_network_sees_scaled_latents_then_the_mask_then_the_rays(condition: Condition, x: Tensor):
    student = Student(Recorder(), Preconditioning())
    student.denoise(x, torch.tensor(700), condition, FRAMES)
    scale = 1 / math.sqrt(seva_sigmas()[700].item() ** 2 + 1)
    seen = student.network.latents
    torch.testing.assert_close(seen[1:, :4], x[1:] * scale)
    torch.testing.assert_close(seen[0, :4], condition.latents[0] * scale)
    assert seen[:, 4].mean(dim=(1, 2)).tolist() == [1, 0, 0]
    assert torch.equal(seen[:, 5:], condition.pluecker)
    assert student.network.timesteps.tolist() == [700] * FRAMES
    assert student.network.num_frames == FRAMES


def test_clean_input_scale_leaves_input_frames_alone(condition: Condition, x: Tensor):
    student = Student(Recorder(), Preconditioning(input_scale="clean"))
    student.denoise(x, torch.tensor(700), condition, FRAMES)
    assert torch.equal(student.network.latents[0, :4], condition.latents[0])
    scale = 1 / math.sqrt(seva_sigmas()[700].item() ** 2 + 1)
    torch.testing.assert_close(student.network.latents[1:, :4], x[1:] * scale)


@pytest.mark.parametrize("prediction", ["epsilon", "v"])
@pytest.mark.parametrize("tau", [25, 474, 999])
def test_a_perfect_network_recovers_the_clean_latents(prediction: str, tau: int, condition: Condition):
    """The definitions: eps = (x - x0) / sigma; v = alpha eps - s x0 of the unit-variance z = alpha x0 + s eps."""
    g = torch.Generator().manual_seed(2)
    clean, eps = (torch.randn(FRAMES, 4, SIDE, SIDE, generator=g) for _ in range(2))
    student = Student(Recorder(), Preconditioning(prediction=prediction, log_sigma_shift=0.7))
    sigma = student.sigmas[tau].item()
    alpha, s = 1 / math.hypot(1, sigma), sigma / math.hypot(1, sigma)
    student.network.answer = lambda _: eps if prediction == "epsilon" else alpha * eps - s * clean
    x0 = student.denoise(clean + sigma * eps, torch.tensor(tau), condition, FRAMES)
    torch.testing.assert_close(x0[1:], clean[1:], rtol=1e-4, atol=1e-4)


def test_each_scene_may_have_its_own_timestep(condition: Condition, x: Tensor):
    two = Condition(*(torch.cat([value, value]) for value in vars(condition).values()))
    student = Student(Recorder(), Preconditioning(prediction="v"))
    tau = torch.tensor([900] * FRAMES + [50] * FRAMES)
    both = student.denoise(torch.cat([x, x]), tau, two, FRAMES)
    for scene, part in zip((900, 50), both.split(FRAMES), strict=True):
        torch.testing.assert_close(part, student.denoise(x, torch.tensor(scene), condition, FRAMES))


def test_denoising_reads_no_value_on_the_host(condition: Condition, x: Tensor):
    """A meta tensor has no value: reading one, or mixing in a tensor made on the host, raises."""
    student = Student(Recorder(), Preconditioning()).to("meta")
    tau = torch.empty((), dtype=torch.int64, device="meta")
    away = Condition(*(value.to("meta") for value in vars(condition).values()))
    assert student.denoise(x.to("meta"), tau, away, FRAMES).shape == x.shape


def test_a_checkpoint_of_the_student_holds_the_network_alone():
    student = Student(nn.Linear(2, 2), Preconditioning())
    assert set(student.state_dict()) == {"network.weight", "network.bias"}


def test_reference_condition_knows_the_first_frame_only(condition: Condition):
    assert condition.latents.shape == (FRAMES, 4, SIDE, SIDE)
    assert condition.context.shape == (FRAMES, 1, CONTEXT)
    assert condition.mask.tolist() == [True, False, False]
    assert condition.latents[0].abs().min() > 0
    assert bool((condition.latents[1:] == 0).all())
    assert bool((condition.context == condition.context[0]).all())


@given(sigma=st.floats(1e-2, 100), ratio=st.floats(0, 1), x=st.floats(-50, 50), x0=st.floats(-5, 5))
def test_an_euler_step_integrates_the_probability_flow(sigma: float, ratio: float, x: float, x0: float):
    """The step of dx/dsigma = (x - x0) / sigma."""
    t = [torch.tensor(value, dtype=torch.float64) for value in (x, x0, sigma, sigma * ratio)]
    expected = x + (x - x0) / sigma * (sigma * ratio - sigma)
    assert euler_step(*t).item() == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_initial_noise_has_the_spread_of_the_noisiest_latents():
    student = Student(Recorder(), Preconditioning())
    noise = student.initial_noise((5, 4, 64, 64), torch.Generator().manual_seed(0))
    assert noise.std().item() == pytest.approx(math.hypot(1, seva_sigmas()[-1].item()), rel=0.01)
    assert torch.equal(noise, student.initial_noise((5, 4, 64, 64), torch.Generator().manual_seed(0)))


def test_sampling_visits_the_timesteps_and_ends_at_the_last_prediction(condition: Condition):
    visited = []

    class Constant(Student):
        def denoise(self, x, tau, condition, num_frames):
            visited.append((tau.item(), x.std().item()))
            return torch.full_like(x, 0.25)

    student = Constant(Recorder(), Preconditioning())
    x0 = sample(student, condition, student_timesteps(4), torch.Generator().manual_seed(0), FRAMES)
    assert [tau for tau, _ in visited] == [999, 674, 349, 25]
    sigmas = seva_sigmas()
    spread = [std / visited[0][1] for _, std in visited]
    assert spread == pytest.approx([(sigmas[tau] / sigmas[999]).item() for tau, _ in visited], rel=1e-4)
    assert bool((x0 == 0.25).all())


def test_sampling_with_the_exact_denoiser_of_a_gaussian_lands_on_it(condition: Condition):
    """For clean latents ~ N(mean, spread^2) the best prediction is known, and Euler steps reproduce both moments."""
    mean, spread = 2.0, 0.5

    class Exact(Student):
        def denoise(self, x, tau, condition, num_frames):
            variance = self.sigmas[tau] ** 2
            return (spread**2 * x + variance * mean) / (spread**2 + variance)

    wide = Condition(torch.zeros(FRAMES, 4, 64, 64), condition.mask, condition.context, condition.pluecker)
    student = Exact(Recorder(), Preconditioning())
    x0 = sample(student, wide, student_timesteps(400, last=0), torch.Generator().manual_seed(0), FRAMES)
    assert x0.mean().item() == pytest.approx(mean, abs=0.02)
    assert x0.std().item() == pytest.approx(spread, rel=0.03)
