"""Epipolar lines: a point that two cameras see lies on the line of its place in the other."""

import pytest
import torch

from baselines.epipolar import epipolar_lines, fundamental_matrices, near_lines, token_centres
from baselines.points import focus
from mix2mix.cameras import Cameras, camera_rays, intrinsics, project
from mix2mix.mini.world import held_out_scene


def cameras():
    """Four of the bear's, one from far round it, in double precision; their K made unlike in x and y."""
    made = held_out_scene("bear", 4).cameras
    values = [torch.tensor([v, v, v, 1.1 * v], dtype=torch.float64) for v in (1.4, 1.7, 0.45, 0.55)]
    return Cameras(intrinsics(*values), made.c2w.double())


def test_both_views_of_a_point_satisfy_the_epipolar_constraint():
    made = cameras()
    points = focus(made) + 0.4 * torch.randn(50, 3, generator=torch.Generator().manual_seed(0)).double()
    places, _ = project(points, made, 1, 1)
    places = torch.cat([places, torch.ones(4, 50, 1).double()], dim=-1)
    residual = torch.einsum("vpi,vkij,kpj->vkp", places, fundamental_matrices(made), places)
    assert residual.abs().max() < 1e-5


@pytest.mark.parametrize("grid", [8, 16])
def test_what_a_token_shows_lies_on_its_line_at_any_depth(grid):
    made = cameras()
    origins, directions = camera_rays(made, grid, grid)
    for depth in (2.0, 3.5):
        points = (origins[:, None, None] + depth * directions).flatten(1, 2)
        for view, key in ((0, 1), (1, 3), (3, 0)):
            pixels, _ = project(points[view], made[key : key + 1], grid, grid)
            lines = epipolar_lines(made, grid)[view, key]
            distance = (lines[:, :2] * pixels[0]).sum(-1) + lines[:, 2]
            assert distance.abs().max() < 1e-5


def test_near_is_within_one_token():
    """The line y = 1.5 of a 4 x 4 grid: its own row and those next to it."""
    line = torch.tensor([[0.0, 1.0, -1.5]])
    assert near_lines(line, 4).view(4, 4)[:, 0].tolist() == [True, True, True, False]


def test_a_camera_has_no_line_in_itself_and_everything_counts_as_near():
    lines = epipolar_lines(cameras(), 4)[0, 0]
    assert torch.equal(lines, torch.zeros(16, 3).double())
    assert near_lines(lines, 4).all()


def test_tokens_are_numbered_row_by_row():
    assert token_centres(2, torch.zeros(0)).tolist() == [[0.5, 0.5, 1], [1.5, 0.5, 1], [0.5, 1.5, 1], [1.5, 1.5, 1]]
