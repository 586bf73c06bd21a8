"""Fitting a field: the views get nearer, the same way for the same seed, and once for all edits of a scene."""

from dataclasses import replace

import pytest
import torch

from baselines.losses import psnr
from baselines.radiance_field import FieldShape, Proposal, RadianceField
from baselines.radiance_fit import (
    FITS,
    SHORT_RATE,
    FitSettings,
    Rate,
    Training,
    draw_views,
    fit_field,
    pixels_of,
    shared_fit,
    view_rays,
)
from baselines.radiance_hash import GridShape
from baselines.radiance_space import centred
from mix2mix.cameras import Cameras, camera_rays
from mix2mix.scene import Scene
from mix2mix.teacher import resize

SHAPE = FieldShape(
    GridShape(4, 8, 64, 13), width=16, samples=12, proposals=(Proposal(GridShape(2, 8, 32, 12), 24, width=8),)
)
SETTINGS = FitSettings(SHAPE, render_size=24, fit_steps=120, rays=256, rate=SHORT_RATE)


def fit(scene, seed=0, settings=SETTINGS, how=fit_field):
    return how(scene, settings, seed, "cpu", lambda _: None)


def make(scene, rate=SHORT_RATE, size=8, steps=10):
    field = RadianceField(SHAPE, torch.Generator().manual_seed(0))
    return field, Training(field, scene.cameras, size, rate, steps, seed=0)


def weights_of(field):
    return torch.cat([p.detach().flatten() for p in field.parameters()])


@pytest.fixture(scope="module")
def fitted(face):
    return fit(face)


def test_a_hundred_steps_find_the_face(face, fitted):
    views = resize(face.images, 24, 24)
    mean_colour = psnr(views.mean(dim=(0, 2, 3), keepdim=True).expand_as(views), views)
    assert fitted.psnr > mean_colour + 6
    assert fitted.psnr > 21


def test_what_is_told_of_a_fit_is_true_of_its_field(face, fitted):
    views = draw_views(fitted.field, face.cameras, 24)
    assert psnr(views, resize(face.images, 24, 24)) == pytest.approx(fitted.psnr, abs=1e-4)
    assert fitted.seconds > 0
    assert not views.requires_grad


def test_the_fitted_field_has_the_face_s_colours_at_other_sizes_too(face, fitted):
    assert psnr(draw_views(fitted.field, face.cameras, 48), resize(face.images, 48, 48)) > 19


def painted_wall(angles):
    """Views [N] of the plane z = 0, whose colours are waves over it, by cameras on a circle of radius 2 around it."""
    c2w = torch.eye(4).repeat(len(angles), 1, 1)
    cos, sin = angles.cos(), angles.sin()
    c2w[:, 0, 0], c2w[:, 0, 2], c2w[:, 2, 0], c2w[:, 2, 2] = cos, sin, -sin, cos
    c2w[:, :3, 3] = -2 * c2w[:, :3, 2]
    K = torch.tensor([[1.2, 0.0, 0.5], [0.0, 1.2, 0.5], [0.0, 0.0, 1.0]]).expand(len(angles), 3, 3)
    origins, directions = camera_rays(Cameras(K, c2w), 24, 24)
    origins = origins[:, None, None]
    x, y, _ = (origins - origins[..., 2:] / directions[..., 2:] * directions).unbind(-1)
    images = 0.5 + 0.4 * torch.stack([(4 * x).sin(), (4 * y).cos(), (3 * x + 3 * y).sin()], dim=1)
    return Scene("wall", images, Cameras(K, c2w), tuple(map(str, range(len(angles)))))


def test_many_views_of_a_painted_wall_show_how_it_looks_from_between_them():
    """All cameras are as far from one focus, so that a subset of them is centred as all are."""
    seen, unseen = painted_wall(torch.linspace(-0.6, 0.6, 12)), painted_wall(torch.tensor([-0.33, 0.0, 0.11]))
    found = draw_views(fit(seen, settings=replace(SETTINGS, fit_steps=220)).field, unseen.cameras, 24)
    mean_colour = unseen.images.mean(dim=(0, 2, 3), keepdim=True).expand_as(found)
    assert psnr(found, unseen.images) > psnr(mean_colour, unseen.images) + 10


