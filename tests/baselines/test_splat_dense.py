"""The rasteriser: the picture that a loop over all pixels and all splats gives, with gradients."""

import math
from dataclasses import fields
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from baselines.splat_dense import dense_rasteriser
from baselines.splats import SH_0, SH_1, Splats
from mix2mix.cameras import Cameras, intrinsics
from mix2mix.mini.world import held_out_scene

BACKGROUND = torch.tensor([0.2, 0.5, 0.8])


def straight_camera(dtype=torch.float32):
    """At the origin, looking along +z, 90 degrees wide."""
    focal, middle = torch.tensor([0.5], dtype=dtype), torch.tensor([0.5], dtype=dtype)
    return Cameras(intrinsics(focal, focal, middle, middle), torch.eye(4, dtype=dtype)[None])


def random_splats(count, seed, dtype=torch.float32, widest=-1.5):
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(count, *shape, generator=generator).to(dtype)

    means = normal(3) * torch.tensor([1.0, 1.0, 0.7]).to(dtype) + torch.tensor([0, 0, 2.5]).to(dtype)
    return Splats(means, widest - normal(3).abs(), normal(4), 2 * normal(), normal(3), 0.3 * normal(3, 3))


def brute_force(splats, camera, size, background):
    """Every splat at every pixel, one at a time, in double precision: the published equations as they stand."""
    values = {field.name: getattr(splats, field.name).detach().double().numpy() for field in fields(splats)}
    c2w, K = camera.c2w[0].double().numpy(), camera.K[0].double().numpy() * size
    world_to_camera = np.linalg.inv(c2w)
    points = values["means"] @ world_to_camera[:3, :3].T + world_to_camera[:3, 3]
    picture = np.zeros((3, size, size))
    for row in range(size):
        for column in range(size):
            colour, light = np.zeros(3), 1.0
            for i in np.argsort(points[:, 2], kind="stable"):
                alpha = alpha_at(values, i, points[i], world_to_camera[:3, :3], K, size, column + 0.5, row + 0.5)
                colour += light * alpha * colour_of(values, i, c2w[:3, 3])
                light *= 1 - alpha
            picture[:, row, column] = colour + light * background.double().numpy()
    return torch.from_numpy(picture)


def alpha_at(values, i, point, rotation, K, size, x, y):
    if point[2] <= 0.01:
        return 0.0
    axes = Rotation.from_quat(values["quaternions"][i], scalar_first=True).as_matrix()
    world = axes @ np.diag(np.exp(2 * values["log_scales"][i])) @ axes.T
    slant = [np.clip(point[a] / point[2], (-0.15 * size - K[a, 2]) / K[a, a], (1.15 * size - K[a, 2]) / K[a, a])
             for a in (0, 1)]  # fmt: skip
    J = np.array([[K[0, 0], 0, -K[0, 0] * slant[0]], [0, K[1, 1], -K[1, 1] * slant[1]]]) / point[2]
    covariance = J @ rotation @ world @ rotation.T @ J.T + 0.3 * np.eye(2)
    offset = np.array([x, y]) - (K @ (point / point[2]))[:2]
    opacity = 1 / (1 + math.exp(-values["logits"][i]))
    alpha = min(0.999, opacity * math.exp(-0.5 * offset @ np.linalg.inv(covariance) @ offset))
    return alpha if alpha >= 1 / 255 else 0.0


def colour_of(values, i, origin):
    x, y, z = (values["means"][i] - origin) / np.linalg.norm(values["means"][i] - origin)
    linear = values["linear"][i]
    return np.maximum(0, 0.5 + SH_0 * values["constant"][i] + SH_1 * (-y * linear[0] + z * linear[1] - x * linear[2]))


@pytest.mark.parametrize(("seed", "widest"), [(0, -1.5), (1, -0.3), (2, -3.5)])
@pytest.mark.parametrize("size", [16, 20])
def test_it_draws_what_a_loop_over_pixels_and_splats_draws(seed, widest, size):
    splats = random_splats(30, seed, torch.float64, widest)
    camera, background = straight_camera(torch.float64), BACKGROUND.double()
    drawn = dense_rasteriser(splats, camera, size, background)
    torch.testing.assert_close(drawn, brute_force(splats, camera, size, background), rtol=1e-6, atol=1e-9)


