"""Agreement on areas beyond chance."""

import pytest

from survey.box_agreement import box_agreement
from survey.ratings import Box, Pair, Rating
from survey.simulate import Design
from survey.simulated_ratings import simulate_ratings

LEFT, RIGHT = Box(0, 0, 0, 0.5, 1), Box(0, 0.5, 0, 0.5, 1)
OTHER_VIEW = Box(1, 0, 0, 0.5, 1)


def rating(scene: str, rater: str, *boxes: Box) -> Rating:
    """A rating that marks these areas, two by two the same."""
    return Rating(scene, scene, "edit", "dge", rater, len(boxes), tuple(Pair(box, box) for box in boxes))


def test_the_same_areas_agree_fully() -> None:
    found = box_agreement([rating("a", "r", LEFT), rating("a", "s", LEFT), rating("b", "t", OTHER_VIEW)])
    assert found is not None
    assert (found.agreement, found.overlap, found.chance) == (1, 1, 0)
    assert (found.pairs_same_set, found.pairs_by_chance) == (1, 2)


def test_overlap_is_intersection_over_union_over_all_views_by_hand() -> None:
    whole = Box(0, 0, 0, 1, 1)
    ratings = [rating("a", "r", LEFT, OTHER_VIEW), rating("a", "s", whole), rating("b", "r", LEFT)]
    found = box_agreement(ratings)
    assert found is not None
    assert found.overlap == pytest.approx(0.5 / 1.5)
    assert found.chance == pytest.approx(0.5)  # s in a against r in b; the rater r is not compared with himself
    assert found.agreement == pytest.approx((1 / 3 - 1 / 2) / (1 - 1 / 2))


def test_rectangles_that_overlap_each_other_count_once() -> None:
    both = rating("a", "r", LEFT, LEFT, Box(0, 0.25, 0, 0.25, 1))
    found = box_agreement([both, rating("a", "s", LEFT), rating("b", "t", RIGHT)])
    assert found is not None
    assert found.overlap == 1


def test_a_habit_that_has_nothing_to_do_with_the_scene_is_chance() -> None:
    everywhere = [rating(scene, rater, LEFT if rater < "c" else RIGHT) for scene in "xyz" for rater in "abcd"]
    found = box_agreement(everywhere)
    assert found is not None
    assert found.overlap == pytest.approx(1 / 3)
    assert found.agreement == pytest.approx(0, abs=0.01)


def test_without_two_ratings_to_compare_there_is_none() -> None:
    bare = Rating("a", "a", "edit", "dge", "r", 2)
    assert box_agreement([]) is None
    assert box_agreement([bare, rating("a", "s"), rating("b", "t", LEFT)]) is None
    assert box_agreement([rating("a", "r", LEFT), rating("a", "s", LEFT)]) is None


def test_raters_who_look_agree_more_than_raters_who_guess() -> None:
    looking, guessing = (
        box_agreement(simulate_ratings(Design(scenes=10, careless=careless), ["a", "b"])) for careless in (0, 0.99)
    )
    assert looking is not None
    assert guessing is not None
    assert looking.agreement > 0.08 > 0.04 > abs(guessing.agreement)
