"""Attention trials and repeats: what they say of a rater."""

import pytest

from survey.boxes import Box, Pair
from survey.server.checks import Handed, attention_passed, flags, passed, repeat_differences
from survey.study import ImageSet, Kind

MARK = Box(2, 0.4, 0.4, 0.2, 0.2)
ELSEWHERE = Box(0, 0.1, 0.1, 0.2, 0.2)


def shown(kind: Kind, set_id: str = "set-001") -> ImageSet:
    planted = MARK if kind == "planted" else None
    return ImageSet(set_id=set_id, kind=kind, scene="face", edit="", method="", images=("a.png",) * 4, planted=planted)


def rated(count: int, set_id: str = "set-001", *, repeat: bool = False) -> Handed:
    return Handed(shown("rating", set_id), repeat, (Pair(ELSEWHERE, MARK),) * count)


@pytest.mark.parametrize(
    ("box", "found"),
    [
        (MARK, True),
        (Box(2, 0.0, 0.0, 1.0, 1.0), True),
        (Box(2, 0.5, 0.5, 0.3, 0.3), True),  # a quarter of it
        (Box(2, 0.55, 0.5, 0.3, 0.3), False),
        (Box(1, 0.4, 0.4, 0.2, 0.2), False),  # the right place on another view
    ],
)
def test_a_planted_mark_is_found_by_either_rectangle_of_a_pair(box: Box, found: bool) -> None:
    assert passed(shown("planted"), [Pair(box, ELSEWHERE)]) is found
    assert passed(shown("planted"), [Pair(ELSEWHERE, ELSEWHERE), Pair(ELSEWHERE, box)]) is found


def test_a_planted_mark_is_missed_by_no_pairs() -> None:
    assert not passed(shown("planted"), [])


def test_equal_views_do_not_contradict_each_other() -> None:
    assert passed(shown("identical"), [])
    assert not passed(shown("identical"), [Pair(MARK, ELSEWHERE)])


def test_attention_is_all_trials_so_far() -> None:
    missed, found = Handed(shown("planted"), False, ()), Handed(shown("identical"), False, ())
    assert attention_passed([rated(2)]) is None
    assert attention_passed([rated(2), found]) is True
    assert attention_passed([missed, rated(2), found]) is False


def test_repeats_are_compared_with_the_first_time() -> None:
    tasks = [
        rated(3, "set-001"),
        rated(1, "set-002"),
        rated(1, "set-001", repeat=True),
        rated(1, "set-002", repeat=True),
    ]
    assert repeat_differences(tasks) == [2, 0]
    assert flags(tasks) == ["repeat differs"]
    assert flags(tasks[:2]) == []
    assert flags([rated(1), rated(2, repeat=True)]) == []


def test_flags_name_what_was_missed() -> None:
    assert flags([Handed(shown("planted"), False, ()), rated(1)]) == ["missed: planted"]
    assert flags([Handed(shown("identical"), False, (Pair(MARK, ELSEWHERE),))]) == ["missed: identical"]