def test_it_draws_the_same_from_a_turned_and_moved_camera_in_single_precision():
    camera = held_out_scene("face", 2).cameras[1:2]
    splats = random_splats(30, seed=3)
    splats.means[:] = 0.15 * torch.randn(30, 3, generator=torch.Generator().manual_seed(4))
    splats.log_scales[:] -= 1.5
    drawn = dense_rasteriser(splats, camera, 20, BACKGROUND)
    assert (drawn - BACKGROUND[:, None, None]).abs().amax() > 0.2
    torch.testing.assert_close(drawn.double(), brute_force(splats, camera, 20, BACKGROUND), rtol=1e-3, atol=1e-4)


def one_splat(opacity, depth=2.0, x=0.0):
    """A grey point behind the middle pixel of a 9 x 9 picture: as narrow as the blur lets it be."""
    return Splats(
        torch.tensor([[x, 0.0, depth]]), torch.full((1, 3), -20.0), torch.tensor([[1.0, 0, 0, 0]]),
        torch.tensor([opacity]).logit(), torch.zeros(1, 3), torch.zeros(1, 3, 3),
    )  # fmt: skip


def test_a_point_is_blurred_by_a_variance_of_0_3_pixels():
    """Grey 0.5 on black; alpha 0.8 in the middle and 0.8 exp(-1 / 0.6) one pixel beside it."""
    drawn = dense_rasteriser(one_splat(0.8), straight_camera(), 9, torch.zeros(3))
    torch.testing.assert_close(drawn[:, 4, 4], torch.full((3,), 0.4))
    torch.testing.assert_close(drawn[:, 4, 5], torch.full((3,), 0.4 * math.exp(-1 / 0.6)))


def test_no_splat_is_wholly_opaque_and_none_below_1_255_shows():
    drawn = dense_rasteriser(one_splat(0.99999), straight_camera(), 9, torch.zeros(3))
    torch.testing.assert_close(drawn[0, 4, 4], torch.tensor(0.4995))
    faint = dense_rasteriser(one_splat(0.0039), straight_camera(), 9, torch.zeros(3))
    assert torch.equal(faint, torch.zeros(3, 9, 9))


@pytest.mark.parametrize("splats", [one_splat(0.9, depth=-2.0), one_splat(0.9, x=50.0)])
def test_what_is_behind_the_camera_or_beside_the_picture_leaves_the_background(splats):
    drawn = dense_rasteriser(splats, straight_camera(), 9, BACKGROUND)
    torch.testing.assert_close(drawn, BACKGROUND[:, None, None].expand(3, 9, 9))


def test_gradients_are_those_of_finite_differences():
    splats, camera = random_splats(4, seed=5, dtype=torch.float64), straight_camera(torch.float64)
    inputs = [getattr(splats, field.name).requires_grad_() for field in fields(splats)]

    def draw(*tensors):
        return dense_rasteriser(Splats(*tensors), camera, 5, BACKGROUND.double())

    assert torch.autograd.gradcheck(draw, inputs, eps=1e-7, atol=1e-5)


@pytest.mark.skipif(
    not torch.cuda.is_available() or find_spec("gsplat") is None, reason="gsplat, which needs a CUDA GPU, is absent"
)
def test_gsplat_draws_the_same_picture():
    from baselines.splat_gsplat import gsplat_rasteriser

    splats = random_splats(200, seed=6).map(lambda value: value.cuda().requires_grad_())
    camera, background = straight_camera().to("cuda"), BACKGROUND.cuda()
    drawn, reference = (draw(splats, camera, 64, background) for draw in (gsplat_rasteriser, dense_rasteriser))
    torch.testing.assert_close(drawn, reference, rtol=1e-3, atol=1e-3)
    inputs = [getattr(splats, field.name) for field in fields(splats)]
    gradients = [torch.autograd.grad(picture.square().sum(), inputs) for picture in (drawn, reference)]
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=2e-2, atol=2e-2)
