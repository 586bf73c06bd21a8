"""Mistakes and failures, told in one sentence."""

from typing import Any

import pytest

from survey.server import store
from survey.study import Study


@pytest.mark.parametrize("path", ["/nothing", "/static/../app.py", "/static/%2e%2e%2fapp.py", "/image/x/0", "/static/"])
def test_there_is_nothing_but_our_pages(visit: Any, path: str) -> None:
    answer = visit().get(path)
    assert answer.status_code == 404
    assert "There is no such page." in answer.text


def test_a_failure_inside_tells_nothing_of_the_inside(visit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rater = visit()
    rater.begin()
    task = rater.task()
    monkeypatch.setattr(store, "rater_of", lambda *_: 1 / 0)
    page = rater.get("/task")
    assert page.status_code == 500
    assert "Something went wrong here." in page.text
    assert "ZeroDivision" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    monkeypatch.setattr(store, "set_of", lambda *_: 1 / 0)
    assert rater.send("/save", task, {"none": True}).json() == {
        "error": "Something went wrong here. Reload the page; what was saved is safe."
    }


def test_files_of_the_pages_are_asked_for_again_and_sent_once(visit: Any) -> None:
    visitor = visit()
    first = visitor.get("/static/task.js")
    assert first.headers["content-type"].startswith("text/javascript")
    assert first.headers["cache-control"] == "no-cache"
    again = visitor.get("/static/task.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_contact_is_given_where_something_fails(open_study: Any, study: Study) -> None:
    from survey.study import read_study

    study.path.write_text(study.path.read_text().replace('contact = ""', 'contact = "lab@uni.example"'))
    assert "lab@uni.example" in open_study(read_study(study.path))().get("/nothing").text
