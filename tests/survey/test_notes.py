"""What is told beside the numbers."""

from dataclasses import replace

import pytest

from survey.analysis import analyse
from survey.comparison import Settings
from survey.ratings import Rating
from survey.simulate import Design
from survey.simulated_ratings import simulate_ratings

SETS = [(method, scene) for method in ("dge", "i-mix2mix") for scene in "abcdefgh"]
WHOLE = [
    Rating(f"{method}-{scene}", scene, "edit", method, rater, number % 3, attention_passed=True)
    for number, (method, scene) in enumerate(SETS)
    for rater in ("r1", "r2")
]


def notes_on(ratings: list[Rating]) -> list[str]:
    """The notes of an analysis."""
    return analyse(ratings, settings=Settings(randomisations=50, resamples=50)).notes


def test_a_whole_study_needs_no_word() -> None:
    with_boxes = simulate_ratings(Design(), ["dge", "i-mix2mix"])
    people = [replace(rating, set_id=rating.set_id[10:], rater_id=rating.rater_id[10:]) for rating in with_boxes]
    assert notes_on(people) == []


@pytest.mark.parametrize(
    ("ratings", "told"),
    [
        (WHOLE, "ratings with pairs lack rectangles"),
        (WHOLE[:-2], "i-mix2mix has no ratings of 1 of 8 scenes: h, edit"),
        (WHOLE[:-1], "Sets have 1 to 2 ratings"),
        (WHOLE[:6] + WHOLE[16:22], "3 scenes are few"),
        ([*WHOLE, replace(WHOLE[0], set_id="again")], "1 scenes of a method have more than one set"),
        ([replace(WHOLE[0], attention_passed=False), *WHOLE[1:]], "1 of 2 raters failed an attention trial"),
        ([replace(WHOLE[0], attention_passed=None), *WHOLE[1:]], "1 of 32 ratings do not say"),
        ([replace(WHOLE[0], rater_id="r3"), *WHOLE[1:]], "1 of 3 raters rated one method only"),
        (simulate_ratings(Design(scenes=31, raters=40), ["a", "b"]), "31 scenes are more than 30"),
    ],
)
def test_what_the_numbers_do_not_show_is_told(ratings: list[Rating], told: str) -> None:
    assert any(told in note for note in notes_on(ratings))
