"""Rectangles in pairs, and their JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.boxes import MAX_VIEWS, Box, Pair, is_valid, pairs_from_json, pairs_to_json

GOOD = {"view": 0, "x": 0.25, "y": 0.5, "w": 0.75, "h": 0.5}
BAD = [
    {"view": -1},
    {"view": MAX_VIEWS},
    {"view": 0.0},
    {"view": True},
    {"view": "0"},
    {"x": -0.001},
    {"x": 0.2501},
    {"y": 1.0},
    {"w": 0},
    {"h": -0.5},
    {"x": None},
    {"x": False},
    {"x": 10**400},
    {"z": 0.5},
]


def parts() -> st.SearchStrategy[Box]:
    """Boxes that lie on their view."""
    sides = st.floats(0.001, 0.999)
    return st.builds(
        lambda view, x, y, w, h: Box(view, x, y, w * (1 - x), h * (1 - y)),
        st.integers(0, MAX_VIEWS - 1),
        sides,
        sides,
        sides,
        sides,
    )


@given(st.lists(st.builds(Pair, parts(), parts())))
def test_pairs_survive_their_json(pairs: list[Pair]) -> None:
    assert pairs_from_json(pairs_to_json(pairs)) == tuple(pairs)


def test_the_json_is_a_list_of_pairs_of_rectangles() -> None:
    document = [[GOOD, {**GOOD, "view": 3}]]
    assert pairs_from_json(json.dumps(document)) == (Pair(Box(0, 0.25, 0.5, 0.75, 0.5), Box(3, 0.25, 0.5, 0.75, 0.5)),)
    assert pairs_from_json("[]") == ()


@pytest.mark.parametrize("change", BAD)
def test_a_rectangle_off_its_view_or_of_other_types_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"rectangle|number"):
        pairs_from_json(json.dumps([[GOOD, {**GOOD, **change}]]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing",
        "3",
        "{}",
        "[3]",
        "[[]]",
        f"[[{json.dumps(GOOD)}]]",
        json.dumps([[GOOD, GOOD, GOOD]]),
        json.dumps([[GOOD, GOOD]])[:-1],
        json.dumps([[GOOD, GOOD]]).replace("0.25", "NaN"),
        json.dumps([[GOOD, GOOD]]).replace("0.25", "1e999"),
        json.dumps([[GOOD, GOOD]]).replace("0.25", "9" * 5000),
        json.dumps([[GOOD, GOOD]]).replace('"x"', '"y"'),
        "[" * 100_000,
    ],
)
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        pairs_from_json(text)


def test_decimals_that_do_not_add_up_exactly_still_fit() -> None:
    assert 0.9 + 0.1 <= 1 < 0.7 + 0.1 + 0.2000000000001
    assert is_valid(Box(0, 0.7999999999999999, 0.1, 0.2000000000000002, 0.9))
    assert not is_valid(Box(0, 0.8, 0.1, 0.2001, 0.9))
