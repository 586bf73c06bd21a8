"""Patterns: shares in [0, 1], periods in cycles a metre, each point by its own pattern."""

import pytest
import torch
from torch import Tensor

from mix2mix.mini.shapes import PATTERNS
from mix2mix.mini.textures import accent_share, noise

POINTS = 4 * torch.rand(500, 3, generator=torch.Generator().manual_seed(0)) - 2
PATTERNED = [name for name in PATTERNS if name != "plain"]


def share(name: str, points: Tensor, frequency: float = 1.0, phase: float = 0.0) -> Tensor:
    count = len(points)
    index = torch.full((count,), PATTERNS.index(name))
    return accent_share(index, points, torch.full((count,), frequency), torch.full((count,), phase))


def along(axis: int, *values: float) -> Tensor:
    points = torch.zeros(len(values), 3)
    points[:, axis] = torch.tensor(values)
    return points


def test_plain_surfaces_have_no_accent():
    assert share("plain", POINTS).eq(0).all()


@pytest.mark.parametrize("name", PATTERNED)
def test_shares_lie_between_none_and_all_and_vary(name):
    shares = share(name, POINTS)
    assert shares.min() >= 0
    assert shares.max() <= 1
    assert shares.std() > 0.05


@pytest.mark.parametrize("name", PATTERNED)
def test_frequency_counts_cycles_a_metre(name):
    torch.testing.assert_close(share(name, POINTS, frequency=3.0), share(name, 3 * POINTS))


@pytest.mark.parametrize("name", [name for name in PATTERNED if name != "plates"])
def test_patterns_are_smooth(name):
    step = 1e-3 * torch.nn.functional.normalize(POINTS, dim=-1)
    # "halves" is the steepest: all of the change within a tenth of a period.
    assert (share(name, POINTS + step) - share(name, POINTS)).abs().max() < 0.05


def test_stripes_run_across_y():
    quarter, three_quarters = 0.25, 0.75
    torch.testing.assert_close(share("stripes", along(1, quarter, three_quarters)), torch.tensor([1.0, 0.0]))
    torch.testing.assert_close(share("stripes", POINTS), share("stripes", POINTS * torch.tensor([0.0, 1.0, 0.0])))


def test_halves_meet_at_minus_the_phase():
    assert share("halves", along(0, -0.4, -0.3, -0.2), phase=0.3).tolist() == pytest.approx([0.0, 0.5, 1.0])


def test_a_gradient_climbs_over_one_period():
    assert share("gradient", along(1, -1.0, -0.5, 0.0, 0.25, 0.5)).tolist() == [0.0, 0.0, 0.5, 0.75, 1.0]


def test_dots_sit_on_a_grid():
    dots = torch.tensor([[0.0, 0.0, 0.0], [1.0, 2.0, 0.3], [0.5, 0.5, 0.0], [0.5, 0.0, 0.0]])
    assert share("dots", dots).tolist() == [1.0, 1.0, 0.0, 0.0]


def test_wood_rings_lie_about_the_y_axis():
    grain = share("wood", along(0, *torch.linspace(0, 3, 301).tolist()))
    rings = ((grain[1:-1] > grain[:-2]) & (grain[1:-1] >= grain[2:])).sum()
    assert 2 <= int(rings) <= 4


def test_noise_is_centred_and_bounded():
    values = noise(20 * POINTS, torch.zeros(len(POINTS)))
    assert values.mean().abs() < 0.1
    assert values.abs().max() <= 1.6


def test_phase_moves_noise():
    assert (share("patches", POINTS, phase=0.0) - share("patches", POINTS, phase=2.0)).abs().mean() > 0.1


def test_every_point_follows_its_own_pattern():
    index = torch.arange(len(POINTS)) % len(PATTERNS)
    mixed = accent_share(index, POINTS, torch.ones(len(POINTS)), torch.zeros(len(POINTS)))
    for number, name in enumerate(PATTERNS):
        torch.testing.assert_close(mixed[index == number], share(name, POINTS)[index == number])
