"""A package with a method, a scene and a metric: all three take part in a run as if they were ours."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from baselines.registry import load_method, parse_variant
from benchmark import cells
from benchmark.analysis import analyse
from benchmark.compare import check_run, compare_runs
from benchmark.extended import find_any_edit, other_scores
from benchmark.findings import difference_table
from benchmark.options import RunOptions
from benchmark.references import make_reference
from benchmark.runner import run_benchmark
from benchmark.store import Run, StoredCell, read_run
from benchmark.tables import summary
from mix2mix import extensions
from mix2mix.cli import main
from mix2mix.commands.scenes import MiniatureWorld
from mix2mix.edit import Edit
from mix2mix.errors import InputError
from reports.page import write_report

SPECS = """
from baselines.api import MethodSpec
from benchmark.extended import MetricSpec, SceneSpec
from mix2mix.edit import Edit

SEPIA = MethodSpec("sepia", "Sepia", None, (), "half the blue", "theirs.work:Sepia")
EDITS = (Edit("Make it winter", "A garden", "A garden in winter"),)
GARDEN = SceneSpec("garden", "theirs.work:Garden", EDITS)
WARMTH = MetricSpec("warmth", "Warmth", "lower", "red over blue", "theirs.work:warmth", 0.05)
"""
WORK = """
import stub_world
from baselines.api import EditResult

class Sepia:
    def edit(self, request):
        views = request.scene.images.clone()
        views[:, 2] /= 2
        return EditResult(views, {"edit": 0.5})

class Garden:
    def scene(self, views, size):
        return stub_world.WallWorld().scene("garden", views)

    def truth(self, instruction, views, size):
        return None

def warmth(before, after, edit):
    if edit.instruction == "Break":
        raise ZeroDivisionError("no blue")
    if edit.instruction == "Say nothing":
        return []
    return (after[:, 0].mean((1, 2)) / after[:, 2].mean((1, 2))).tolist()
