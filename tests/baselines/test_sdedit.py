"""SDEdit-style fusion: independent edits, noised to the level asked for and denoised together."""

import pytest
import torch

from baselines.registry import load_method, parse_variant
from baselines.sampling import edit_views
from baselines.sdedit import denoise_from, shortened_timesteps
from mix2mix.errors import InputError
from mix2mix.reference import choose_reference, condition_on

SHORT = {"steps": 2, "timesteps": 4}


@pytest.mark.parametrize(("noise", "count"), [(0.25, 10), (0.5, 20), (0.75, 30)])
def test_timesteps_start_at_the_share_of_1000_and_are_as_dense_as_a_whole_trajectory_s(noise, count):
    timesteps = shortened_timesteps(40, noise)
    assert len(timesteps) == count
    assert (int(timesteps[0]), int(timesteps[-1])) == (1000 * noise, 25)
    assert (timesteps.diff() <= -24).all()
    assert (timesteps.diff() >= -27).all()


@pytest.fixture(scope="module")
def condition(bundle, face):
    return condition_on(bundle, face, 0, face.images[:1], "cpu")


def watch(student, monkeypatch):
    """Noisy latents and timesteps of every call of the student, which answers with zeros."""
    seen = []

    def denoise(x, tau, condition, num_frames):
        seen.append((x.clone(), int(tau), num_frames))
        return torch.zeros_like(x)

    monkeypatch.setattr(student, "denoise", denoise)
    return seen


def test_the_edits_latents_are_noised_to_the_first_level(bundle, condition, monkeypatch):
    seen = watch(bundle.student, monkeypatch)
    clean, timesteps = torch.full((4, 4, 16, 16), 5.0), torch.tensor([250, 100])
    denoise_from(bundle.student, condition, clean, timesteps, torch.Generator().manual_seed(0))
    (noisy, tau, frames), (later, *_) = seen
    sigma, lower = bundle.student.sigmas[[250, 100]].tolist()
    assert (tau, frames) == (250, 5)
    assert noisy[1:].mean().item() == pytest.approx(5, abs=0.1 * sigma)
    assert (noisy[1:] - 5).std().item() == pytest.approx(sigma, rel=0.05)
    torch.testing.assert_close(later, noisy * lower / sigma)  # an Euler step towards the stub's zeros


def test_the_result_is_the_last_prediction_of_the_targets(bundle, condition):
    clean = torch.zeros(4, 4, 16, 16)
    with torch.no_grad():
        latents = denoise_from(bundle.student, condition, clean, torch.tensor([25]), torch.Generator().manual_seed(0))
    noise = torch.randn(5, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    x = torch.cat([condition.latents[:1], clean]) + bundle.student.sigmas[25] * noise
    with torch.no_grad():
        expected = bundle.student.denoise(x, torch.tensor(25), condition, 5)[1:]
    assert torch.equal(latents, expected)


def test_the_student_is_shown_the_reference_s_own_edit(bundle, ask, face, monkeypatch):
    seen = []

    def denoise(x, tau, condition, num_frames):
        seen.append(condition)
        return torch.zeros_like(x)

    monkeypatch.setattr(bundle.student, "denoise", denoise)
    request = ask(seed=3, settings=SHORT)
    result = load_method("sdedit").edit(request)
    reference = choose_reference(face, 3)
    shown = edit_views(request, 2)[reference : reference + 1]
    expected = condition_on(bundle, face, reference, shown, "cpu")
    torch.testing.assert_close(seen[0].latents, expected.latents)
    torch.testing.assert_close(seen[0].context, expected.context)
    assert result.notes == {"reference": reference, "noise": 0.5}


@pytest.mark.parametrize("value", ["0", "1", "nan"])
def test_a_level_outside_the_trajectory_is_refused(value):
    with pytest.raises(InputError, match=r"expected a number from 0\.05 to 0\.95"):
        parse_variant(f"sdedit@noise={value}")
