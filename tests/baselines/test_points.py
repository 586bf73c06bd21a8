"""Where splats begin: inside the views' own frusta, in the colours that the views show there."""

from dataclasses import replace

import pytest
import torch

from baselines.points import colours_seen, extent, focus, focus_depths, initial_points, random_points
from mix2mix.cameras import Cameras, project
from mix2mix.errors import InputError
from mix2mix.mini.world import FAMILIES, held_out_scene


def draw(scene, count=400, seed=0):
    return random_points(scene, count, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", ["face", "bear", "person"])
def test_the_focus_is_what_the_cameras_were_aimed_at(name):
    cameras, rig = held_out_scene(name, 4).cameras, FAMILIES[name].rig
    torch.testing.assert_close(focus(cameras), torch.tensor(rig.target), atol=1e-4, rtol=0)
    torch.testing.assert_close(focus_depths(cameras), torch.full((4,), rig.distance))


def test_cameras_side_by_side_look_at_no_common_place(face):
    c2w = torch.eye(4).repeat(2, 1, 1)
    c2w[1, 0, 3] = 1.0
    with pytest.raises(InputError, match="one common place"):
        focus_depths(Cameras(face.cameras.K[:2], c2w))


def test_each_point_is_in_the_picture_of_its_own_view_at_a_depth_in_range(face):
    points, _ = draw(face)
    pixels, depth = project(points, face.cameras, 128, 128)
    own, view = torch.arange(400), torch.arange(400) % 4
    assert ((pixels[view, own] > 0) & (pixels[view, own] < 128)).all()
    assert 0.69 * 1.2 < depth[view, own].min() < 0.72 * 1.2
    assert 2.6 * 1.2 < depth[view, own].max() < 3.01 * 1.2


def test_the_same_generator_gives_the_same_points(face):
    assert torch.equal(draw(face)[0], draw(face)[0])
    assert not torch.equal(draw(face)[0], draw(face, seed=1)[0])


def test_a_colour_is_the_mean_over_the_views_that_see_the_point(face):
    """Views of one flat colour each: a point in all pictures gets their mean, one behind all cameras mid-grey."""
    flat = torch.tensor([0.0, 0.2, 0.4, 1.0])[:, None, None, None].expand(4, 3, 128, 128)
    nowhere = face.cameras.origins[0] - 10 * face.cameras.rotations[0, :, 2]
    points = torch.stack([focus(face.cameras), nowhere])
    colours = colours_seen(replace(face, images=flat), points)
    torch.testing.assert_close(colours, torch.tensor([[0.4] * 3, [0.5] * 3]))


def test_a_colour_is_taken_where_the_point_lands(face):
    """A view whose brightness is the pixel's column: a point's colour tells where it lands."""
    ramp = ((torch.arange(128) + 0.5) / 128).expand(4, 3, 128, 128)
    points, _ = draw(face, count=40)
    one = replace(face, images=ramp[:1], cameras=face.cameras[:1])
    pixels, _ = project(points, one.cameras, 1, 1)
    own = torch.arange(0, 40, 4)
    torch.testing.assert_close(colours_seen(one, points)[own, 0], pixels[0, own, 0], atol=1 / 256, rtol=0)


def test_random_points_are_told_as_such(face):
    points, colours, triangulated = initial_points(face, 10, "random", torch.Generator().manual_seed(0))
    assert (points.shape, colours.shape, triangulated) == ((10, 3), (10, 3), 0)


def test_the_extent_is_the_cameras_radius_and_a_tenth():
    c2w = torch.eye(4).repeat(2, 1, 1)
    c2w[1, 0, 3] = 4.0
    assert extent(Cameras(torch.eye(3).repeat(2, 1, 1), c2w)) == pytest.approx(2.2)
