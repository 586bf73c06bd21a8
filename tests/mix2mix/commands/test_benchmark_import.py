"""``mix2mix benchmark import``, as a lab would use it, with a bundle that scores nothing."""

import argparse
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.store import read_run
from mix2mix.commands import benchmark_import
from mix2mix.errors import InputError


def call(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    benchmark_import.add_to(parser.add_subparsers())
    chosen = parser.parse_args(["import", *map(str, arguments), "--weights", "random", "--device", "cpu"])
    chosen.command_line = "mix2mix benchmark import"
    status: int = chosen.run(chosen)
    return status


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two views of noise, before and after an edit."""
    rng = np.random.default_rng(0)
    for index in range(2):
        view = rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)
        for place in ("original/garden", "ours/garden/make-it-winter"):
            (tmp_path / "theirs" / place).mkdir(parents=True, exist_ok=True)
            Image.fromarray(view).save(tmp_path / "theirs" / place / f"view_{index}.png")
    return tmp_path / "theirs"


def test_a_folder_becomes_a_run_that_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder.parent)
    assert call("theirs") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["reads   theirs, bundle mini", "writes  runs/imported-theirs"]
    assert lines[2] == "[1/1] ours · garden · Make it winter: not scored: the bundle's weights are random"
    assert lines[-2:] == ["imported: 1 cells (ours 1)", "`mix2mix report runs/imported-theirs` makes their page"]
    assert read_run(Path("runs/imported-theirs")).record.budget == "imported"


def test_a_fault_leaves_nothing_behind(folder: Path, tmp_path: Path) -> None:
    (folder / "ours/garden/make-it-winter/view_1.png").unlink()
    with pytest.raises(InputError, match=r"got view_0\.png; expected two or more"):
        call(folder, "--output", tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["theirs"]
