"""Splats: their rotations, their colours by direction, and how they begin."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from baselines.splats import colours_towards, rotation_matrices, splats_at


def test_rotations_are_those_of_scipy_whatever_the_length_of_the_quaternions():
    quaternions = torch.randn(20, 4, generator=torch.Generator().manual_seed(0)).double() * 3
    reference = Rotation.from_quat(quaternions.numpy(), scalar_first=True).as_matrix()
    np.testing.assert_allclose(rotation_matrices(quaternions).numpy(), reference, atol=1e-12)


def test_new_splats_show_their_colour_from_everywhere():
    points = torch.randn(5, 3, generator=torch.Generator().manual_seed(1))
    colours = torch.rand(5, 3, generator=torch.Generator().manual_seed(2))
    for origin in torch.eye(3) * 4:
        torch.testing.assert_close(colours_towards(splats_at(points, colours), origin), colours)


@pytest.mark.parametrize(("index", "along", "sign"), [(0, 1, -1), (1, 2, 1), (2, 0, -1)])
def test_the_linear_harmonics_are_y_z_x_with_the_usual_signs(index, along, sign):
    """Seen along its own axis a harmonic adds, up to its sign, sqrt(3 / 4 pi) times its coefficient, here 0.1."""
    direction = torch.eye(3)[along]
    splats = splats_at(torch.stack([direction, *(9 * torch.eye(3))]), torch.full((4, 3), 0.5))
    splats.linear[0, index] = 0.1
    expected = 0.5 + sign * 0.1 * math.sqrt(3 / (4 * math.pi))
    torch.testing.assert_close(colours_towards(splats, torch.zeros(3))[0], torch.full((3,), expected))


def test_colours_are_never_negative():
    splats = splats_at(torch.eye(4)[:, :3], torch.zeros(4, 3))
    splats.constant[0] = -5.0
    assert colours_towards(splats, torch.full((3,), 7.0))[0].tolist() == [0, 0, 0]


def test_a_splat_is_as_wide_as_its_three_nearest_neighbours_are_far():
    corners = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 3]])
    splats = splats_at(corners, torch.zeros(4, 3))
    torch.testing.assert_close(splats.log_scales[0].exp(), torch.full((3,), 2.0))
    torch.testing.assert_close(splats.opacities, torch.full((4,), 0.1))
