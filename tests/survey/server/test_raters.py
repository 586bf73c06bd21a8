"""What a rater meets: consent, tasks in their order, every change kept, the code at the end."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from survey.server.records import saved_raters
from survey.study import Study

NONE = {"pairs": [], "none": True, "seconds": 1.0}
Visit = Callable[..., Any]


def test_a_rater_agrees_reads_rates_and_gets_a_code(visit: Visit) -> None:
    rater = visit()
    assert rater.begin().headers["location"] == "/instructions"
    assert "What to do" in rater.get("/instructions").text
    assert rater.finish() == "/done"
    assert re.search(r'id="code">[0-9A-F]{12}<', rater.get("/done").text)
    assert rater.get("/task").headers["location"] == "/done"


def test_nobody_takes_part_without_consent(visit: Visit) -> None:
    rater = visit()
    assert rater.begin(agree="no").status_code == 400
    for page in ("/task", "/instructions"):
        assert rater.get(page).headers["location"] == "/"


def test_looking_at_the_consent_page_takes_no_place(visit: Visit, study: Study) -> None:
    for _ in range(9):
        visit().get("/")
    assert saved_raters(study) == []


def test_tasks_follow_the_plan(visit: Visit, study: Study) -> None:
    rater = visit()
    rater.begin()
    rater.finish()
    (record,) = saved_raters(study)
    assert [task.shown.set_id for task in record.handed_in] == [trial.set_id for trial in study.plan.places[0]]


def test_a_change_is_there_after_a_reload(visit: Visit, pair: dict[str, Any]) -> None:
    rater = visit()
    rater.begin()
    unfinished = {"pairs": [pair, {"first": pair["first"], "second": None}], "none": False, "seconds": 3.5}
    kept = rater.send("/save", rater.task(), unfinished)
    assert kept.json() == {"revision": 1, "next": "/task"}
    task = rater.task()
    assert (task["revision"], task["answer"]) == (1, unfinished)


def test_a_change_sent_twice_is_kept_once(visit: Visit, pair: dict[str, Any]) -> None:
    rater = visit()
    rater.begin()
    task = rater.task()
    for _ in range(2):
        assert rater.send("/save", task, {"pairs": [pair]}).json()["revision"] == 1
    for _ in range(2):
        assert rater.send("/submit", task, {"pairs": [pair]}, revision=1).json()["revision"] == 2


def test_a_change_from_a_stale_window_is_refused(visit: Visit, pair: dict[str, Any]) -> None:
    rater = visit()
    rater.begin()
    task = rater.task()
    rater.send("/save", task, NONE)
    refused = rater.send("/save", task, {"pairs": [pair]})
    assert (refused.status_code, refused.json()["error"]) == (409, "This task was changed in another window.")
    assert rater.task()["answer"]["none"]


def test_what_was_handed_in_stays_as_it_is(visit: Visit, pair: dict[str, Any], study: Study) -> None:
    rater = visit()
    rater.begin()
    task = rater.task()
    rater.send("/submit", task, NONE)
    for path, revision in (("/save", 0), ("/save", 1), ("/submit", 0), ("/submit", 1)):
        assert rater.send(path, task, {"pairs": [pair]}, revision=revision).status_code == 409
    assert [len(task.pairs) for task in saved_raters(study)[0].handed_in] == [0]


@pytest.mark.parametrize("answer", [{}, {"pairs": [], "none": False}, {"none": False, "seconds": 9.0}])
def test_an_empty_answer_cannot_be_handed_in(visit: Visit, answer: dict[str, Any]) -> None:
    rater = visit()
    rater.begin()
    assert rater.send("/submit", rater.task(), answer).status_code == 422


def test_an_unfinished_pair_cannot_be_handed_in(visit: Visit, pair: dict[str, Any]) -> None:
    rater = visit()
    rater.begin()
    assert rater.send("/submit", rater.task(), {"pairs": [{"first": pair["first"]}]}).status_code == 422


def test_a_rectangle_on_a_view_that_there_is_not_is_refused(visit: Visit, pair: dict[str, Any]) -> None:
    rater = visit()
    rater.begin()
    pair["second"]["view"] = 4
    assert rater.send("/save", rater.task(), {"pairs": [pair]}).status_code == 422


def test_a_task_belongs_to_its_rater(visit: Visit, pair: dict[str, Any]) -> None:
    owner, other = visit(), visit()
    owner.begin()
    other.begin()
    task = owner.task()
    other.task()
    assert other.send("/save", task, {"pairs": [pair]}).status_code == 404
    assert other.get(f"/image/{task['task']}/0").status_code == 404
    assert owner.get(f"/image/{task['task']}/0").status_code == 200


def test_views_are_shown_as_pictures_that_may_be_kept(visit: Visit, study: Study) -> None:
    rater = visit()
    rater.begin()
    task = rater.task()
    shown = study.plan.by_id[study.plan.places[0][0].set_id]
    for view in range(4):
        answer = rater.get(f"/image/{task['task']}/{view}")
        assert answer.content == study.image(shown, view).read_bytes()
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["cache-control"].startswith("private")
        assert not {"last-modified", "etag"} & answer.headers.keys()
    for wrong in ("4", "-1", "x", "../../plan.json"):
        assert rater.get(f"/image/{task['task']}/{wrong}").status_code == 404


def test_a_task_page_tells_nothing_of_the_method(visit: Visit, study: Study) -> None:
    rater = visit()
    rater.begin()
    page = rater.get("/task")
    secrets = {*study.plan.methods, "vampire", "set-0", "face"} | {
        name for item in study.plan.sets for name in item.images
    }
    assert not [secret for secret in secrets if secret in page.text + str(page.headers)]


def test_a_repeat_looks_like_any_other_task(open_study: Any, make_study: Any) -> None:
    study = make_study(repeats=1)
    rater = open_study(study)()
    rater.begin()
    tokens = set()
    for _ in range(4):
        task = rater.task()
        tokens.add(task["task"])
        rater.send("/submit", task, NONE)
    assert len(tokens) == 4


def test_places_are_given_in_turn_until_none_is_left(visit: Visit, study: Study) -> None:
    for _ in study.plan.places:
        assert visit().begin().status_code == 303
    late = visit().begin()
    assert late.status_code == 409
    assert "All places of this study are taken" in late.text
    assert sorted(rater.place for rater in saved_raters(study)) == [0, 1, 2, 3]


def test_a_place_whose_rater_stopped_is_given_again(
    visit: Visit, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    finisher, stopper = visit(), visit()
    finisher.begin()
    finisher.finish()
    for rater in (stopper, visit(), visit()):
        rater.begin()
    assert visit().begin().status_code == 409
    import time

    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 60 * 121)
    assert [visit().begin().status_code for _ in range(4)] == [303, 303, 303, 409]
    assert sorted(rater.place for rater in saved_raters(study)) == [0, 1, 1, 2, 2, 3, 3]
    assert stopper.finish() == "/done"


def test_a_participant_id_is_kept_and_comes_back_in_the_export(visit: Visit, study: Study) -> None:
    rater = visit()
    rater.begin("?PROLIFIC_PID=5f3a&STUDY_ID=s&SESSION_ID=abc")
    assert [record.name for record in saved_raters(study)] == ["5f3a"]


def test_the_same_session_goes_on_in_another_browser(visit: Visit, study: Study) -> None:
    query = "?PROLIFIC_PID=5f3a&SESSION_ID=abc"
    first, second = visit(), visit()
    first.begin(query)
    first.send("/submit", first.task(), NONE)
    assert second.begin(query).headers["location"] == "/task"
    assert second.get("/task").text.count("Set 2") >= 1
    assert first.get("/task").headers["location"] == "/"
    assert len(saved_raters(study)) == 1


@pytest.mark.parametrize("query", ["?PROLIFIC_PID=5f3a&SESSION_ID=other", "?PROLIFIC_PID=5f3a", "?PROLIFIC_PID=5F3A"])
def test_nobody_takes_part_twice_or_in_another_s_name(visit: Visit, study: Study, query: str) -> None:
    visit().begin("?PROLIFIC_PID=5f3a&SESSION_ID=abc")
    again = visit().begin(query)
    assert again.status_code == 409
    assert len(saved_raters(study)) == 1


def test_the_next_participant_at_the_same_computer_is_another(visit: Visit, study: Study) -> None:
    computer = visit()
    computer.begin("?PROLIFIC_PID=anna")
    computer.finish()
    assert computer.begin("?PROLIFIC_PID=ben").status_code == 303
    assert computer.finish() == "/done"
    assert [rater.name for rater in saved_raters(study)] == ["anna", "ben"]


def test_a_rater_who_comes_back_goes_on(visit: Visit) -> None:
    rater = visit()
    rater.begin("?PROLIFIC_PID=anna&SESSION_ID=1")
    assert rater.get("/").headers["location"] == "/task"
    assert rater.get("/?PROLIFIC_PID=anna&SESSION_ID=1").headers["location"] == "/task"


@pytest.mark.parametrize("bad", ["a b", "=1+1", "<script>", "-x", "x" * 65, "a,b", "ü"])
def test_an_id_that_is_none_is_refused(visit: Visit, bad: str) -> None:
    assert visit().get("/", params={"PROLIFIC_PID": bad}).status_code == 400
    rater = visit()
    assert rater.begin(participant=bad).status_code == 400


def test_a_study_may_insist_on_an_id(open_study: Any, study: Study) -> None:
    from survey.study import read_study

    study.path.write_text(study.path.read_text().replace("id_required = false", "id_required = true"))
    visit = open_study(read_study(study.path))
    assert visit().get("/").status_code == 403
    assert visit().begin("?PROLIFIC_PID=anna", participant="").status_code == 403
    assert visit().begin("?PROLIFIC_PID=anna").status_code == 303


def test_the_end_leads_back_with_the_study_s_code(open_study: Any, study: Study) -> None:
    from survey.study import read_study

    back = "https://app.example.com/complete?cc={code}"
    text = (
        study.path.read_text()
        .replace('code = ""', 'code = "C1ABC"')
        .replace('return_url = ""', f'return_url = "{back}"')
    )
    study.path.write_text(text)
    rater = open_study(read_study(study.path))()
    rater.begin()
    rater.finish()
    assert 'href="https://app.example.com/complete?cc=C1ABC"' in rater.get("/done").text


def test_the_code_is_not_given_before_the_end(visit: Visit) -> None:
    rater = visit()
    rater.begin()
    rater.send("/submit", rater.task(), NONE)
    assert rater.get("/done").headers["location"] == "/task"
