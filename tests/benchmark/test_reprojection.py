"""Reprojection: hand-computed cases of a wall before two shifted cameras, a brute-force loop, what must not gain."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from benchmark.reprojection import bilinear, mean_absolute_difference, reprojection, shared_pixels
from mix2mix.cameras import Cameras

SIZE = 32
EVERYWHERE = torch.ones(2, SIZE, SIZE, dtype=torch.bool)
WALL = torch.full((2, SIZE, SIZE), 4.0)


def before_a_wall(*shifts: float) -> Cameras:
    """Cameras along z with a focal length of 32 px: a step of 0.5 along x shifts a wall at depth 4 by 4 px."""
    K = torch.tensor([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]]).repeat(len(shifts), 1, 1)
    c2w = torch.eye(4).repeat(len(shifts), 1, 1)
    c2w[:, 0, 3] = torch.tensor(shifts)
    return Cameras(K, c2w)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def one_wall() -> Tensor:
    """What the two cameras, 4 px apart, see of one wall."""
    wall = noise(3, SIZE, SIZE + 4)
    return torch.stack([wall[..., :SIZE], wall[..., 4:]])


def test_a_shift_of_the_camera_shifts_the_pixels() -> None:
    index, pixels = shared_pixels(before_a_wall(0.0, 0.5), WALL, EVERYWHERE, 0, 1)
    assert len(index) == SIZE * (SIZE - 4)
    columns, rows = index % SIZE, index // SIZE
    torch.testing.assert_close(pixels, torch.stack([columns - 4 + 0.5, rows + 0.5], dim=1).float())


def test_views_of_one_wall_agree() -> None:
    found = reprojection(one_wall(), before_a_wall(0.0, 0.5), WALL, EVERYWHERE)
    assert found is not None
    assert [(pair.first, pair.second, pair.pixels) for pair in found.pairs] == [(0, 1, 896), (1, 0, 896)]
    assert found.error < 1e-6
    assert found.relative < 1e-5


def test_an_offset_of_a_tenth_is_an_error_of_a_tenth() -> None:
    views = 0.8 * one_wall()
    views[1] += 0.1
    found = reprojection(views, before_a_wall(0.0, 0.5), WALL, EVERYWHERE)
    assert found is not None
    assert found.error == pytest.approx(0.1, abs=1e-6)


def test_chance_is_the_mean_over_all_pixels_of_the_other_view() -> None:
    views = torch.zeros(2, 3, SIZE, SIZE)
    views[1, :, :, : SIZE // 4] = 1.0
    found = reprojection(views, before_a_wall(0.0, 0.5), WALL, EVERYWHERE)
    assert found is not None
    # View 0 is black. A quarter of view 1 is white: chance 1/4. Of the 28 shared columns 8 land on white ones.
    assert found.pairs[0].chance == pytest.approx(0.25)
    assert found.pairs[0].error == pytest.approx(8 / 28)
    # Of the 28 columns of view 1 that view 0 sees, 8 are white, and all of view 0 is black.
    assert found.pairs[1].chance == pytest.approx(8 / 28)
    assert found.relative == pytest.approx((8 / 28 + 8 / 28) / (0.25 + 8 / 28))


def test_views_of_one_flat_colour_gain_nothing() -> None:
    found = reprojection(torch.full((2, 3, SIZE, SIZE), 0.5), before_a_wall(0.0, 0.5), WALL, EVERYWHERE)
    assert found is not None
    assert (found.error, found.chance, found.relative) == (0.0, 0.0, 1.0)


def test_a_loss_of_contrast_does_not_change_the_relative_error() -> None:
    cameras, views = before_a_wall(0.0, 0.5), noise(2, 3, SIZE, SIZE)
    sharp = reprojection(views, cameras, WALL, EVERYWHERE)
    grey = reprojection(0.5 + 0.1 * (views - 0.5), cameras, WALL, EVERYWHERE)
    assert sharp is not None
    assert grey is not None
    assert grey.error == pytest.approx(0.1 * sharp.error, rel=1e-5)
    assert grey.relative == pytest.approx(sharp.relative, rel=1e-5)


def test_independent_noise_is_no_better_than_chance() -> None:
    found = reprojection(noise(2, 3, SIZE, SIZE), before_a_wall(0.0, 0.5), WALL, EVERYWHERE)
    assert found is not None
    assert found.relative == pytest.approx(1.0, abs=0.05)


def test_a_point_behind_another_surface_is_not_shared() -> None:
    depth = WALL.clone()
    depth[1, :, :16] = 2.0
    index, pixels = shared_pixels(before_a_wall(0.0, 0.5), depth, EVERYWHERE, 0, 1)
    assert len(index) == SIZE * (SIZE - 16 - 4)
    assert pixels[:, 0].min() > 16


def test_next_to_an_edge_no_colour_is_mixed_of_two_surfaces() -> None:
    depth = WALL.clone()
    depth[1, :, :16] = 2.0
    halfway = before_a_wall(0.0, 4.5 / 8)  # 4.5 px apart: every colour is mixed of two columns
    _, pixels = shared_pixels(halfway, depth, EVERYWHERE, 0, 1)
    assert pixels[:, 0].unique().tolist() == [float(column) for column in range(17, 28)]


def test_visible_means_within_one_hundredth_of_the_depth() -> None:
    cameras = before_a_wall(0.0, 0.0)
    nearly = torch.stack([WALL[0], WALL[0] * 1.009])
    beyond = torch.stack([WALL[0], WALL[0] * 1.011])
    assert len(shared_pixels(cameras, nearly, EVERYWHERE, 0, 1)[0]) == SIZE * SIZE
    assert len(shared_pixels(cameras, beyond, EVERYWHERE, 0, 1)[0]) == 0


def test_a_pixel_must_land_on_the_region_in_the_other_view_too() -> None:
    region = EVERYWHERE.clone()
    region[1, :16] = False
    index, pixels = shared_pixels(before_a_wall(0.0, 0.5), WALL, region, 0, 1)
    assert len(index) == 16 * (SIZE - 4)
    assert pixels[:, 1].min() > 16


def test_a_pair_counts_from_200_shared_pixels_on() -> None:
    region = torch.zeros(2, SIZE, SIZE, dtype=torch.bool)
    region[:, :10, :20] = True
    cameras = before_a_wall(0.0, 0.0)
    enough = reprojection(one_wall(), cameras, WALL, region)
    assert enough is not None
    assert len(enough.pairs) == 2
    region[0, 0, 0] = False
    assert reprojection(one_wall(), cameras, WALL, region) is None


def test_the_sky_is_never_shared() -> None:
    assert reprojection(one_wall(), before_a_wall(0.0, 0.5), torch.full_like(WALL, torch.inf), EVERYWHERE) is None


def test_a_point_behind_the_camera_is_not_seen() -> None:
    cameras = before_a_wall(0.0, 0.0)
    cameras.c2w[1, 2, 3] = 8.0
    assert len(shared_pixels(cameras, WALL, EVERYWHERE, 0, 1)[0]) == 0


def test_colours_between_pixel_centres_are_mixed() -> None:
    view = torch.tensor([[[0.0, 1.0], [2.0, 3.0]]]).repeat(3, 1, 1)
    found = bilinear(view, torch.tensor([[0.5, 0.5], [1.0, 0.5], [1.0, 1.0], [0.1, 0.2]]))
    torch.testing.assert_close(found[:, 0], torch.tensor([0.0, 0.5, 1.5, 0.0]))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_the_sorted_mean_difference_agrees_with_all_pairs(a: list[float], b: list[float]) -> None:
    expected = np.abs(np.subtract.outer(a, b)).mean()
    found = mean_absolute_difference(torch.tensor(a).double(), torch.tensor(b).double())
    assert float(found) == pytest.approx(float(expected), abs=1e-7)


@pytest.mark.parametrize("seed", [0, 1])
def test_scores_agree_with_a_loop_over_pixels(seed: int) -> None:
    generator = np.random.default_rng(seed)
    cameras = turned_cameras(generator)
    depth = 4 + 0.045 * generator.random((2, SMALL, SMALL))
    region = generator.random((2, SMALL, SMALL)) < 0.98
    views = generator.random((2, 3, SMALL, SMALL))
    found = reprojection(torch.tensor(views), cameras, torch.tensor(depth), torch.tensor(region))
    assert found is not None
    assert [(pair.first, pair.second) for pair in found.pairs] == [(0, 1), (1, 0)]
    for pair in found.pairs:
        expected = brute_force(views, cameras, depth, region, pair.first, pair.second)
        assert (pair.pixels, pair.error, pair.chance) == pytest.approx(expected)


SMALL = 24


def turned_cameras(generator: np.random.Generator) -> Cameras:
    """Two cameras about the origin, shifted a little and turned a little about the vertical axis."""
    cameras = before_a_wall(*generator.uniform(-0.3, 0.3, 2))
    for pose, angle in zip(cameras.c2w, generator.uniform(-0.02, 0.02, 2), strict=True):
        cosine, sine = float(np.cos(angle)), float(np.sin(angle))
        pose[:3, :3] = torch.tensor([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]])
    return cameras


def brute_force(
    views: np.ndarray, cameras: Cameras, depth: np.ndarray, region: np.ndarray, i: int, j: int
) -> tuple[int, float, float]:
    """Pixels, error and chance of the pair (i, j), pixel by pixel."""
    from_i_to_j = np.linalg.inv(cameras.c2w[j].double().numpy()) @ cameras.c2w[i].double().numpy()
    errors, chances = [], []
    for row, column in np.argwhere(region[i]):
        landed = land(from_i_to_j, depth[i, row, column], depth[j], region[j], row, column)
        if landed is not None:
            colour = views[i, :, row, column]
            errors.append(np.abs(colour - mixed(views[j], *landed)).mean())
            chances.append(np.abs(colour[:, None] - views[j][:, region[j]]).mean())
    return len(errors), float(np.mean(errors)), float(np.mean(chances))


def land(
    from_i_to_j: np.ndarray, distance: float, depth: np.ndarray, region: np.ndarray, row: int, column: int
) -> tuple[float, float] | None:
    """Where pixel (row, column) of view i lands in view j, as (x, y), or None if it is not seen there."""
    ray = np.array([(column + 0.5) / SMALL - 0.5, (row + 0.5) / SMALL - 0.5, 1.0])
    x, y, z, _ = from_i_to_j @ np.append(ray * distance, 1.0)
    u, v = (x / z + 0.5) * SMALL, (y / z + 0.5) * SMALL
    if z <= 0 or not (0 <= u < SMALL and 0 <= v < SMALL):
        return None
    for line, _ in neighbours(v):
        for place, _ in neighbours(u):
            if not region[line, place] or abs(z - depth[line, place]) > 0.01 * depth[line, place]:
                return None
    return u, v


def neighbours(x: float) -> list[tuple[int, float]]:
    """The two pixels around a place on a line with their shares, the outermost repeated beyond its centre."""
    first = int(np.floor(x - 0.5))
    share = x - 0.5 - first
    return [(min(max(place, 0), SMALL - 1), weight) for place, weight in ((first, 1 - share), (first + 1, share))]


def mixed(view: np.ndarray, x: float, y: float) -> np.ndarray:
    """Bilinear colour."""
    total = np.zeros(3)
    for row, row_share in neighbours(y):
        for column, column_share in neighbours(x):
            total += row_share * column_share * view[:, row, column]
    return total
