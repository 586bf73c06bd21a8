"""Cameras: conventions by hand, properties at random, agreement with the published code."""

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor

from mix2mix.cameras import (
    Cameras,
    camera_rays,
    check_first_off_centre,
    check_poses,
    crop_intrinsics,
    from_opengl,
    intrinsics,
    normalise,
    pluecker,
    project,
    with_reference,
)
from mix2mix.errors import InputError

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=20, deadline=None)


def random_rotation(generator: torch.Generator, *shape: int) -> Tensor:
    q, _ = torch.linalg.qr(torch.randn(*shape, 3, 3, generator=generator, dtype=torch.float64))
    return q * torch.linalg.det(q)[..., None, None]


def random_cameras(seed: int, *shape: int) -> Cameras:
    generator = torch.Generator().manual_seed(seed)
    c2w = torch.eye(4, dtype=torch.float64).expand(*shape, 4, 4).clone()
    c2w[..., :3, :3] = random_rotation(generator, *shape)
    c2w[..., :3, 3] = 5 * torch.randn(*shape, 3, generator=generator, dtype=torch.float64)
    fx, fy, cx, cy = torch.rand(4, *shape, generator=generator, dtype=torch.float64)
    return Cameras(intrinsics(fx + 0.5, fy + 0.5, cx, cy), c2w)


def camera_at(*positions: tuple[float, float, float]) -> Cameras:
    """Cameras looking along +z with a 90 degree field of view."""
    c2w = torch.eye(4).repeat(len(positions), 1, 1)
    c2w[:, :3, 3] = torch.tensor(positions)
    half = torch.full((len(positions),), 0.5)
    return Cameras(intrinsics(half, half, half, half), c2w)


def test_intrinsics_put_each_value_in_its_place() -> None:
    K = intrinsics(*torch.tensor([1.0, 2.0, 3.0, 4.0]))
    assert K.tolist() == [[1, 0, 3], [0, 2, 4], [0, 0, 1]]


def test_opengl_poses_have_y_and_z_reversed() -> None:
    c2w = torch.arange(16.0).reshape(4, 4)
    assert from_opengl(c2w).tolist() == [[0, -1, -2, 3], [4, -5, -6, 7], [8, -9, -10, 11], [12, -13, -14, 15]]


def test_a_crop_moves_the_principal_point_and_lengthens_the_focal_length() -> None:
    K = intrinsics(*torch.tensor([0.8, 1.0, 0.5, 0.5]))  # 200 x 100 pixels: fx 160, fy 100, centre (100, 50)
    cropped = crop_intrinsics(K, 200, 100, (60, 10, 80, 50))
    torch.testing.assert_close(cropped, intrinsics(*torch.tensor([2.0, 2.0, 0.5, 0.8])))


def test_cameras_are_selected_along_the_last_batch_dimension() -> None:
    cameras = random_cameras(0, 2, 5)
    assert len(cameras) == 5
    assert cameras[1:3].c2w.shape == (2, 2, 4, 4)
    assert torch.equal(cameras[[4, 0]].K, torch.stack([cameras.K[:, 4], cameras.K[:, 0]], dim=1))
    assert torch.equal(cameras[3].c2w, cameras.c2w[:, 3])


def test_the_reference_comes_first_and_again_in_its_place() -> None:
    cameras = camera_at((0, 0, 0), (1, 0, 0), (2, 0, 0))
    assert with_reference(cameras, 1).origins[:, 0].tolist() == [1, 0, 1, 2]


def test_normalise_by_hand() -> None:
    cameras = normalise(camera_at((0, 0, 0), (0, 0, 0), (4, 0, 0), (4, 4, 0), (2, 1, 5)))  # mean (2, 1, 1)
    scale = 2 / math.sqrt(6)
    expected = scale * torch.tensor([[-2.0, -1, -1], [-2, -1, -1], [2, -1, -1], [2, 3, -1], [0, 0, 4]])
    torch.testing.assert_close(cameras.origins, expected)


@few
@given(seeds, st.floats(0.01, 100))
def test_normalise_undoes_a_similarity_up_to_its_rotation(seed: int, scale: float) -> None:
    cameras = random_cameras(seed, 4)
    generator = torch.Generator().manual_seed(seed + 1)
    rotation, shift = random_rotation(generator), torch.randn(3, generator=generator, dtype=torch.float64)
    moved = cameras.c2w.clone()
    moved[:, :3, :3] = rotation @ cameras.rotations
    moved[:, :3, 3] = scale * cameras.origins @ rotation.T + shift
    before, after = normalise(cameras), normalise(Cameras(cameras.K, moved))
    torch.testing.assert_close(after.rotations, rotation @ before.rotations)
    torch.testing.assert_close(after.origins, before.origins @ rotation.T)
    torch.testing.assert_close(pluecker(after, 3), pluecker(before, 3))


def test_rays_by_hand() -> None:
    origins, directions = camera_rays(camera_at((1, 2, 3)), 1, 2)
    assert origins.tolist() == [[1, 2, 3]]
    assert directions.tolist() == [[[[-0.5, 0, 1], [0.5, 0, 1]]]]


@few
@given(seeds, st.floats(0.1, 50))
def test_projecting_a_point_on_a_ray_returns_its_pixel_and_depth(seed: int, depth: float) -> None:
    cameras = random_cameras(seed, 2, 3)
    origins, directions = camera_rays(cameras, 4, 6)
    points = origins[..., None, :] + depth * directions.flatten(2, 3)
    pixels, depths = project(points, cameras, 4, 6)
    x, y = torch.meshgrid(torch.arange(6.0) + 0.5, torch.arange(4.0) + 0.5, indexing="xy")
    centres = torch.stack([x, y], dim=-1).flatten(0, 1).double().expand(2, 3, 24, 2)
    torch.testing.assert_close(pixels, centres)
    torch.testing.assert_close(depths, torch.full((2, 3, 24), depth, dtype=torch.float64))


