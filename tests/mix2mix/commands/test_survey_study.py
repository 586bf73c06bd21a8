"""The commands `survey create`, `serve` and `export`, as typed."""

import argparse
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mix2mix.commands import survey_study
from mix2mix.errors import InputError
from survey.study import read_study


def run(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    survey_study.add_to(parser.add_subparsers())
    chosen = parser.parse_args(list(map(str, arguments)))
    status: int = chosen.run(chosen)
    return status


@pytest.fixture
def views(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    folders = [f"{method}/face/{edit}" for method in ("ours", "theirs") for edit in ("one", "two", "three")]
    for folder in ("original/face", *folders):
        (tmp_path / "views" / folder).mkdir(parents=True)
        for view in range(2):
            pixels = generator.integers(0, 256, (24, 24, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "views" / folder / f"view_{view}.png")
    return tmp_path / "views"


def test_a_study_is_made_and_told(views: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a study.toml"
    assert run("create", views, "--methods", "ours,theirs", "--output", path) == 0
    told = capsys.readouterr().out
    assert "sets: 6 (3 edits by ours, theirs), 5 ratings each" in told
    assert "raters: 10, 6 tasks each" in told
    assert f"survey serve {path}" in told
    study = read_study(path)
    assert study.plan.methods == ("ours", "theirs")


def test_its_size_may_be_chosen(views: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    size = ["--raters-per-set=3", "--tasks-per-rater=2", "--attention=0", "--repeats=0", "--seed=7", "--title=Fit?"]
    run("create", views, "--methods", "ours,theirs", "--output", tmp_path / "study.toml", *size)
    assert "raters: 10, 1 to 2 tasks each" in capsys.readouterr().out
    study = read_study(tmp_path / "study.toml")
    assert (study.plan.seed, study.plan.raters_per_set, study.settings.title) == (7, 3, "Fit?")


def test_few_tasks_leave_no_room_for_a_repeat(views: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("create", views, "--methods", "ours,theirs", "--output", tmp_path / "study.toml", "--tasks-per-rater=2")
    assert "raters: 16, 3 to 4 tasks each" in capsys.readouterr().out


def test_what_is_left_out_is_told(views: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (views / "theirs" / "face" / "one").rename(tmp_path / "away")
    run("create", views, "--methods", "ours,theirs", "--output", tmp_path / "study.toml")
    assert "left out: face, One: not by theirs" in capsys.readouterr().out


def test_a_study_that_nobody_began_has_nothing_to_export(views: Path, tmp_path: Path) -> None:
    run("create", views, "--methods", "ours,theirs", "--output", tmp_path / "study.toml")
    with pytest.raises(InputError, match="survey serve"):
        run("export", tmp_path / "study.toml")


def test_the_export_is_written_beside_the_study(
    views: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from survey.server.store import prepare

    run("create", views, "--methods", "ours,theirs", "--output", tmp_path / "study.toml")
    prepare(read_study(tmp_path / "study.toml"))
    assert run("export", tmp_path / "study.toml", "--checks", tmp_path / "checks.csv") == 0
    assert f"ratings: 0 in {tmp_path / 'study-ratings.csv'}" in capsys.readouterr().out
    assert (tmp_path / "study-ratings.csv").read_text().startswith("set_id,scene,edit,method")
    assert (tmp_path / "checks.csv").read_text().startswith("rater_id,set_id,kind")


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_is_a_number(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("serve", "study.toml", "--port", port)
    assert f"got '{port}'; expected a port" in capsys.readouterr().err


def test_a_study_that_is_missing_cannot_be_served(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="survey create"):
        run("serve", tmp_path / "study.toml")
