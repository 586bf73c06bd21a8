"""Coupled sampling: two samplers that are each one's own at weight 0, and pull on each other above it."""

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import interpolate

from baselines.coupled import EditorPath, couple, sample_coupled
from baselines.registry import load_method, parse_variant
from mix2mix.errors import InputError
from mix2mix.reference import condition_on
from mix2mix.schedule import student_timesteps

SHORT = {"reference_steps": 2, "timesteps": 3}


def latents_of(seed, side=16):
    return torch.randn(4, 4, side, side, generator=torch.Generator().manual_seed(seed))


def test_each_prediction_is_moved_towards_the_other_by_the_weight():
    x0, y0 = latents_of(0), latents_of(1)
    ours, theirs = couple(x0, y0, 0.25)
    torch.testing.assert_close(ours, 0.75 * x0 + 0.25 * y0)
    torch.testing.assert_close(theirs, 0.25 * x0 + 0.75 * y0)


def test_at_a_half_both_become_their_mean_and_at_zero_they_stay():
    x0, y0 = latents_of(0), latents_of(1)
    torch.testing.assert_close(*couple(x0, y0, 0.5))
    assert all(torch.equal(*pair) for pair in zip(couple(x0, y0, 0.0), (x0, y0), strict=True))


def test_latents_of_different_sizes_are_resized_both_ways():
    x0, y0 = latents_of(0, 18), latents_of(1, 16)
    ours, theirs = couple(x0, y0, 0.5)
    torch.testing.assert_close(ours, (x0 + interpolate(y0, (18, 18), mode="bilinear")) / 2)
    torch.testing.assert_close(theirs, (y0 + interpolate(x0, (16, 16), mode="bilinear")) / 2)


def test_without_coupling_it_is_the_student_alone(ask):
    coupled = load_method("coupled").edit(ask(settings={**SHORT, "weight": 0.0})).views
    alone = load_method("student-only").edit(ask(settings=SHORT)).views
    assert torch.equal(coupled, alone)


def test_with_it_the_teacher_has_a_say(ask):
    views = {
        weight: load_method("coupled").edit(ask(settings={**SHORT, "weight": weight})).views for weight in (0, 0.3)
    }
    assert not torch.allclose(views[0], views[0.3], atol=1e-3)


@pytest.fixture
def path(ask):
    signal = torch.tensor([0.1, 0.5])
    nothing = torch.empty(0)
    return EditorPath(ask(), nothing, nothing, torch.tensor([900, 500]), ((1 - signal) / signal).sqrt())


def test_the_teacher_s_step_leaves_the_noise_of_the_next_level(path):
    """y = y0 + sigma eps: what is kept of eps and what is fresh add up to the lower level."""
    y0 = torch.full((4, 4, 64, 64), 2.0)
    y = y0 + path.sigmas[0] * latents_of(5, 64)
    stepped = path.advance(y, y0, 0, torch.Generator().manual_seed(1))
    assert (stepped - y0).std().item() == pytest.approx(path.sigmas[1].item(), rel=0.02)


def test_the_teacher_s_step_is_diffusers_euler_ancestral(path):
    """Its formula: sigma_up^2 = s'^2 (s^2 - s'^2) / s^2, sigma_down^2 = s'^2 - sigma_up^2, along (y - y0) / s."""
    y, y0 = latents_of(0), latents_of(1)
    s, lower = path.sigmas
    up = (lower**2 * (s**2 - lower**2) / s**2).sqrt()
    down = (lower**2 - up**2).sqrt()
    noise = torch.randn(y.shape, generator=torch.Generator().manual_seed(7))
    expected = y + (y - y0) / s * (down - s) + up * noise
    torch.testing.assert_close(path.advance(y, y0, 0, torch.Generator().manual_seed(7)), expected)


def test_a_perfect_teacher_finds_the_clean_latents(path, bundle, monkeypatch):
    clean, noise = latents_of(0), latents_of(1)
    y = clean + path.sigmas[0] * noise
    seen = []

    def predict(z, t, *told):
        seen.append((z, int(t)))
        return noise

    monkeypatch.setattr(bundle.teacher, "predict_noise", predict)
    torch.testing.assert_close(path.predict(y, 0), clean)
    # It is given the DDPM's z = sqrt(alpha_bar) x0 + sqrt(1 - alpha_bar) eps, here alpha_bar = 0.1.
    torch.testing.assert_close(seen[0][0], 0.1**0.5 * clean + 0.9**0.5 * noise)
    assert seen[0][1] == 900


def test_both_walk_down_the_same_timesteps(bundle, face, ask, monkeypatch):
    taus = {"student": [], "teacher": []}
    predict, denoise = bundle.teacher.predict_noise, bundle.student.denoise
    monkeypatch.setattr(
        bundle.teacher, "predict_noise", lambda z, t, *told: (taus["teacher"].append(int(t)), predict(z, t, *told))[1]
    )
    monkeypatch.setattr(
        bundle.student, "denoise", lambda x, tau, *told: (taus["student"].append(int(tau)), denoise(x, tau, *told))[1]
    )
    with torch.no_grad():
        condition = condition_on(bundle, face, 0, face.images[:1], "cpu")
        sample_coupled(ask(), condition, student_timesteps(3), 0.2)
    assert taus == {"student": [999, 512, 25], "teacher": [999, 512]}


@pytest.mark.parametrize("value", ["-0.1", "0.6"])
def test_a_weight_beyond_their_mean_is_refused(value):
    with pytest.raises(InputError, match=r"expected a number from 0 to 0\.5"):
        parse_variant(f"coupled@weight={value}")


def test_two_views_are_enough(ask, face):
    two = replace(face, images=face.images[:2], cameras=face.cameras[:2], frames=face.frames[:2])
    result = load_method("coupled").edit(ask(scene=two, settings=SHORT))
    assert result.views.shape == two.images.shape
    assert result.counts == {"teacher": 3 * 2 + 3 * 2 * 2, "student": 3}
