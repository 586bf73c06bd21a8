"""The export: every task that was handed in, exactly; checks apart; at any time."""

import csv
from pathlib import Path
from typing import Any

import pytest

from mix2mix.errors import InputError
from survey.boxes import Box, Pair
from survey.ratings import read_ratings
from survey.server.export import CHECK_COLUMNS, export_checks, export_ratings
from survey.server.records import saved_raters
from survey.study import Study

PAIR = Pair(Box(0, 0.1, 0.2, 0.3, 0.4), Box(2, 0.5, 0.5, 0.25, 0.125))


def test_the_export_is_what_was_handed_in(visit: Any, study: Study, pair: dict[str, Any], tmp_path: Path) -> None:
    rater = visit()
    rater.begin("?PROLIFIC_PID=anna")
    rater.send("/submit", rater.task(), {"pairs": [pair, pair], "seconds": 41.52})
    rater.send("/submit", rater.task(), {"none": True, "seconds": 9})
    rater.send("/save", rater.task(), {"pairs": [pair]})

    assert export_ratings(saved_raters(study), tmp_path / "ratings.csv") == 2
    first, second = read_ratings(tmp_path / "ratings.csv")
    item = study.plan.by_id[study.plan.places[0][0].set_id]
    assert (first.set_id, first.scene, first.edit, first.method) == (item.set_id, item.scene, item.edit, item.method)
    assert (first.rater_id, first.n_pairs, first.pairs, first.duration_s) == ("anna", 2, (PAIR, PAIR), 41.5)
    assert (second.n_pairs, second.pairs, second.duration_s) == (0, (), 9.0)
    assert first.attention_passed is second.attention_passed is None
    assert first.submitted_at is not None
    assert second.submitted_at is not None
    assert first.submitted_at < second.submitted_at


def test_trials_and_repeats_are_no_ratings_but_tell_of_the_rater(
    open_study: Any, make_study: Any, tmp_path: Path
) -> None:
    study = make_study(attention=2, repeats=1)
    rater = open_study(study)()
    rater.begin("?PROLIFIC_PID=anna")
    rater.finish(pairs=1)

    raters = saved_raters(study)
    assert export_ratings(raters, tmp_path / "ratings.csv") == 3
    assert {rating.attention_passed for rating in read_ratings(tmp_path / "ratings.csv")} == {False}
    assert export_checks(raters, tmp_path / "checks.csv") == 3
    with (tmp_path / "checks.csv").open(newline="") as file:
        rows = {row["kind"]: row for row in csv.DictReader(file)}
    assert tuple(rows["repeat"]) == CHECK_COLUMNS
    assert (rows["repeat"]["n_pairs"], rows["repeat"]["first_n_pairs"], rows["repeat"]["passed"]) == ("1", "1", "")
    assert rows["identical"]["passed"] == "false"


def test_attention_is_passed_by_who_attends(
    open_study: Any, make_study: Any, pair: dict[str, Any], tmp_path: Path
) -> None:
    study = make_study(attention=2)
    rater = open_study(study)()
    rater.begin()
    for trial in study.plan.places[0]:
        shown = study.plan.by_id[trial.set_id]
        if shown.planted is not None:
            planted = {key: getattr(shown.planted, key) for key in ("view", "x", "y", "w", "h")}
            marks = [{"first": planted, "second": {**pair["first"], "view": (shown.planted.view + 1) % 4}}]
            rater.send("/submit", rater.task(), {"pairs": marks})
        else:
            rater.send("/submit", rater.task(), {"none": True})
    export_ratings(saved_raters(study), tmp_path / "ratings.csv")
    assert [rating.attention_passed for rating in read_ratings(tmp_path / "ratings.csv")] == [True] * 3


def test_everyone_s_ratings_can_be_read_back(visit: Any, study: Study, tmp_path: Path) -> None:
    for _ in study.plan.places:
        rater = visit()
        rater.begin()
        rater.finish(pairs=2)
    export_ratings(saved_raters(study), tmp_path / "ratings.csv")
    ratings = read_ratings(tmp_path / "ratings.csv")
    assert len(ratings) == len({(rating.set_id, rating.rater_id) for rating in ratings}) == 12


def test_a_study_that_was_never_served_has_no_ratings_to_export(study: Study) -> None:
    with pytest.raises(InputError, match="survey serve"):
        saved_raters(study)
    assert not study.database.exists()


def test_a_place_that_cannot_be_written_is_bad_input(visit: Any, study: Study, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="writing"):
        export_ratings(saved_raters(study), tmp_path / "file" / "ratings.csv")
