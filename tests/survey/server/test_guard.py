"""What requests and answers go through: headers, form tokens, limits on size and rate, cookies."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from survey.server.guard import MAX_BODY, SAVES, SIGN_INS
from survey.study import Study

Visit = Callable[..., Any]
PAGES = ["/", "/task", "/done", "/operator", "/nothing", "/static/task.js", "/static/nothing"]


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_ties_the_browser_down(visit: Visit, path: str) -> None:
    headers = visit().get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/", "/operator", "/nothing"])
def test_pages_are_not_kept_by_the_browser(visit: Visit, path: str) -> None:
    assert visit().get(path).headers["cache-control"] == "no-store"


def test_cookies_are_out_of_reach(visit: Visit) -> None:
    rater = visit()
    for cookie, site in ((rater.get("/"), "lax"), (rater.begin(), "lax"), (rater.get("/operator"), "strict")):
        assert "HttpOnly" in cookie.headers["set-cookie"]
        assert f"SameSite={site}" in cookie.headers["set-cookie"]
        assert "Secure" not in cookie.headers["set-cookie"]
    assert "Secure" in visit().get("https://test/").headers["set-cookie"]


def test_the_token_of_the_consent_page_is_not_the_rater_s(visit: Visit) -> None:
    rater = visit()
    rater.get("/")
    before = rater.client.cookies["rater"]
    rater.begin()
    assert rater.client.cookies["rater"] != before


@pytest.mark.parametrize("token", ["", "0" * 64, "ü"])
def test_a_form_from_elsewhere_is_refused(visit: Visit, token: str) -> None:
    rater = visit()
    rater.get("/")
    assert rater.post("/consent", data={"agree": "yes", "form_token": token}).status_code == 403
    assert rater.post("/operator", data={"token": "x", "form_token": token}).status_code == 403


def test_a_change_from_elsewhere_is_refused(visit: Visit) -> None:
    rater, other = visit(), visit()
    rater.begin()
    other.begin()
    task = rater.task()
    other.task()
    rater.form_token = other.form_token
    for path in ("/save", "/submit"):
        assert rater.send(path, task, {"none": True}).status_code == 403
    assert rater.task()["revision"] == 0


def test_a_form_token_without_a_cookie_is_nothing(visit: Visit) -> None:
    from survey.server.guard import form_token

    stranger = visit()
    stranger.form_token = form_token("00" * 32, "")
    assert stranger.post("/consent", data={"agree": "yes", "form_token": stranger.form_token}).status_code == 403


@pytest.mark.parametrize("path", ["/consent", "/operator", "/save", "/submit"])
def test_a_body_that_is_too_large_is_refused(visit: Visit, path: str) -> None:
    rater = visit()
    rater.begin()
    rater.task()
    answer = rater.post(path, content=b"x" * (MAX_BODY + 1), headers={"x-form-token": rater.form_token})
    assert answer.status_code == 413


def test_a_form_of_anything_else_is_refused(visit: Visit) -> None:
    rater = visit()
    rater.get("/")
    assert rater.post("/consent", content=b"\xff\xfe=1").status_code == 400
    assert rater.post("/consent", content=b"&".join(b"a=1" for _ in range(99))).status_code == 400


def test_saving_too_fast_is_slowed_down(visit: Visit) -> None:
    rater, other = visit(), visit()
    rater.begin()
    other.begin()
    task = rater.task()
    burst = int(SAVES.burst)
    ends = [rater.send("/save", task, {}, revision=9).status_code for _ in range(3 * burst)]
    assert ends[:burst] == [409] * burst
    assert 429 in ends
    assert other.send("/save", other.task(), {"none": True}).status_code == 200


def test_guessing_the_operator_s_token_is_slow(visit: Visit) -> None:
    guesser = visit()
    guesser.get("/operator")
    guess = {"token": "guess", "form_token": guesser.form_token}
    ends = [guesser.post("/operator", data=guess).status_code for _ in range(int(SIGN_INS.burst) + 1)]
    assert ends == [403] * int(SIGN_INS.burst) + [429]
    from_elsewhere = visit("10.0.0.9")
    from_elsewhere.get("/operator")
    assert (
        from_elsewhere.post("/operator", data={"token": "x", "form_token": from_elsewhere.form_token}).status_code
        == 403
    )


@pytest.mark.parametrize("path", ["/consent", "/save", "/submit"])
def test_what_changes_anything_is_never_a_link(visit: Visit, path: str) -> None:
    assert visit().get(path).status_code == 405


def test_pages_hold_no_script_or_style_and_lead_nowhere_else(visit: Visit, study: Study) -> None:
    rater = visit()
    pages = [rater.get("/").text]
    rater.begin()
    pages += [rater.get("/instructions").text, rater.get("/task").text, rater.get("/operator").text]
    rater.finish()
    pages.append(rater.get("/done").text)
    for text in pages:
        assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:", text)
        assert re.findall(r'(?:src|href)="(?!/)[^"]*"', text) == []
        assert all(
            'type="module" src="/static/' in tag or 'type="application/json"' in tag
            for tag in re.findall("<script[^>]*>", text)
        )


def test_what_the_operator_wrote_is_escaped(open_study: Any, study: Study) -> None:
    from survey.study import read_study

    text = study.path.read_text().replace("Do they fit?", "<b>&</b>").replace('contact = ""', 'contact = "<i>"')
    study.path.write_text(text)
    page = open_study(read_study(study.path))().get("/").text
    assert "&lt;b&gt;&amp;&lt;/b&gt;" in page
    assert "&lt;i&gt;" in page
    assert "<b>" not in page
