"""The operator's page: behind its token, live, and silent about results."""

import re
from typing import Any

import pytest

from survey.study import Study


def sign_in(visitor: Any, token: str) -> Any:
    visitor.get("/operator")
    return visitor.post("/operator", data={"token": token, "form_token": visitor.form_token})


@pytest.fixture
def operator(visit: Any, study: Study) -> Any:
    visitor = visit()
    assert sign_in(visitor, study.secrets.operator_token).headers["location"] == "/operator"
    return visitor


def rows(page: str) -> list[list[str]]:
    found = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL)]
    return [row for row in found if row]


def test_without_the_token_there_is_nothing_to_see(visit: Any) -> None:
    stranger = visit()
    refused = sign_in(stranger, "guess")
    assert (refused.status_code, "not the token" in refused.text) == (403, True)
    assert "<table" not in stranger.get("/operator").text
    assert stranger.get("/operator/status").status_code == 403


@pytest.mark.parametrize("forged", ["", "guess", "ü"])
def test_a_forged_cookie_is_no_token(visit: Any, forged: str) -> None:
    stranger = visit()
    headers = {"cookie": f"operator={forged}".encode()}
    assert stranger.get("/operator/status", headers=headers).status_code == 403


def test_a_rater_s_cookie_opens_nothing_here(visit: Any) -> None:
    rater = visit()
    rater.begin()
    assert rater.get("/operator/status").status_code == 403


def test_counts_follow_what_is_handed_in(operator: Any, visit: Any, study: Study) -> None:
    assert "Nobody has begun yet." in operator.get("/operator").text
    rater = visit()
    rater.begin("?PROLIFIC_PID=anna")
    rater.send("/submit", rater.task(), {"none": True, "seconds": 30})
    page = operator.get("/operator/status").text
    first = study.plan.by_id[study.plan.places[0][0].set_id]
    assert [first.set_id, first.scene, first.edit, first.method, "1", "2"] in rows(page)
    assert sum(row[4:] == ["0", "2"] for row in rows(page)) == 5
    (anna,) = (row for row in rows(page) if row[0] == "anna")
    assert (anna[1], anna[2], anna[3], anna[5]) == ("1", "1 of 3", "under way", "30")
    assert "Places finished: 0 of 4. Raters under way: 1." in page
    rater.finish()
    assert re.search(r'id="code">(\w+)<', rater.get("/done").text)[1] in operator.get("/operator/status").text
    assert "Places finished: 1 of 4. Raters under way: 0." in operator.get("/operator/status").text


def test_flags_are_shown_and_nobody_is_dropped(open_study: Any, make_study: Any) -> None:
    study = make_study(attention=2, repeats=1)
    visit = open_study(study)
    rater, operator = visit(), visit()
    sign_in(operator, study.secrets.operator_token)
    rater.begin("?PROLIFIC_PID=anna")
    rater.finish()
    (anna,) = (row for row in rows(operator.get("/operator").text) if row[0] == "anna")
    assert (anna[3], anna[6], anna[7]) == ("finished", "missed", "0")
    assert "missed: identical" in anna[8]


def test_results_are_not_shown_while_raters_come(operator: Any, visit: Any) -> None:
    rater = visit()
    rater.begin()
    rater.finish(pairs=7)
    assert "7" not in [cell for row in rows(operator.get("/operator").text) for cell in row]
