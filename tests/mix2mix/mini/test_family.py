"""What families share: draws of numbers and colours, light, and cameras as the rig says."""

import pytest
import torch
from torch import Tensor

from mix2mix.cameras import Cameras, check_poses, project
from mix2mix.mini.family import (
    Rig,
    blend,
    colour_near,
    held_out_cameras,
    held_out_light,
    hue,
    look_at,
    sample_cameras,
    sample_light,
    uniform,
)

RIG = Rig(
    target=(0.1, 0.7, -0.2), distance=3.0, focal=1.5, elevation=(5.0, 15.0),
    held_out=(-30.0, 5.0, 32.0, 130.0, -50.0, 20.0, 55.0, -10.0), spread=60.0, far=2,
)  # fmt: skip


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def angles(cameras: Cameras, target: tuple[float, float, float]) -> tuple[Tensor, Tensor, Tensor]:
    """Azimuth and elevation in degrees, and distance, as seen from the target."""
    x, y, z = (cameras.origins - torch.tensor(target)).unbind(-1)
    distance = torch.sqrt(x**2 + y**2 + z**2)
    return torch.rad2deg(torch.atan2(x, z)), torch.rad2deg(torch.asin(y / distance)), distance


def test_uniform_fills_its_range():
    drawn = uniform(seeded(), 1000, 2.0, 4.0)
    assert drawn.shape == (1000,)
    assert drawn.min() >= 2.0
    assert drawn.max() < 4.0
    assert float(drawn.mean()) == pytest.approx(3.0, abs=0.1)


def test_colours_near_one_stay_near_it_and_are_colours():
    drawn = colour_near(seeded(), 500, (0.5, 0.98, 0.0), spread=0.1)
    assert drawn.shape == (500, 3)
    assert (drawn - torch.tensor((0.5, 0.98, 0.0))).abs().max() <= 0.1 + 1e-6
    assert drawn.min() >= 0
    assert drawn.max() <= 1


def test_hues_go_round_from_red_over_green_to_blue():
    colours = hue(torch.tensor([0.0, 1 / 3, 2 / 3]), saturation=1.0, brightness=1.0)
    torch.testing.assert_close(colours, torch.eye(3), atol=1e-5, rtol=0)
    assert hue(torch.tensor([0.4]), saturation=0.0, brightness=0.6).tolist() == [pytest.approx([0.6, 0.6, 0.6])]


def test_a_blend_runs_from_the_first_colour_to_the_second():
    mixed = blend((0.0, 0.2, 1.0), torch.tensor([1.0, 0.4, 0.0]), torch.tensor([0.0, 0.5, 1.0]))
    torch.testing.assert_close(mixed, torch.tensor([[0.0, 0.2, 1.0], [0.5, 0.3, 0.5], [1.0, 0.4, 0.0]]))


@pytest.mark.parametrize("light", [sample_light(seeded(), 50), held_out_light()])
def test_light_comes_from_the_upper_front(light):
    torch.testing.assert_close(light.direction.norm(dim=-1), torch.ones(len(light.direction)))
    assert (light.direction[:, 1] > 0).all()
    assert (light.direction[:, 2] > 0.5).all()
    assert light.ambient.min() > 0.4
    assert light.ambient.max() < 0.65


def test_azimuth_goes_to_the_right_and_elevation_up():
    azimuth = torch.tensor([0.0, 90.0, 0.0])
    elevation = torch.tensor([0.0, 0.0, 30.0])
    cameras = look_at(azimuth, elevation, torch.full((3,), 2.0), torch.tensor([0.0, 1.0, 0.0]), 1.5)
    expected = torch.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0], [0.0, 2.0, 3**0.5]])
    torch.testing.assert_close(cameras.origins, expected, atol=1e-6, rtol=0)
    check_poses(cameras.c2w, ["front", "right", "above"])


def test_the_target_is_in_the_middle_and_up_is_up():
    cameras = held_out_cameras(RIG, 8)[[0, 3, 6]]
    target = torch.tensor(RIG.target)
    pixels, depth = project(torch.stack([target, target + torch.tensor([0.0, 0.3, 0.0])]), cameras, 100, 100)
    torch.testing.assert_close(pixels[..., 0, :], torch.full((1, 3, 2), 50.0), atol=1e-3, rtol=0)
    torch.testing.assert_close(depth[..., 0], torch.full((1, 3), RIG.distance))
    torch.testing.assert_close(pixels[..., 1, 0], torch.full((1, 3), 50.0), atol=1e-3, rtol=0)
    assert (pixels[..., 1, 1] < 40).all()


@pytest.mark.parametrize("views", [2, 4, 8])
def test_held_out_cameras_stand_where_the_rig_says(views):
    cameras = held_out_cameras(RIG, views)
    azimuth, elevation, distance = angles(cameras, RIG.target)
    assert cameras.c2w.shape == (1, views, 4, 4)
    torch.testing.assert_close(azimuth, torch.tensor([RIG.held_out[:views]]), atol=1e-3, rtol=0)
    torch.testing.assert_close(distance, torch.full((1, views), RIG.distance))
    assert ((elevation > RIG.elevation[0] - 0.01) & (elevation < RIG.elevation[1] + 0.01)).all()
    assert elevation[0].unique().numel() == views


def test_fewer_held_out_views_are_the_first_of_more():
    torch.testing.assert_close(held_out_cameras(RIG, 8).c2w[:, :4], held_out_cameras(RIG, 4).c2w)


def test_random_cameras_have_the_spread_of_the_rig_and_its_far_views_last():
    cameras = sample_cameras(seeded(), RIG, 200)
    azimuth, elevation, distance = angles(cameras, RIG.target)
    tolerance = 3.0  # the target itself moves a little
    near, far = azimuth[:, :-2].abs(), azimuth[:, -2:].abs()
    assert near.max() <= RIG.spread + tolerance
    assert near.max() > 0.9 * RIG.spread
    assert ((far > RIG.far_range[0] - tolerance) & (far < RIG.far_range[1] + tolerance)).all()
    assert (azimuth[:, -1].sign() == azimuth[:, -2].sign()).all()
    assert (azimuth[:, -1] > 0).any()
    assert (azimuth[:, -1] < 0).any()
    assert ((elevation > RIG.elevation[0] - tolerance) & (elevation < RIG.elevation[1] + tolerance)).all()
    assert ((distance / RIG.distance > 0.88) & (distance / RIG.distance < 1.12)).all()


def test_random_cameras_of_a_scene_look_at_one_point_of_the_vertical_axis_at_a_height_of_its_own():
    cameras = sample_cameras(seeded(), RIG, 200)
    away = cameras.origins - torch.tensor(RIG.target)
    forward = cameras.rotations[..., 2]
    reach = away[..., [0, 2]].norm(dim=-1) / forward[..., [0, 2]].norm(dim=-1)
    met = away + reach[..., None] * forward
    torch.testing.assert_close(met[..., [0, 2]], torch.zeros(200, 8, 2), atol=1e-5, rtol=0)
    height = met[..., 1]
    torch.testing.assert_close(height, height[:, :1].expand_as(height), atol=1e-5, rtol=0)
    assert 0.018 < height.abs().max() / RIG.distance < 0.02 + 1e-5
    assert height.std(dim=0)[0] > 0.01 * RIG.distance


def test_a_rig_without_far_views_has_none():
    rig = Rig((0, 0, 0), 3.0, 1.5, (5.0, 15.0), RIG.held_out, spread=40.0)
    azimuth, _, _ = angles(sample_cameras(seeded(), rig, 100), rig.target)
    assert azimuth.abs().max() <= 43.0
