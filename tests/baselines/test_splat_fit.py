"""Fitting: the views get nearer, the same way for the same seed, and once for all methods of a process."""

from dataclasses import replace

import pytest
import torch

from baselines.points import random_points
from baselines.splat_dense import dense_rasteriser
from baselines.splat_fit import SHORT_RATES, FitSettings, Rates, Training, fit_splats, shared_fit
from baselines.splats import splats_at
from mix2mix.teacher import resize

SETTINGS = FitSettings(150, "random", "dense", render_size=24, fit_steps=60, rates=SHORT_RATES)


def fit(scene, seed=0, settings=SETTINGS, how=fit_splats):
    return how(scene, settings, seed, dense_rasteriser, "cpu", lambda _: None)


@pytest.fixture(scope="module")
def fitted(face):
    return fit(face)


def test_sixty_steps_find_the_face(face, fitted):
    unfitted = fit(face, settings=replace(SETTINGS, fit_steps=1))
    assert fitted.psnr > unfitted.psnr + 3
    assert fitted.psnr > 19


def test_what_is_told_of_a_fit_is_true_of_its_splats(face, fitted):
    views = [dense_rasteriser(fitted.splats, face.cameras[i : i + 1], 24, torch.zeros(3)) for i in range(4)]
    error = (torch.stack(views).clamp(0, 1) - resize(face.images, 24, 24)).square().mean()
    assert float(-10 * error.log10()) == pytest.approx(fitted.psnr, abs=1e-3)
    assert (len(fitted.splats), fitted.triangulated) == (150, 0)
    assert fitted.seconds > 0


def test_a_seed_decides_the_fit_and_torch_s_own_is_left_alone(face, fitted):
    state = torch.get_rng_state()
    again, other = fit(face), fit(face, seed=1)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(again.splats.means, fitted.splats.means)
    assert not torch.equal(other.splats.means, fitted.splats.means)


def test_every_step_is_told(face):
    told = []
    fit_splats(face, replace(SETTINGS, fit_steps=3), 0, dense_rasteriser, "cpu", told.append)
    assert told == [1, 2, 3]


def test_one_fit_serves_all_methods_of_a_process_until_scene_settings_or_seed_differ(face):
    short = replace(SETTINGS, fit_steps=2)
    first, shared = fit(face, settings=short, how=shared_fit)
    assert not shared
    same, shared = fit(replace(face, name="another name"), settings=short, how=shared_fit)
    assert shared
    assert same is first
    others = [(replace(face, images=1 - face.images), 0, short), (face, 1, short), (face, 0, SETTINGS)]
    assert not any(fit(scene, seed, settings, shared_fit)[1] for scene, seed, settings in others)


def training(face, rates, steps=10):
    splats = splats_at(*random_points(face, 40, torch.Generator().manual_seed(0)))
    return splats, Training(splats, face.cameras, 16, dense_rasteriser, rates, steps)


@pytest.mark.parametrize("index", range(6))
def test_each_quantity_has_its_own_rate(face, index):
    """Adam's first step is as long as its rate: with one rate above 0, one quantity alone moves."""
    names = ["means", "constant", "linear", "opacities", "scales", "rotations"]
    moved = ["means", "constant", "linear", "logits", "log_scales", "quaternions"]
    rates = replace(Rates(*[1e-12] * 7), **{names[index]: 1e-2, "last_means": 1e-2 if index == 0 else 1e-12})
    before, trained = training(face, rates)
    trained.descend(trained.render(0).square().mean())
    changed = [name for name in moved if (getattr(trained.splats, name) - getattr(before, name)).abs().max() > 1e-4]
    assert changed == [moved[index]]


def test_positions_step_by_their_rate_times_the_extent_and_ever_less(face):
    """The face's cameras span 0.866: the first step is 0.00866 long, and ten later a hundredth of that."""
    _, trained = training(face, Rates(1e-2, 1e-4, *[1e-12] * 5))
    lengths = []
    for _ in range(11):
        earlier = trained.splats.means.detach().clone()
        trained.descend(trained.splats.means.sum())
        lengths.append(float((trained.splats.means.detach() - earlier).abs().max()))
    assert lengths[0] == pytest.approx(0.00866, rel=1e-2)
    assert lengths[10] == pytest.approx(0.0000866, rel=1e-2)


def test_renders_are_counted_and_the_given_splats_left_alone(face):
    before, trained = training(face, SHORT_RATES)
    means = before.means.clone()
    trained.descend(trained.render(1).mean())
    assert trained.render_all().shape == (4, 3, 16, 16)
    assert trained.renders == 5
    assert torch.equal(before.means, means)
