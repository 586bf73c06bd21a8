"""The assignment: balanced, counterbalanced, never two methods of an edit back to back, the same for the same seed."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mix2mix.errors import InputError
from survey.assignment import AttentionStep, Design, Step, assign

METHODS = ("a", "b", "c", "d")


def design(methods: int = 2, raters: int = 5, tasks: int = 10, attention: int = 2, repeats: int = 1) -> Design:
    return Design(METHODS[:methods], raters, tasks, attention, repeats, seed=0)


@st.composite
def studies(draw: st.DrawFn) -> tuple[int, Design]:
    edits, methods = draw(st.integers(2, 9)), draw(st.integers(1, 4))
    tasks, raters = draw(st.integers(1, edits * methods)), draw(st.integers(1, 6))
    blocks = -(-edits * raters // tasks)
    repeats = draw(st.integers(0, edits * raters // blocks // 3))
    seed, attention = draw(st.integers(0, 99)), draw(st.integers(0, 4))
    return edits, Design(METHODS[:methods], raters, tasks, attention, repeats, seed)


def rated(place: tuple[Step | AttentionStep, ...]) -> list[Step]:
    return [step for step in place if isinstance(step, Step) and not step.repeat]


def repeated(place: tuple[Step | AttentionStep, ...]) -> list[Step]:
    return [step for step in place if isinstance(step, Step) and step.repeat]


def test_the_paper_s_study_takes_twenty_raters() -> None:
    places = assign(20, design(raters=5, tasks=10))
    assert len(places) == 20
    assert {len(place) for place in places} == {10 + 2 + 1}


@given(studies())
@settings(max_examples=150, deadline=None)
def test_every_set_gets_its_number_of_raters_and_nobody_rates_one_twice(study: tuple[int, Design]) -> None:
    edits, wanted = study
    sets = [[(step.edit, step.method) for step in rated(place)] for place in assign(edits, wanted)]
    assert all(len(own) == len(set(own)) <= wanted.tasks_per_rater for own in sets)
    expected = {(edit, method): wanted.raters_per_set for edit in range(edits) for method in range(len(wanted.methods))}
    assert Counter(pair for own in sets for pair in own) == expected


@given(studies())
@settings(max_examples=150, deadline=None)
def test_an_edit_never_follows_itself(study: tuple[int, Design]) -> None:
    for place in assign(*study):
        steps = [step for step in place if isinstance(step, Step)]
        assert all(former.edit != later.edit for former, later in pairwise(steps))


@given(studies())
@settings(max_examples=150, deadline=None)
def test_no_rater_sees_two_methods_of_an_edit_where_there_are_edits_enough(study: tuple[int, Design]) -> None:
    edits, wanted = study
    for place in assign(edits, wanted):
        most = max(Counter(step.edit for step in rated(place)).values())
        assert most <= -(-wanted.tasks_per_rater // edits)


@given(studies())
@settings(max_examples=150, deadline=None)
def test_every_method_stands_equally_often_at_every_position(study: tuple[int, Design]) -> None:
    edits, wanted = study
    stands = Counter(
        (position, step.method) for place in assign(edits, wanted) for position, step in enumerate(rated(place))
    )
    for position in {position for position, _ in stands}:
        assert len({stands[position, method] for method in range(len(wanted.methods))}) == 1


def test_each_rater_sees_about_as_much_of_every_method() -> None:
    for place in assign(20, design(tasks=9)):
        counts = Counter(step.method for step in rated(place))
        assert abs(counts[0] - counts[1]) <= 1


@given(studies())
@settings(max_examples=150, deadline=None)
def test_checks_are_complete_and_never_come_first(study: tuple[int, Design]) -> None:
    edits, wanted = study
    for place in assign(edits, wanted):
        assert isinstance(place[0], Step)
        trials = [step.trial for step in place if isinstance(step, AttentionStep)]
        assert trials == list(range(wanted.attention))
        assert len(repeated(place)) == wanted.repeats


def test_repeats_show_sets_of_the_first_half_again() -> None:
    for place in assign(12, design(tasks=12, repeats=4)):
        first_half = {(step.edit, step.method) for step in rated(place)[:6]}
        assert len({(step.edit, step.method) for step in repeated(place)} & first_half) == 4


def test_the_seed_decides() -> None:
    one, other = Design(("a", "b"), 5, 10, 2, 1, seed=1), Design(("a", "b"), 5, 10, 2, 1, seed=2)
    assert assign(20, one) == assign(20, one) != assign(20, other)


@pytest.mark.parametrize(
    ("wanted", "what"),
    [
        (design(tasks=41), "tasks per rater"),
        (design(raters=0), "raters per set"),
        (design(attention=11), "attention trials"),
        (design(repeats=4), "repeats"),
    ],
)
def test_a_design_that_cannot_be_met_is_bad_input(wanted: Design, what: str) -> None:
    with pytest.raises(InputError, match=what):
        assign(20, wanted)


def test_a_single_edit_leaves_one_task_a_rater() -> None:
    assert [len(place) for place in assign(1, design(tasks=1, attention=0, repeats=0))] == [1] * 10
    with pytest.raises(InputError, match="tasks per rater"):
        assign(1, design(tasks=2, repeats=0))
