"""Random damage to the folder of a run: each is detected and told, and the report shows what is left.

``MIX2MIX_CORRUPTIONS=500 python -m pytest tests/benchmark/test_corruptions.py`` does so many.
"""

import os
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmark.options import RunOptions
from benchmark.runner import run_benchmark
from benchmark.store import read_run
from mix2mix.errors import InputError
from reports.page import write_report

CORRUPTIONS = int(os.environ.get("MIX2MIX_CORRUPTIONS", "40"))

NOTICES = {
    "cells": re.compile(
        "Damaged cells, left out: 1|Planned cells that were not run yet: 1|Pictures that are missing or damaged: 1"
    ),
    "originals": re.compile("Scenes whose original views are damaged: 1"),
    "run.json": re.compile("run.json is damaged"),
}
"""What a page says of damage, by where it is."""

Damage = Callable[[Path, random.Random], None]


@pytest.fixture
def whole(make_options: Callable[..., RunOptions], fakes: SimpleNamespace) -> Path:
    """A finished run of two methods, without the tables, which are made from it."""
    options = make_options({"a": fakes.Inverter(), "b": fakes.Inverter()})
    run_benchmark(options)
    for path in options.output.glob("table*"):
        path.unlink()
    return options.output


def truncate(path: Path, draw: random.Random) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: draw.randrange(len(data))])


def flip(path: Path, draw: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    path.write_bytes(data)


def overwrite(path: Path, draw: random.Random) -> None:
    data = bytearray(path.read_bytes())
    start = draw.randrange(len(data))
    new = draw.randbytes(draw.randint(1, 40))
    if bytes(data[start : start + len(new)]) == new:
        new = b"\0" + new
    data[start : start + len(new)] = new
    path.write_bytes(data)


def zero(path: Path, draw: random.Random) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def lose(path: Path, draw: random.Random) -> None:
    path.unlink()


def lose_folder(path: Path, draw: random.Random) -> None:
    shutil.rmtree(path.parent) if path.parent.name.startswith("seed-") else path.unlink()


def make_a_folder(path: Path, draw: random.Random) -> None:
    path.unlink()
    path.mkdir()


def double(path: Path, draw: random.Random) -> None:
    path.write_bytes(2 * path.read_bytes())


KINDS: tuple[Damage, ...] = (truncate, flip, flip, overwrite, zero, lose, lose_folder, make_a_folder, double)


def told(folder: Path) -> tuple[str, ...]:
    """The names of everything that a run says is damaged or missing."""
    try:
        run = read_run(folder)
    except InputError as error:
        return tuple(re.findall(r"run\.json(?= is not valid| cannot be read|; expected)", str(error)))
    return (*(name for name, _ in (*run.broken, *run.damaged)), *run.missing)


def test_each_damage_is_told_and_the_rest_is_shown(whole: Path, tmp_path: Path) -> None:
    files = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
    assert len(files) == 4 * 5 + 2 * 3 + 1  # cells, originals with their sums, the record
    assert told(whole) == ()
    draw, kinds = random.Random(0), Counter[str]()
    for _ in range(CORRUPTIONS):
        run = tmp_path / "damaged"
        shutil.copytree(whole, run)
        victim, damage = draw.choice(files), draw.choice(KINDS)
        damage(run / victim, draw)
        (name,) = told(run)
        assert victim.as_posix().startswith(name), f"{damage.__name__} of {victim}"
        page = write_report(run, tmp_path / "report.html").read_text()
        assert NOTICES[victim.parts[0]].search(page), f"{damage.__name__} of {victim}"
        assert page.count("data:image/") >= 16  # of twenty: a cell has four
        kinds[damage.__name__] += 1
        shutil.rmtree(run)
    assert len(kinds) == len(set(KINDS))


def test_damage_everywhere_at_once_leaves_a_message(whole: Path) -> None:
    draw = random.Random(1)
    for path in sorted(path for path in whole.rglob("*.json") if path.parent != whole):
        truncate(path, draw)
    assert read_run(whole).cells == ()
    assert len(read_run(whole).broken) == 4
    assert "Damaged cells, left out: 4" in write_report(whole, whole / "report.html").read_text()
