"""Ray casting by hand-computed hits, z-depth, and colours that do not depend on the viewer."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import grid_sample, one_hot

from mix2mix.cameras import Cameras, camera_rays, project
from mix2mix.mini.family import held_out_light, look_at
from mix2mix.mini.rendering import Light, cast, geometry, render
from mix2mix.mini.shapes import Material, Primitives, Sculptor

GREY = Material((0.5, 0.5, 0.5))
AHEAD = (0.0, 0.0, -1.0)
MISS = math.inf


def one(kind: str, size: tuple[float, float, float], **placing: object) -> Primitives:
    """A shape at the origin, and a ball out of sight, since every scene has a quadric."""
    sculptor = Sculptor(1)
    sculptor.add(kind, (0, 0, 0), size, GREY, **placing)
    sculptor.add("ellipsoid", (0, 0, 99), (1, 1, 1), GREY)
    return sculptor.build()


def hit(primitives: Primitives, x: float, y: float, direction: tuple[float, float, float] = AHEAD) -> float:
    """Depth that a ray from (x, y, 5) meets."""
    hits = cast(primitives, torch.tensor([[[x, y, 5.0]]]), torch.tensor([[[direction]]]))
    assert math.isinf(hits.depth) == (int(hits.index) == -1)
    return float(hits.depth)


def cameras(*azimuths: float, elevation: float = 12.0, distance: float = 4.0, focal: float = 1.5) -> Cameras:
    azimuth = torch.tensor([azimuths])
    return look_at(
        azimuth, torch.full_like(azimuth, elevation), torch.full_like(azimuth, distance), torch.zeros(3), focal
    )


def still_life(batch: int = 1, width: float | Tensor = 0.5) -> Primitives:
    """A speckled ball, a shining tube, a striped box and a wall that fills the view."""
    sculptor = Sculptor(batch)
    ball = Material((0.9, 0.2, 0.1), accent=(0.2, 0.3, 0.9), pattern="speckle", frequency=2.0)
    tube = Material((0.2, 0.7, 0.3), accent=(0.9, 0.9, 0.2), pattern="wood", frequency=1.5, sheen=0.4)
    box = Material((0.3, 0.3, 0.9), accent=(0.9, 0.6, 0.3), pattern="stripes", frequency=1.5)
    wall = Material((0.6, 0.6, 0.6), accent=(0.3, 0.5, 0.4), pattern="patches", frequency=0.6)
    sculptor.add("ellipsoid", (0.4, 0.1, 0.2), (width, 0.6, 0.5), ball, y=20.0)
    sculptor.add("cylinder", (-0.6, 0, 0), (0.3, 0.8, 0.3), tube, z=15.0)
    sculptor.add("box", (0, -0.7, 0.1), (0.9, 0.2, 0.6), box, y=10.0, subject=False)
    sculptor.add("box", (0, 0, -3), (9, 9, 0.5), wall, subject=False)
    return sculptor.build()


@pytest.mark.parametrize(("x", "y", "depth"), [(0, 0, 4.0), (0.6, 0, 4.2), (0, -0.8, 4.4), (1.5, 0, MISS)])
def test_a_ball(x, y, depth):
    assert hit(one("ellipsoid", (1, 1, 1)), x, y) == pytest.approx(depth)


@pytest.mark.parametrize(("x", "y", "depth"), [(0, 0, 4.5), (1.2, 0, 4.6), (0, 1.6, 4.7), (0, 2.1, MISS)])
def test_an_ellipsoid_is_stretched_along_each_axis(x, y, depth):
    assert hit(one("ellipsoid", (2, 2, 0.5)), x, y) == pytest.approx(depth)


@pytest.mark.parametrize(("x", "y", "depth"), [(0, 0.5, 4.0), (0.8, -1.9, 4.4), (0, 2.1, MISS), (1.1, 0, MISS)])
def test_a_cylinder_stands_along_y(x, y, depth):
    assert hit(one("cylinder", (1, 2, 1)), x, y) == pytest.approx(depth)


def test_a_cylinder_is_an_open_tube():
    tube = one("cylinder", (1, 2, 1))
    down = torch.tensor([[[[0.0, -1.0, 0.0]]]])
    assert torch.isinf(cast(tube, torch.tensor([[[0.5, 5.0, 0.0]]]), down).depth).all()
    into = cast(tube, torch.tensor([[[0.0, 3.0, 0.0]]]), torch.tensor([[[[0.0, -2.0, -1.0]]]]))
    assert float(into.depth) == pytest.approx(1.0)


@pytest.mark.parametrize(("x", "y", "depth"), [(0, -0.5, 4.5), (0, -1, 4.0), (0.3, -0.5, 4.6), (0, 0.5, MISS)])
def test_a_cone_opens_downwards_from_its_apex(x, y, depth):
    assert hit(one("cone", (1, 1, 1)), x, y) == pytest.approx(depth)


@pytest.mark.parametrize(("x", "y", "depth"), [(0, 0, 4.5), (1.9, 0.9, 4.5), (2.1, 0, MISS), (0, -1.1, MISS)])
def test_a_box(x, y, depth):
    assert hit(one("box", (2, 1, 0.5)), x, y) == pytest.approx(depth)


def test_a_turned_box_shows_its_edge():
    assert hit(one("box", (1, 1, 1), y=45.0), 0, 0) == pytest.approx(5 - math.sqrt(2))
    assert hit(one("box", (1, 0.1, 0.2), z=90.0), 0, 0.9) == pytest.approx(4.8)
    assert hit(one("box", (1, 0.1, 0.2), z=90.0), 0.9, 0) == MISS


def test_a_clip_box_opens_the_view_of_the_inside():
    assert hit(one("ellipsoid", (1, 1, 1), high=(1, 1, 0.5)), 0, 0) == pytest.approx(6.0)
    assert hit(one("ellipsoid", (1, 1, 1), low=(-1, 0, -1)), 0, 0.6) == pytest.approx(4.2)
    assert hit(one("ellipsoid", (1, 1, 1), low=(-1, 0, -1)), 0, -0.6) == MISS


def test_a_clip_box_is_in_units_of_the_size():
    assert hit(one("cylinder", (1, 4, 1), high=(1, 0.5, 1)), 0, 1.9) == pytest.approx(4.0)
    assert hit(one("cylinder", (1, 4, 1), high=(1, 0.5, 1)), 0, 2.1) == MISS


@pytest.mark.parametrize("turned", [38.0, 71.0, 123.0])
def test_a_clip_box_that_only_touches_clips_nothing(turned):
    view, beside = cameras(-30.0, 5.0, 32.0, 130.0), {"low": (-2, -1, -2), "high": (2, 1, 2)}
    touching = geometry(one("cylinder", (0.4, 1, 0.5), y=turned, x=3.0), view, 64)
    torch.testing.assert_close(touching, geometry(one("cylinder", (0.4, 1, 0.5), y=turned, x=3.0, **beside), view, 64))


def test_the_nearest_of_many_is_met_and_none_behind_the_camera():
    sculptor = Sculptor(1)
    for z in (-3.0, 1.0, 9.0):
        sculptor.add("ellipsoid", (0, 0, z), (0.5, 0.5, 0.5), GREY)
    hits = cast(sculptor.build(), torch.tensor([[[0.0, 0.0, 5.0]]]), torch.tensor([[[AHEAD]]]))
    assert (float(hits.depth), int(hits.index)) == (pytest.approx(3.5), 1)


def test_depth_is_along_the_camera_axis():
    depth, index = geometry(one("box", (90, 90, 0.5)), cameras(0.0, elevation=0.0), 16)
    torch.testing.assert_close(depth, torch.full((1, 1, 16, 16), 3.5))
    assert index.eq(1).all()


def test_depth_leads_back_to_the_surface():
    view = cameras(-30.0, 20.0)
    depth, _ = geometry(one("ellipsoid", (1, 1, 1)), view, 32)
    origins, directions = camera_rays(view, 32, 32)
    points = origins[..., None, None, :] + depth[..., None] * directions
    radius = points.norm(dim=-1)[torch.isfinite(depth)]
    assert len(radius) > 500
    torch.testing.assert_close(radius, torch.ones_like(radius), atol=1e-5, rtol=0)


def reprojected(images: Tensor, depth: Tensor, view: Cameras, source: int, target: int) -> tuple[Tensor, Tensor]:
    """Colours [3, P] of the target view where the source's pixels see it too, and those of the source."""
    size = depth.shape[-1]
    origins, directions = camera_rays(view[source], size, size)
    points = (origins + depth[source, ..., None] * directions).flatten(0, 1)
    pixels, z = project(points, view[target], size, size)
    grid = (2 * pixels / size - 1)[None, None]
    seen = grid_sample(depth[target][None, None], grid, "nearest", align_corners=False)[0, 0, 0]
    visible = ((seen - z).abs() < 0.01 * z) & (grid[0, 0].abs() < 1).all(-1)
    colours = grid_sample(images[target][None], grid, align_corners=False)[0, :, 0]
    return colours[:, visible], images[source].flatten(1)[:, visible]


