"""``mix2mix survey``: analyze, counts, power and simulate, in-process."""

import argparse
import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mix2mix.commands import survey
from mix2mix.errors import InputError

PUBLISHED = ("--wins", "15/20", "--consistent", "65/100,34/100", "--inconsistent", "13/100,31/100")
Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `mix2mix survey` in an empty folder and gives what it printed."""
    monkeypatch.chdir(tmp_path)
    parser = argparse.ArgumentParser()
    survey.add_to(parser.add_subparsers())

    def call(*arguments: str) -> str:
        chosen = parser.parse_args(["survey", *arguments])
        assert chosen.run(chosen) == 0
        return capsys.readouterr().out

    return call


def test_the_published_counts_give_the_published_p_values(run: Run) -> None:
    tests = json.loads(run("counts", *PUBLISHED, "--json"))["tests"]
    assert (round(tests["wins"]["p_one_sided"], 6), round(tests["wins"]["p_two_sided"], 6)) == (0.020695, 0.041389)
    consistent, inconsistent = tests["consistent"], tests["inconsistent"]
    assert (round(consistent["p_two_sided"], 6), round(consistent["p_one_sided"], 6)) == (1.9e-5, 1.0e-5)
    assert (round(inconsistent["p_two_sided"], 6), round(inconsistent["p_one_sided"], 6)) == (0.003405, 0.001703)


def test_counts_are_shown_as_a_table(run: Run) -> None:
    lines = run("counts", *PUBLISHED).splitlines()
    assert lines[-3].split()[-2:] == ["0.020695", "0.041389"]
    assert lines[-1].split()[-4:] == ["13/100,", "31/100", "0.001703", "0.003405"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--wins", "21/20"),
        ("--wins", "15"),
        ("--consistent", "65/100"),
        ("--consistent", "1/2,3/4,5/6"),
        ("--wins", "0/0"),
    ],
)
def test_counts_that_cannot_be_are_told(
    run: Run, capsys: pytest.CaptureFixture[str], arguments: tuple[str, str]
) -> None:
    with pytest.raises(SystemExit):
        run("counts", *arguments)
    assert f"argument {arguments[0]}: " in capsys.readouterr().err


def test_without_counts_there_is_nothing_to_test(run: Run) -> None:
    with pytest.raises(InputError, match="--wins 15/20"):
        run("counts")


def test_a_simulated_study_is_analysed_and_says_that_it_is_simulated(run: Run) -> None:
    run("simulate", "--output", "ratings.csv", "--seed", "3")
    text = run("analyze", "ratings.csv")
    assert text.startswith("reads   ratings.csv\n\nNotes\n-----\n* SIMULATED: 200 of 200 ratings")
    assert "i-mix2mix against dge: tests on 20 scenes" in text
    document = json.loads(run("analyze", "ratings.csv", "--json"))
    assert document["simulated"] is True
    assert document["table2"]["i-mix2mix"]["mean_pairs"] == pytest.approx(1.34, abs=0.4)
    assert document["tests"]["sign_flip"]["exact"] is True
    assert document["tests"]["sign_flip_sampled"]["n_resamples"] == 20_000


def test_methods_are_compared_in_the_order_given(run: Run) -> None:
    run("simulate", "--output", "ratings.csv", "--methods", "x,y,z", "--means", "1,2,3")
    document = json.loads(run("analyze", "ratings.csv", "--methods", "z,x", "--json"))
    assert document["methods"] == ["z", "x"]
    assert document["tests"]["sign_flip"]["mean_difference"] > 0.5
    assert document["data"]["ratings_left_out"] == {"y": 100}


def test_the_analysis_is_saved(run: Run, tmp_path: Path) -> None:
    run("simulate", "--output", "ratings.csv")
    printed = run("analyze", "ratings.csv", "--output", "analysis", "--json")
    folder = tmp_path / "analysis"
    assert {path.name for path in folder.iterdir()} == {"analysis.json", "analysis.md", "table2.csv", "table2.tex"}
    assert (folder / "analysis.json").read_text() == printed
    with (folder / "table2.csv").open() as stream:
        assert [row["method"] for row in csv.DictReader(stream)] == ["i-mix2mix", "dge"]
    assert f"saved in {folder}" in run("analyze", "ratings.csv", "--output", "analysis")


def test_faults_of_a_file_are_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("set_id,scene,edit,method,rater_id,n_pairs\ns,face,e,dge,r,-1\n")
    with pytest.raises(InputError, match=r"1 fault;.*\n  line 2, n_pairs: got '-1'; expected a whole number"):
        run("analyze", "ratings.csv", "--output", "analysis")
    assert not (tmp_path / "analysis").exists()


def test_a_simulation_that_cannot_be_or_be_written_is_told(run: Run) -> None:
    with pytest.raises(InputError, match="a mean for every method"):
        run("simulate", "--means", "1,2,3")
    with pytest.raises(InputError, match="a simulated study's scenes: got 0"):
        run("simulate", "--scenes", "0")
    with pytest.raises(InputError, match="No such file"):
        run("simulate", "--output", "none/ratings.csv")


def test_power_by_effect(run: Run) -> None:
    size = ("--scenes", "8", "--raters", "3", "--studies", "40")
    document = json.loads(run("power", *size, "--effect", "-0.1", "-1.9", "--json"))
    small, large = (row["tests"]["sign_flip"]["power"] for row in document["results"])
    assert small < 0.4 < 0.8 < large
    assert document["simulated"] is True
    assert "effect -1.9" in run("power", *size, "--effect", "-1.9")
    with pytest.raises(InputError, match="mean pairs"):
        run("power", "--effect", "-5")


def test_a_pool_has_about_ten_tasks_for_each_rater_and_enough_for_a_set(run: Run, tmp_path: Path) -> None:
    run("simulate", "--output", "ratings.csv")
    run("simulate", "--output", "small.csv", "--scenes", "2")
    for name, raters in (("ratings.csv", 20), ("small.csv", 5)):
        with (tmp_path / name).open(encoding="utf-8") as stream:
            assert len({row["rater_id"] for row in csv.DictReader(stream)}) == raters
