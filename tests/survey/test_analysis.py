"""The analysis of a file: Table 2, its keys for machines, and what becomes of odd data."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from mix2mix.errors import InputError
from survey.analysis import analyse, choose_methods
from survey.comparison import Settings
from survey.ratings import Rating
from survey.simulate import Design
from survey.simulated_ratings import simulate_ratings

QUICK = Settings(randomisations=200, resamples=200)


def ratings_of(counts: dict[tuple[str, str], list[int]]) -> list[Rating]:
    """Ratings from counts by method and scene."""
    return [
        Rating(f"{method}-{scene}", scene, "edit", method, f"r{rater}", count)
        for (method, scene), found in counts.items()
        for rater, count in enumerate(found)
    ]


SMALL = ratings_of({("i-mix2mix", "a"): [0, 1], ("i-mix2mix", "b"): [3, 1], ("dge", "a"): [2, 5], ("dge", "b"): [1]})


@pytest.fixture(scope="module")
def study() -> list[Rating]:
    """A simulated study with careless raters."""
    return simulate_ratings(Design(means=(2.5, 1.2), careless=0.15), ["dge", "i-mix2mix"], seed=5)


def test_table_2_by_hand() -> None:
    ours, theirs = analyse(SMALL, settings=QUICK).table2.values()
    assert (ours.mean_pairs, ours.scene_win_pct) == (5 / 4, 50)
    assert (ours.consistent_pct, ours.inconsistent_pct) == (75, 25)
    assert (theirs.mean_pairs, theirs.scene_win_pct) == (8 / 3, 50)
    assert (theirs.consistent_pct, theirs.inconsistent_pct) == (pytest.approx(100 / 3), pytest.approx(100 / 3))
    assert (theirs.n_tasks, theirs.n_scenes, theirs.n_raters) == (3, 2, 2)


def test_the_keys_for_machines(study: list[Rating]) -> None:
    document = json.loads(analyse(study, settings=QUICK).model_dump_json())
    assert list(document["table2"]) == ["i-mix2mix", "dge"]
    assert {"mean_pairs", "scene_win_pct", "consistent_pct", "inconsistent_pct"} <= document["table2"]["dge"].keys()
    tests = document["tests"]
    assert {"mean_difference", "p_two_sided", "exact", "n_scenes"} <= tests["sign_flip"].keys()
    assert {"p_two_sided", "n_resamples", "seed"} == tests["sign_flip_sampled"].keys()
    assert {"wins", "losses", "ties", "p_one_sided", "p_two_sided"} <= tests["wins"].keys()
    assert {"counts", "p_one_sided", "p_two_sided"} <= tests["consistent"].keys() & tests["inconsistent"].keys()
    assert tests == document["comparisons"][0]["tests"]


def test_ours_comes_first_unless_an_order_is_given(study: list[Rating]) -> None:
    assert choose_methods(study) == ("i-mix2mix", "dge")
    there, back = (analyse(study, methods, QUICK) for methods in ((), ("dge", "i-mix2mix")))
    assert there.tests.sign_flip.mean_difference == -back.tests.sign_flip.mean_difference < 0
    assert there.tests.wins.p_one_sided < 0.5 < back.tests.wins.p_one_sided


def test_the_order_of_rows_does_not_matter(study: list[Rating]) -> None:
    assert analyse(study[::-1], settings=QUICK) == analyse(study, settings=QUICK)


def test_methods_that_cannot_be_compared_are_told() -> None:
    with pytest.raises(InputError, match="Did you mean 'dge'"):
        choose_methods(SMALL, ["i-mix2mix", "dg"])
    with pytest.raises(InputError, match="two or more"):
        choose_methods(SMALL, ["dge", "dge"])
    with pytest.raises(InputError, match="Rate another method too"):
        choose_methods(SMALL[:2])


def test_other_methods_are_left_out_with_a_word() -> None:
    more = [*SMALL, *ratings_of({("t2vz", "a"): [4, 4]})]
    named = analyse(more, ["i-mix2mix", "dge"], QUICK)
    assert named.table2 == analyse(SMALL, settings=QUICK).table2
    assert named.data.ratings_left_out == {"t2vz": 2}
    assert any("t2vz (2)" in note for note in named.notes)


def test_three_methods_are_compared_pair_by_pair() -> None:
    more = [*SMALL, *ratings_of({("t2vz", "a"): [0, 1], ("t2vz", "b"): [9, 9]})]
    found = analyse(more, settings=QUICK)
    assert [(pair.first, pair.second) for pair in found.comparisons] == [
        ("i-mix2mix", "dge"),
        ("i-mix2mix", "t2vz"),
        ("dge", "t2vz"),
    ]
    # On scene a i-mix2mix and t2vz tie for the lowest mean, on b dge has it: a tie is nobody's win.
    assert [row.scene_win_pct for row in found.table2.values()] == [0, 50, 0]


def test_flagged_raters_count_and_the_figures_without_them_stand_beside(study: list[Rating]) -> None:
    found = analyse(study, settings=QUICK)
    flagged = {rating.rater_id for rating in study if rating.attention_passed is False}
    assert found.data.flagged_raters == sorted(flagged)
    assert flagged
    everyone, careful = found.sensitivity
    assert everyone.n_ratings == len(study)
    assert everyone.p_sign_flip == found.tests.sign_flip.p_two_sided
    alone = analyse([rating for rating in study if rating.rater_id not in flagged], settings=QUICK)
    assert careful.n_ratings == alone.data.n_ratings < everyone.n_ratings
    assert careful.mean_difference == alone.tests.sign_flip.mean_difference
    assert careful.p_consistent == alone.tests.consistent.p_two_sided


def test_when_all_raters_are_flagged_that_is_told() -> None:
    found = analyse([replace(rating, attention_passed=False) for rating in SMALL], settings=QUICK)
    assert [row.ratings for row in found.sensitivity] == ["all"]
    assert any("no scene is left" in note for note in found.notes)


def test_a_simulation_is_told_first(study: list[Rating]) -> None:
    found = analyse(study, settings=QUICK)
    assert found.simulated
    assert found.notes[0] == f"SIMULATED: {len(study)} of {len(study)} ratings come from a simulation, not from people."
    assert not analyse(SMALL, settings=QUICK).simulated


def test_the_survey_does_without_torch() -> None:
    modules = "survey.analysis, survey.calibration, survey.counts, survey.simulated_ratings, mix2mix.commands.survey"
    script = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_every_part_has_its_assumption(study: list[Rating]) -> None:
    found = analyse(study, settings=QUICK).assumptions
    assert found.keys() >= {
        "sign_flip",
        "wins",
        "fisher",
        "clustered",
        "gee",
        "intervals",
        "holm",
        "counts_alpha",
        "boxes",
    }
    assert all("\n" not in line for line in found.values())
