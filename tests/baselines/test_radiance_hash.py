"""The hash grid against loops in plain Python, and its gradient against its own linearity."""

import itertools
import math

import pytest
import torch

from baselines.radiance_hash import FEATURES, GridShape, HashGrid

SHAPE = GridShape(levels=3, coarsest=4, finest=37, log2_entries=9)
"""4 cells a side fit into 512 entries; 12 and 37 do not."""

PRIMES = (1, 2654435761, 805459861)


@pytest.fixture(scope="module")
def grid():
    return HashGrid(SHAPE, torch.Generator().manual_seed(0))


def points(count=40, seed=1):
    return torch.rand(count, 3, generator=torch.Generator().manual_seed(seed))


def entry(corner, cells):
    """Where a corner's features are, by Python's integers of any length."""
    bits = math.ceil(math.log2(cells + 2))
    if 2 ** (3 * bits) <= 512:
        return corner[0] + (corner[1] << bits) + (corner[2] << 2 * bits)
    x, y, z = (place * prime for place, prime in zip(corner, PRIMES, strict=True))
    return (x ^ y ^ z) % 512


def by_hand(grid, point):
    """Features of one point, level by level: eight corners each, weighted by the volumes opposite."""
    features = []
    for level, cells in enumerate(SHAPE.cells):
        table = grid.table[:, 512 * level : 512 * (level + 1)].tolist()
        place = [coordinate * cells for coordinate in point]
        total = [0.0] * FEATURES
        for above in itertools.product((0, 1), repeat=3):
            corner = [math.floor(p) + up for p, up in zip(place, above, strict=True)]
            weight = math.prod(
                p - math.floor(p) if up else 1 - p + math.floor(p) for p, up in zip(place, above, strict=True)
            )
            total = [sum_ + weight * row[entry(corner, cells)] for sum_, row in zip(total, table, strict=True)]
        features += total
    return features


def test_features_are_those_of_loops_over_levels_and_corners(grid):
    asked = points()
    expected = torch.tensor([by_hand(grid, point) for point in asked.tolist()])
    torch.testing.assert_close(grid(asked), expected, rtol=1e-3, atol=1e-8)


def test_a_corner_has_the_features_of_its_entry(grid):
    features = grid(torch.tensor([[0.25, 0.5, 1.0]]))
    torch.testing.assert_close(features[0, :2], grid.table[:, entry((1, 2, 4), 4)])


def test_corners_of_a_grid_that_fits_keep_apart_and_others_share(grid):
    cells = torch.arange(5) / 4
    corners = torch.cartesian_prod(cells, cells, cells)
    index, weight = next(iter(grid.corners(corners)))
    assert index[:, 0].unique().numel() == 5**3
    assert (weight[:, 0] == 1).all()
    assert index[:, 0].max() < 512
    everywhere = torch.cat([i for i, _ in grid.corners(points(2000))])
    assert everywhere[:, 2].unique().numel() == 512
    assert (everywhere[:, 2].min(), everywhere[:, 2].max()) == (2 * 512, 3 * 512 - 1)


def test_weights_of_the_eight_corners_sum_to_one(grid):
    assert torch.stack([weight for _, weight in grid.corners(points())]).sum(dim=0).allclose(torch.ones(()))


def test_the_gradient_is_that_of_a_linear_function_of_the_table(grid):
    """<gradient, change> is exactly the change of the sum, for any change of the table."""
    asked, seen = points(), torch.randn(40, 6, generator=torch.Generator().manual_seed(2))
    (gradient,) = torch.autograd.grad((grid(asked) * seen).sum(), [grid.table])
    changed = HashGrid(SHAPE, torch.Generator().manual_seed(3))
    with torch.no_grad():
        expected = ((changed(asked) - grid(asked)) * seen).sum()
        assert float((gradient * (changed.table - grid.table)).sum()) == pytest.approx(float(expected), rel=1e-3)
    assert float(expected) != 0


def test_nerfacto_s_grid_has_sixteen_scales_up_to_2048():
    cells = GridShape(16, 16, 2048, 19).cells
    assert (len(cells), cells[0], cells[1], cells[-1]) == (16, 16, 22, 2048)
    assert cells == sorted(set(cells))


def test_the_first_entries_are_small_and_the_generator_s():
    state = torch.get_rng_state()
    tables = [HashGrid(SHAPE, torch.Generator().manual_seed(seed)).table for seed in (5, 5, 6)]
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(tables[0], tables[1])
    assert not torch.equal(tables[0], tables[2])
    assert 0.9e-4 < tables[0].abs().max() <= 1e-4