def test_shared_points_are_projected_into_every_camera_as_homogeneous_matrices_do() -> None:
    cameras = random_cameras(3, 4)
    points = torch.randn(7, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    homogeneous = torch.cat([points, torch.ones(7, 1, dtype=torch.float64)], dim=-1)
    in_camera = (torch.linalg.inv(cameras.c2w) @ homogeneous.T)[:, :3]
    image = cameras.K @ in_camera
    pixels, depth = project(points, cameras, 10, 20)
    torch.testing.assert_close(depth, in_camera[:, 2])
    torch.testing.assert_close(pixels[..., 0], 20 * image[:, 0] / image[:, 2])
    torch.testing.assert_close(pixels[..., 1], 10 * image[:, 1] / image[:, 2])


@few
@given(seeds)
def test_pluecker_rays_are_lines_seen_from_camera_0(seed: int) -> None:
    cameras = random_cameras(seed, 2, 3)
    rays = pluecker(cameras, 4)
    direction, moment = rays[..., :3, :, :], rays[..., 3:, :, :]
    torch.testing.assert_close(direction.norm(dim=-3), torch.ones(2, 3, 4, 4, dtype=torch.float64))
    torch.testing.assert_close((direction * moment).sum(-3), torch.zeros(2, 3, 4, 4, dtype=torch.float64))
    assert moment[:, 0].abs().max() == 0
    world_to_first = torch.linalg.inv(cameras.c2w[:, :1])
    origin = (world_to_first @ cameras.c2w)[..., :3, 3]
    torch.testing.assert_close(torch.linalg.cross(origin[..., None, None], direction, dim=-3), moment)


def test_a_batch_gives_what_its_members_give() -> None:
    batch = random_cameras(5, 3, 4)
    single = torch.stack([pluecker(normalise(Cameras(*pair)), 5) for pair in zip(batch.K, batch.c2w, strict=True)])
    assert torch.equal(pluecker(normalise(batch), 5), single)


def test_nothing_waits_for_the_device() -> None:
    """Meta tensors hold no values: reading one back would raise."""
    cameras = random_cameras(0, 2, 3).to("meta")
    normalised = normalise(with_reference(cameras, 1))
    origins, directions = camera_rays(normalised, 4, 6)
    pixels, _ = project(origins[..., None, :] + directions.flatten(2, 3), normalised, 4, 6)
    assert pluecker(normalised, 4).shape == (2, 4, 6, 4, 4)
    assert pixels.shape == (2, 4, 24, 2)


def test_autocast_costs_no_digits() -> None:
    cameras = Cameras(*(part.float() for part in vars(random_cameras(1, 5)).values()))
    plain = pluecker(normalise(cameras), 8)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(pluecker(normalise(cameras), 8), plain)


def test_agreement_with_the_published_cameras_and_rays(shared: Path) -> None:
    golden = load_file(shared / "fixtures/cameras/face-ref0.safetensors")
    cameras = Cameras(golden["K"], golden["c2w"])
    torch.testing.assert_close(pluecker(cameras, 72), golden["plucker"], rtol=1e-4, atol=1e-5)
    moved = Cameras(golden["K"], golden["c2w"].clone())
    moved.c2w[:, :3, 3] = 3 * moved.c2w[:, :3, 3] + 1
    torch.testing.assert_close(normalise(moved).c2w, golden["c2w"], rtol=1e-4, atol=1e-5)


def test_rigid_poses_pass() -> None:
    c2w = random_cameras(2, 3).c2w
    check_poses(c2w + 1e-4, ["a", "b", "c"])


def broken(row: int, column: int, value: float) -> Tensor:
    c2w = torch.eye(4)
    c2w[row, column] = value
    return c2w


@pytest.mark.parametrize(
    ("pose", "fault"),
    [
        (broken(0, 3, math.nan), "not finite"),
        (broken(1, 1, math.inf), "not finite"),
        (broken(2, 2, 0), "not a rotation"),
        (broken(0, 0, 1.01), "not a rotation"),
        (broken(0, 1, 0.01), "not a rotation"),
        (broken(3, 0, 0.5), "last row"),
        (broken(3, 3, 0), "last row"),
        (broken(2, 2, -1), "mirrored"),
    ],
)
def test_a_pose_that_is_not_rigid_is_named(pose: Tensor, fault: str) -> None:
    with pytest.raises(InputError, match=rf"view_1: got .*{fault}"):
        check_poses(torch.stack([torch.eye(4), pose]), ["view_0", "view_1"])


@pytest.mark.parametrize(
    "positions",
    [
        pytest.param([(5.1, 2.3, 1.7)] * 3, id="all cameras coincide"),
        pytest.param([(0.0, 0.0, 0.0)] * 3, id="all cameras at the origin"),
        pytest.param([(1.0, 0.0, 0.0), (0.0, 0.0, 0.0), (2.0, 0.0, 0.0)], id="first camera amid the others"),
    ],
)
def test_a_first_camera_at_the_centre_is_refused(positions: list[tuple[float, float, float]]) -> None:
    with pytest.raises(InputError, match="camera positions"):
        check_first_off_centre(camera_at(*positions))


def test_a_small_rig_far_from_the_origin_is_accepted() -> None:
    check_first_off_centre(camera_at((10.0, 0, 0), (10.01, 0, 0), (10.02, 0, 0)))
