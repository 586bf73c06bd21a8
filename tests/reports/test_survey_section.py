"""Human ratings on the page: the survey's own tables, a simulation named as one, and ratings of other pictures told."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark import store
from mix2mix.errors import InputError
from reports.survey_section import read_survey
from survey.ratings import Rating, write_ratings

MakeRun = Callable[..., Path]


def save(path: Path, methods: tuple[str, ...] = ("ours", "theirs"), scene: str = "face") -> Path:
    edits = ("Give him a venetian mask", "Turn him into a knight")
    ratings = [
        Rating(f"{scene}-{method}-{edit}", scene, edit, method, f"rater-{rater}", n_pairs=rater + place)
        for place, method in enumerate(methods)
        for edit in edits
        for rater in range(3)
    ]
    with path.open("w", encoding="utf-8", newline="") as stream:
        write_ratings(stream, ratings)
    return path


def test_the_surveys_tables_are_shown_with_what_they_assume(make_run: MakeRun, tmp_path: Path) -> None:
    section = read_survey(save(tmp_path / "ratings.csv"), store.read_run(make_run()))
    assert section.lead.startswith("12 ratings by 3 raters of 2 edits.")
    titles = [title for title, _ in section.grids]
    assert titles[0] == "Table 2"
    assert "ours against theirs: tests on 2 scenes" in titles
    first = section.grids[0][1].lines[0]
    assert [entry.text for entry in first.entries][:2] == ["ours", "1.00"]
    assert section.assumptions
    assert not section.simulated


def test_a_simulation_is_named_as_one(make_run: MakeRun, tmp_path: Path) -> None:
    section = read_survey(save(tmp_path / "ratings.csv", scene="simulated-face"), store.read_run(make_run()))
    assert section.simulated
    assert section.grids[0][0] == "Table 2 (SIMULATED)"


def test_ratings_of_what_the_run_does_not_hold_are_told(make_run: MakeRun, tmp_path: Path) -> None:
    section = read_survey(save(tmp_path / "ratings.csv", ("ours", "strangers")), store.read_run(make_run()))
    assert section.notes[0] == "6 of 12 ratings are of methods or edits that this run does not hold."


def test_a_file_that_is_no_survey_is_a_bad_input(make_run: MakeRun, tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("nothing\n")
    with pytest.raises(InputError, match="CSV file of ratings"):
        read_survey(tmp_path / "ratings.csv", store.read_run(make_run()))
