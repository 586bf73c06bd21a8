"""Tests of counts alone: the published ones."""

import json

from benchmark.formats import as_text
from survey.counts import count_tests, counts_table
from survey.exact import Share

WINS = Share(15, 20)
CONSISTENT = Share(65, 100), Share(34, 100)
INCONSISTENT = Share(13, 100), Share(31, 100)


def test_the_published_counts_give_the_published_p_values() -> None:
    tests = count_tests(WINS, CONSISTENT, INCONSISTENT).tests
    assert tests.wins is not None
    assert tests.consistent is not None
    assert tests.inconsistent is not None
    assert (round(tests.wins.p_one_sided, 6), round(tests.wins.p_two_sided, 6)) == (0.020695, 0.041389)
    assert (round(tests.consistent.p_two_sided, 6), round(tests.consistent.p_one_sided, 6)) == (1.9e-5, 1.0e-5)
    assert (round(tests.inconsistent.p_two_sided, 6), round(tests.inconsistent.p_one_sided, 6)) == (0.003405, 0.001703)


def test_they_stand_under_the_names_that_an_analysis_has() -> None:
    document = json.loads(count_tests(WINS, CONSISTENT, INCONSISTENT).model_dump_json(exclude_none=True))
    assert document["tests"]["wins"]["losses"] == 5
    assert document["tests"]["consistent"].keys() == {"counts", "p_one_sided", "p_two_sided"}
    assert document["tests"]["inconsistent"]["counts"] == [[13, 100], [31, 100]]


def test_only_what_was_given_is_shown() -> None:
    lines = as_text(counts_table(count_tests(wins=WINS))).splitlines()
    assert len(lines) == 5
    assert lines[-1].split() == ["wins,", "sign", "test", "15", "won,", "5", "lost", "0.020695", "0.041389"]
