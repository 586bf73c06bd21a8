"""The database of a study belongs to its plan."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from mix2mix.errors import InputError
from survey.server.records import saved_raters
from survey.server.store import digest_of, prepare
from survey.study import Study


def test_preparing_again_changes_nothing(visit: Any, study: Study) -> None:
    rater = visit()
    rater.begin("?PROLIFIC_PID=anna")
    before = saved_raters(study)
    prepare(study)
    assert saved_raters(study) == before


def test_ratings_of_another_plan_are_not_mixed_in(study: Study, make_study: Any) -> None:
    prepare(study)
    plan = study.data / "plan.json"
    plan.write_text(plan.read_text().replace('"raters_per_set": 2', '"raters_per_set": 3'))
    from survey.study import read_study

    with pytest.raises(InputError, match="ratings of another plan"):
        prepare(read_study(study.path))


def test_a_file_of_something_else_is_bad_input(study: Study) -> None:
    study.database.write_bytes(b"not a database, but long enough to be looked at" * 20)
    with pytest.raises(InputError, match="the database of this study"):
        prepare(study)


def test_tokens_and_sessions_are_not_kept_in_the_clear(visit: Any, study: Study) -> None:
    rater = visit()
    rater.begin("?PROLIFIC_PID=anna&STUDY_ID=a-study&SESSION_ID=a-session")
    token = rater.client.cookies["rater"]
    with closing(sqlite3.connect(study.database)) as connection:
        dump = "\n".join(connection.iterdump())
    assert "anna" in dump
    assert digest_of(token) in dump
    for secret in (token, "a-session", "a-study", "127.0.0.1", study.secrets.operator_token):
        assert secret not in dump
