"""Tolerances: floors where nothing moves, deviations where something does."""

import pytest

from benchmark.tables import COLUMNS
from benchmark.tolerances import FLOORS, mean_tolerance, run_tolerance, spread_tolerance


def test_every_metric_with_a_direction_has_a_floor() -> None:
    assert set(FLOORS) == {column.key for column in COLUMNS if column.arrow}


def test_no_spread_leaves_the_floor() -> None:
    assert spread_tolerance(0.0, 5, floor=0.01) == 0.01


def test_a_new_value_may_lie_four_deviations_from_the_mean_of_four() -> None:
    assert spread_tolerance(0.1, 4, floor=0.01) == pytest.approx(4 * 0.1 * 1.25**0.5)


@pytest.mark.parametrize(("cells", "expected"), [((0.3, 0.4), 0.25), ((0.5,), 0.5), ((0.01,) * 100, 0.01)])
def test_the_tolerance_of_a_mean_shrinks_with_the_cells_down_to_the_floor(
    cells: tuple[float, ...], expected: float
) -> None:
    assert mean_tolerance(cells, floor=0.01) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("metric", "value", "tolerance"), [("clip_dir", 0.5, 0.01), ("seconds", 10.0, 2.0), ("seconds", 0.001, 0.05)]
)
def test_times_differ_by_a_part_and_scores_by_a_floor(metric: str, value: float, tolerance: float) -> None:
    assert run_tolerance(FLOORS.get(metric), value) == pytest.approx(tolerance)
