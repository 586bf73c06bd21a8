"""What a browser may send: every rectangle is checked, and what is wrong is refused, whatever it is."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.boxes import Box, Pair, is_valid
from survey.server.answers import MAX_PAIRS, RefusedError, check_views, read_sent


def body(answer: object, **changes: object) -> bytes:
    return json.dumps({"task": "t", "revision": 0, "answer": answer, **changes}).encode()


def rectangle(**changes: object) -> dict[str, object]:
    return {"view": 1, "x": 0.5, "y": 0.5, "w": 0.5, "h": 0.5, **changes}


def pair_with(**changes: object) -> dict[str, object]:
    return {"pairs": [{"first": rectangle(view=0), "second": rectangle(**changes)}]}


def test_pairs_are_read_as_they_will_be_exported() -> None:
    answer = read_sent(body(pair_with(x=0.25, w=0.75))).answer
    assert answer.complete
    assert answer.whole_pairs == (Pair(Box(0, 0.5, 0.5, 0.5, 0.5), Box(1, 0.25, 0.5, 0.75, 0.5)),)


def test_whole_numbers_are_numbers_too() -> None:
    answer = read_sent(body({"pairs": [{"first": rectangle(x=0, y=0, w=1, h=1)}], "seconds": 3})).answer
    assert answer.pairs[0].first.box == Box(1, 0, 0, 1, 1)


@pytest.mark.parametrize(
    ("answer", "complete"),
    [
        ({}, False),
        ({"none": True}, True),
        (pair_with(), True),
        ({"pairs": [{"first": rectangle(), "second": None}]}, False),
        ({"pairs": [*pair_with()["pairs"], {"first": rectangle()}]}, False),  # type: ignore[misc]
    ],
)
def test_an_answer_is_complete_with_whole_pairs_or_the_word_that_there_is_none(answer: object, complete: bool) -> None:
    assert read_sent(body(answer)).answer.complete is complete


@pytest.mark.parametrize(
    "changes",
    [
        {"view": -1},
        {"view": 0},  # the first rectangle's view
        {"view": 64},
        {"view": 1.0},
        {"view": True},
        {"view": "1"},
        {"x": -0.0001},
        {"x": "0.5"},
        {"x": None},
        {"x": float("nan")},
        {"w": float("inf")},
        {"w": 0},
        {"h": 0.004},
        {"w": 0.51},
        {"y": 0.6},
        {"z": 1},
    ],
)
def test_a_rectangle_that_is_none_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(RefusedError):
        read_sent(body(pair_with(**changes)))


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"null",
        b"[]",
        b"\xff",
        b"[" * 60_000,
        body({"pairs": None}),
        body({"pairs": [{"second": rectangle()}]}),
        body({"pairs": [{"first": rectangle()}, *pair_with()["pairs"]]}),  # type: ignore[misc]
        body({"pairs": pair_with()["pairs"] * (MAX_PAIRS + 1)}),  # type: ignore[operator]
        body(pair_with() | {"none": True}),
        body({"none": "yes"}),
        body({"seconds": -1}),
        body({"seconds": 1e9}),
        body({"rater": 1}),
        body({}, revision=-1),
        body({}, revision="0"),
        body({}, task=""),
        body({}, task="\ud800"),
        body({}, task="t" * 65),
        body({}, extra=1),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(sent: bytes) -> None:
    with pytest.raises(RefusedError):
        read_sent(sent)


def test_a_view_must_be_one_of_the_task_s() -> None:
    answer = read_sent(body(pair_with(view=3))).answer
    check_views(answer, 4)
    with pytest.raises(RefusedError):
        check_views(answer, 3)


NUMBERS = st.one_of(st.floats(-0.5, 1.5), st.integers(-2, 2), st.none(), st.text(max_size=2), st.just(float("nan")))
LOOSE = st.fixed_dictionaries({"view": st.one_of(st.integers(-1, 3), NUMBERS), **dict.fromkeys("xywh", NUMBERS)})
ANSWERS = st.fixed_dictionaries(
    {"pairs": st.lists(st.fixed_dictionaries({"first": LOOSE, "second": st.one_of(st.none(), LOOSE)}), max_size=2)},
    optional={"none": st.booleans(), "seconds": NUMBERS},
)


@given(ANSWERS)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_whatever_is_kept_can_be_exported(answer: dict[str, Any]) -> None:
    try:
        kept = read_sent(body(answer)).answer
    except RefusedError:
        return
    for pair in kept.whole_pairs:
        assert is_valid(pair.first)
        assert is_valid(pair.second)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
@settings(max_examples=50, deadline=None, derandomize=True)
def test_anything_else_is_refused_in_one_way(document: object) -> None:
    with pytest.raises(RefusedError):
        read_sent(json.dumps(document).encode())