def test_a_surface_has_the_same_colour_from_everywhere():
    view = cameras(-20.0, 15.0, 40.0)
    primitives = still_life()
    images = render(primitives, held_out_light(), view, 96, samples=1)[0]
    depth = geometry(primitives, view, 96)[0][0]
    for source, target in ((0, 1), (1, 0), (1, 2), (0, 2)):
        there, here = reprojected(images, depth, Cameras(view.K[0], view.c2w[0]), source, target)
        chance = here[:, torch.randperm(here.shape[1], generator=torch.Generator().manual_seed(0))]
        assert here.shape[1] > 2000
        assert (there - here).abs().mean() < 0.1 * (there - chance).abs().mean()
        assert (there - here).abs().median() < 0.003


def test_a_batch_equals_its_scenes_one_by_one():
    width, view = torch.tensor([0.3, 0.6]), cameras(-20.0, 30.0)
    together = render(still_life(2, width), held_out_light(), view, 24)
    alone = [render(still_life(1, width[i : i + 1]), held_out_light(), view, 24) for i in range(2)]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-5, rtol=0)
    assert (together[0] - together[1]).abs().max() > 0.1


def test_rendering_and_geometry_see_the_same_primitives():
    sculptor, colours = Sculptor(1), torch.eye(3)
    for i, x in enumerate((-0.8, 0.0, 0.8)):
        kind = ("ellipsoid", "cylinder", "box")[i]
        sculptor.add(kind, (x, 0.1 * i, -x), (0.5, 0.6, 0.5), Material(colours[i].tolist(), glow=1.0))
    primitives, light, view = sculptor.build(), held_out_light(), cameras(-25.0, 25.0)
    index = geometry(primitives, view, 48)[1]
    expected = torch.where(
        (index >= 0)[..., None], one_hot(index.clamp(min=0), 3).float(), light.sky[:, None, None, None]
    )
    images = render(primitives, light, view, 48, samples=1).movedim(2, -1)
    assert index.unique().tolist() == [-1, 0, 1, 2]
    torch.testing.assert_close(images, expected)


def test_images_are_in_range_and_averaged_over_samples():
    primitives, light, view = still_life(), held_out_light(), cameras(10.0)
    fine, coarse = render(primitives, light, view, 64, samples=1), render(primitives, light, view, 32, samples=2)
    assert coarse.shape == (1, 1, 3, 32, 32)
    assert coarse.min() >= 0
    assert coarse.max() <= 1
    torch.testing.assert_close(coarse[0], torch.nn.functional.avg_pool2d(fine[0], 2), atol=1e-4, rtol=0)


def test_the_lit_side_is_brighter():
    light = Light(torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([0.5]), torch.zeros(1, 3))
    image = render(one("ellipsoid", (1, 1, 1)), light, cameras(0.0), 32)[0, 0]
    assert image[:, 16, 22].gt(image[:, 16, 10] + 0.1).all()
