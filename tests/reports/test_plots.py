"""Plots as places: axes that hold the values, names that do not lie over each other, the same in words."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.plots import NAMED, SMALL, Point, chart, time_axis, value_axis

TITLES = ("time", "error")
REAL = st.floats(-1e3, 1e3).map(lambda value: round(value, 4))


def point(y: float, x: float = 1.0, name: str = "a") -> Point:
    return Point(x, y, y - 0.1, y + 0.1, name)


@given(st.lists(REAL, min_size=1, max_size=20))
def test_an_axis_of_values_holds_them_with_a_few_ticks(values: list[float]) -> None:
    axis = value_axis(values)
    assert axis.low <= min(values) <= max(values) <= axis.high
    assert 1 <= len(axis.ticks) <= 7
    assert all(axis.low - 1e-6 <= tick <= axis.high + 1e-6 for tick, _ in axis.ticks)


def test_ticks_are_round_numbers() -> None:
    assert [text for _, text in value_axis([0.1, 0.83]).ticks] == ["0.0", "0.2", "0.4", "0.6", "0.8"]
    assert [text for _, text in value_axis([-1.0, 1.0]).ticks] == ["−1.0", "−0.5", "0.0", "0.5", "1.0"]


def test_an_axis_begins_at_0_where_that_is_near() -> None:
    assert value_axis([0.1, 0.9]).low == 0
    assert value_axis([0.8, 0.9]).low > 0.7


@given(st.lists(st.floats(1e-4, 1e6), min_size=1, max_size=20))
def test_an_axis_of_times_keeps_them_inside_the_plot(values: list[float]) -> None:
    axis = time_axis(values)
    assert all(10 <= axis.place(value, 10, 110) <= 110 for value in values)


def test_ten_times_as_long_is_as_far_anywhere() -> None:
    axis = time_axis([0.01, 10.0])
    assert [text for _, text in axis.ticks] == ["10 ms", "0.1 s", "1 s", "10 s"]
    assert [axis.place(seconds, 0, 300) for seconds in (0.01, 0.1, 1, 10)] == [0, 100, 200, 300]


def test_higher_values_lie_higher() -> None:
    low, high = chart("A plot", TITLES, [point(1), point(2)], time_axis([1.0])).marks
    assert high.y < low.y
    assert high.high < high.y < high.low


@given(st.lists(REAL, min_size=1, max_size=14))
def test_names_lie_a_line_apart_beside_the_plot_in_the_order_of_the_points(values: list[float]) -> None:
    marks = chart("A plot", TITLES, [point(value) for value in values], time_axis([1.0])).marks
    ordered = sorted(marks, key=lambda mark: (mark.label.y, mark.y))
    assert [mark.y for mark in ordered] == sorted(mark.y for mark in marks)
    gaps = [after.label.y - before.label.y for before, after in pairwise(ordered)]
    assert all(gap >= 14.8 for gap in gaps)
    assert all(NAMED.top - 0.1 <= mark.label.y <= NAMED.bottom for mark in marks)


def test_a_level_is_named_beside_the_points() -> None:
    drawn = chart("A plot", TITLES, [point(0.5)], time_axis([1.0]), levels=[(0.5, "floor")])
    assert drawn.levels[0].y == drawn.marks[0].y
    assert abs(drawn.levels[0].label.y - drawn.marks[0].label.y) >= 14.8


def test_a_long_name_is_cut() -> None:
    drawn = chart("A plot", TITLES, [point(1, name="a name that would leave the drawing")], time_axis([1.0]))
    assert drawn.marks[0].label.text == "a name that would…"


def test_the_plot_is_told_in_words_from_left_to_right() -> None:
    drawn = chart("A plot", TITLES, [point(1, 9, "b"), point(2, 3, "a")], time_axis([3, 9]), levels=[(0.5, "floor")])
    assert drawn.description == "error by time, from left to right. a: 2.000; b: 1.000; floor: 0.500."


@pytest.mark.parametrize(("joined", "frame"), [(True, SMALL), (False, NAMED)])
def test_a_curve_is_smaller_as_it_has_no_names(joined: bool, frame: object) -> None:
    assert chart("A plot", TITLES, [point(1), point(2)], time_axis([1.0]), joined=joined).frame == frame