"""
POINTS = """
[mix2mix.methods]
sepia = theirs.specs:SEPIA
[mix2mix.scenes]
garden = theirs.specs:GARDEN
[mix2mix.metrics]
warmth = theirs.specs:WARMTH
"""


def forget() -> None:
    """Nothing found before is known any more."""
    extensions._entry_points.cache_clear()
    cells.source_digests.cache_clear()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The package, installed."""
    files = {
        "theirs/__init__.py": "",
        "theirs/specs.py": SPECS,
        "theirs/work.py": WORK,
        "theirs-1.2.dist-info/METADATA": "Metadata-Version: 2.1\nName: theirs\nVersion: 1.2\n",
        "theirs-1.2.dist-info/entry_points.txt": POINTS,
    }
    for name, text in files.items():
        (tmp_path / "site" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "site" / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.delenv("MIX2MIX_METHODS", raising=False)
    forget()
    yield tmp_path / "site"
    forget()
    for name in [name for name in sys.modules if name.partition(".")[0] == "theirs"]:
        del sys.modules[name]


@pytest.fixture
def options(package: Path, make_options: Callable[..., RunOptions]) -> RunOptions:
    """A run of their method on their scene."""
    made = make_options({}, scenes=MiniatureWorld(128), load_method=load_method)
    edits = (find_any_edit("garden/make-it-winter"),)
    return replace(made, variants=(parse_variant("sepia"),), edits=edits)


def test_method_scene_and_metric_take_part_in_a_run(options: RunOptions) -> None:
    (result,) = run_benchmark(options).results
    assert (result.status, result.reason, result.identity.scene) == ("ok", "", "garden")
    assert result.metrics is not None
    warmth = result.metrics.extra["warmth"]
    assert (warmth.title, warmth.better, warmth.origin) == ("Warmth", "lower", "theirs 1.2")
    assert len(warmth.values) == 2
    assert warmth.mean == pytest.approx(sum(warmth.values) / 2)
    assert run_benchmark(options).kept == 1


def test_their_metric_is_a_column_of_every_table_with_its_origin(options: RunOptions) -> None:
    (result,) = run_benchmark(options).results
    assert result.metrics is not None
    mean, run = result.metrics.extra["warmth"].mean, read_run(options.output)
    assert "Warmth ↓" in summary(run)
    assert "Warmth is a metric of theirs 1.2." in summary(run)
    assert ",extra_warmth\n" in (options.output / "table.csv").read_text().partition("sepia")[0]
    assert f",{mean!r}\n" in (options.output / "table.csv").read_text()
    assert [one.mean for one in analyse(run).summaries if one.metric == "extra_warmth"] == [mean]
    page = write_report(options.output, options.output / "report.html").read_text()
    assert page.count("Warmth\u00a0↓<") == 2  # the scores of methods, and of cells
    assert "Warmth is a metric of theirs 1.2." in page


def test_their_metric_is_tested_and_compared(package: Path, options: RunOptions) -> None:
    both = replace(options, variants=(*options.variants, parse_variant("unedited")))
    run_benchmark(both)
    run = read_run(both.output)
    (found,) = (one for one in analyse(run).differences if one.metric == "extra_warmth")
    assert (found.first, found.second, found.cells) == ("sepia", "unedited", 1)
    assert found.difference == pytest.approx(analyse_mean(run, "sepia") - analyse_mean(run, "unedited"))
    table = difference_table(run, [found])
    assert table.head[-1] == "Warmth, p"
    assert table.notes == ("Warmth is a metric of theirs 1.2.",)
    assert "Warmth ↓" in write_report(both.output, both.output / "report.html").read_text().partition("Every pair")[2]


@pytest.mark.parametrize(("by", "verdict"), [(0.04, "same"), (0.06, "worse"), (-0.06, "improved")])
def test_runs_are_compared_by_their_metric_s_own_tolerance(options: RunOptions, by: float, verdict: str) -> None:
    run_benchmark(options)
    before = read_run(options.output)
    (change,) = (one for one in compare_runs(before, warmer(before, by)).changes if one.metric == "extra_warmth")
    assert (change.title, change.tolerance, change.verdict) == ("Warmth ↓", 0.05, verdict)


def test_a_reference_keeps_their_metric(options: RunOptions) -> None:
    run_benchmark(replace(options, seeds=(0, 1)))
    run = read_run(options.output)
    reference = make_reference([run])
    assert reference.cells[0].metrics["extra_warmth"].tolerance == pytest.approx(0.05)
    (change,) = (one for one in check_run(warmer(run, 0.3), reference).changes if one.metric == "extra_warmth")
    assert change.verdict == "worse"


def warmer(run: Run, by: float) -> Run:
    """The run with so much more of their metric in every cell."""

    def changed(cell: StoredCell) -> StoredCell:
        assert cell.result.metrics is not None
        scores = cell.result.metrics.extra["warmth"]
        extra = {"warmth": scores.model_copy(update={"mean": scores.mean + by})}
        metrics = cell.result.metrics.model_copy(update={"extra": extra})
        return replace(cell, result=cell.result.model_copy(update={"metrics": metrics}))

    return replace(run, cells=tuple(map(changed, run.cells)))


def analyse_mean(run: Run, method: str) -> float:
    (found,) = (one for one in analyse(run).summaries if (one.method, one.metric) == (method, "extra_warmth"))
    return found.mean


def test_their_sources_are_part_of_what_a_cell_depends_on(options: RunOptions, package: Path) -> None:
    run_benchmark(options)
    (package / "theirs" / "work.py").write_text(WORK + "\n# changed\n")
    assert run_benchmark(options).kept == 0


@pytest.mark.parametrize("instruction", ["Break", "Say nothing"])
def test_a_metric_that_fails_is_named(package: Path, fakes: SimpleNamespace, instruction: str) -> None:
    views = fakes.WallWorld().scene("garden", 2).images
    with pytest.raises(RuntimeError, match=r"metric warmth of theirs 1\.2: (ZeroDivision|Value)Error: "):
        other_scores(views, views, Edit(instruction, "", ""))


def test_an_edit_that_their_scene_has_not_is_told(package: Path) -> None:
    with pytest.raises(InputError, match=r"edit of garden: got 'make-it-summer'; expected one of make-it-winter"):
        find_any_edit("garden/make-it-summer")


@pytest.mark.parametrize(
    ("kind", "key", "name"), [("methods", "id", "sepia"), ("scenes", "name", "garden"), ("metrics", "id", "warmth")]
)
def test_all_are_listed_with_their_origin(
    package: Path, capsys: pytest.CaptureFixture[str], kind: str, key: str, name: str
) -> None:
    assert main(["list", kind, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["origin"] for row in rows if row[key] == name] == ["theirs 1.2"]
    assert {row["origin"] for row in rows if row[key] != name} == {"mix2mix"}


def test_listing_imports_no_torch(package: Path) -> None:
    find = f"import sys; sys.path.insert(0, {str(package)!r})"
    code = f"{find}; from mix2mix.commands.listing import KINDS; [kind() for kind in KINDS.values()]"
    command = [sys.executable, "-c", f"{code}; sys.exit('torch' in sys.modules)"]
    assert subprocess.run(command, check=False).returncode == 0