def test_a_seed_decides_the_fit_and_torch_s_own_is_left_alone(face):
    state, short = torch.get_rng_state(), replace(SETTINGS, fit_steps=5)
    first, same, other = (weights_of(fit(face, seed, short).field) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_every_step_is_told(face):
    told = []
    fit_field(face, replace(SETTINGS, fit_steps=3), 0, "cpu", told.append)
    assert told == [1, 2, 3]


def test_one_fit_serves_all_edits_of_a_scene_until_scene_settings_or_seed_differ(face):
    short = replace(SETTINGS, fit_steps=2)
    first, shared = fit(face, settings=short, how=shared_fit)
    assert not shared
    same, shared = fit(face, settings=short, how=shared_fit)
    assert shared
    assert same is first
    others = [(replace(face, images=1 - face.images), 0, short), (face, 1, short), (face, 0, replace(short, rays=64))]
    assert not any(fit(scene, seed, settings, shared_fit)[1] for scene, seed, settings in others)


def test_rays_and_pixels_are_counted_in_the_same_order(face):
    """View by view, row by row: where ray r goes is where pixel r is."""
    origins, directions = view_rays(face.cameras, 4)
    starts, towards = camera_rays(centred(face.cameras), 4, 4)
    assert torch.equal(origins[2], starts[2].expand(16, 3))
    torch.testing.assert_close(directions[2, 6], towards[2, 1, 2] / towards[2, 1, 2].norm())
    pictures = torch.arange(4 * 3 * 16).view(4, 3, 4, 4)
    assert torch.equal(pixels_of(pictures)[2 * 16 + 6], pictures[2, :, 1, 2])


def test_a_view_s_picture_is_the_same_alone_as_among_all_and_is_counted(face, monkeypatch):
    monkeypatch.setattr("baselines.radiance_fit.RAYS_AT_ONCE", 50)  # less than a picture's 64
    field, trained = make(face)
    everything = draw_views(field, face.cameras, 8)
    alone = torch.stack([trained.render(view) for view in range(4)])
    assert everything.shape == (4, 3, 8, 8)
    torch.testing.assert_close(alone, everything)
    assert trained.renders == 4


def test_the_given_field_is_left_alone(face):
    field, trained = make(face)
    before = weights_of(field)
    trained.descend(torch.arange(20), lambda colours: colours.square().mean())
    assert torch.equal(weights_of(field), before)
    assert not torch.equal(weights_of(trained.field), before)


def test_the_loss_is_of_the_rays_asked_for(face):
    seen = []
    _, trained = make(face)
    trained.descend(torch.tensor([5, 70]), lambda colours: seen.append(colours) or colours.mean())
    assert seen[0].shape == (2, 3)


def test_proposals_are_taught_whatever_the_picture_says(face):
    """With a loss that is flat, only the bound and the distortion move anything (where there is something to see)."""
    field, _ = make(face)
    with torch.no_grad():
        field.density.network[-1].bias[0] = 6.0
    trained = Training(field, face.cameras, 8, SHORT_RATE, 10, seed=0)
    trained.descend(torch.arange(64), lambda colours: 0 * colours.sum())
    moved = {
        name.split(".")[0]
        for (name, before), after in zip(field.named_parameters(), trained.field.parameters(), strict=True)
        if not torch.equal(before, after)
    }
    assert moved == {"proposals", "density"}


def test_steps_get_shorter_exponentially(face):
    """Adam's step under a constant gradient is as long as its rate: 1e-2 first, a hundredth of it ten steps later."""
    _, trained = make(face, Rate(1e-2, 1e-4), steps=10)
    bias, lengths = trained.field.colour[-1].bias, []
    for _ in range(11):
        earlier = bias.detach().clone()
        trained.descend(torch.arange(8), lambda _: bias.sum())
        lengths.append(float((bias.detach() - earlier).abs().max()))
    assert lengths[0] == pytest.approx(1e-2, rel=1e-3)
    assert lengths[10] == pytest.approx(1e-4, rel=1e-2)


def test_the_paper_s_field_is_nerfacto_s():
    shape = FITS["paper"].shape
    assert (shape.grid.levels, shape.grid.finest, shape.grid.log2_entries) == (16, 2048, 19)
    assert ([p.samples for p in shape.proposals], shape.samples) == ([256, 96], 48)
    assert (FITS["paper"].fit_steps, FITS["paper"].rays) == (30_000, 4096)
