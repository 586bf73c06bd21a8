"""References: what several runs give, how far a new one may lie from it, and which runs are fit for one."""

from pathlib import Path
from typing import Any

import pytest

from benchmark import references
from benchmark.references import ReferenceCell, expected, find_reference, main, make_reference, read_reference
from benchmark.results import CellResult, RunRecord
from benchmark.store import Run, StoredCell, key_of, write_cell, write_record
from mix2mix.errors import InputError


def result(example: CellResult, seed: int, dir_: float, **changes: Any) -> CellResult:
    """The example with that seed and Dir."""
    assert example.metrics is not None
    identity = example.identity.model_copy(update={"seed": seed})
    scores = example.metrics.clip_dir.model_copy(update={"mean": dir_})
    metrics = example.metrics.model_copy(update={"clip_dir": scores, "background": None})
    base = {"identity": identity, "metrics": metrics, "views": (), "key": key_of(identity)}
    return example.model_copy(update=base | changes)


def run_of(record: RunRecord, *results: CellResult) -> Run:
    """A run of these cells."""
    return Run(Path("run"), record, tuple(StoredCell(Path("run"), one) for one in results), (), 0)


@pytest.fixture
def runs(example: CellResult, example_run: RunRecord) -> list[Run]:
    """Two runs with three seeds: Dir differs by 0.02 between runs, by 0.1 from seed to seed."""
    return [
        run_of(example_run, *(result(example, seed, 0.3 + 0.1 * seed + shift) for seed in range(3)))
        for shift in (0.0, 0.02)
    ]


def test_a_reference_keeps_means_over_runs_for_each_seed_and_over_seeds(runs: list[Run]) -> None:
    reference = make_reference(runs)
    (cell,) = reference.cells
    assert (reference.bundle, reference.budget, reference.runs) == ("mini", "tiny", 2)
    assert (cell.group, cell.seeds, cell.runs) == (("inverter", "face", "give-him-a-venetian-mask"), (0, 1, 2), 2)
    assert cell.metrics["clip_dir"].by_seed == (0.31, 0.41, 0.51)
    assert cell.metrics["clip_dir"].mean == 0.41


def test_tolerances_come_from_the_spread_between_runs_and_between_seeds(runs: list[Run]) -> None:
    (cell,) = make_reference(runs).cells
    dir_ = cell.metrics["clip_dir"]
    assert dir_.seed_tolerance == pytest.approx(4 * 0.02 / 2**0.5 * 1.5**0.5, abs=1e-6)  # two runs
    assert dir_.tolerance == pytest.approx(4 * 0.1 * (4 / 3) ** 0.5, abs=1e-6)  # three seeds
    assert cell.metrics["clip_sim"].seed_tolerance == cell.metrics["clip_sim"].tolerance == 0.01  # the floor


def test_a_seed_of_the_reference_is_expected_at_its_own_value_and_any_other_at_the_mean(runs: list[Run]) -> None:
    (cell,) = make_reference(runs).cells
    dir_ = cell.metrics["clip_dir"]
    assert cell.expect("clip_dir", 1) == (0.41, dir_.seed_tolerance)
    assert cell.expect("clip_dir", 7) == cell.expect("clip_dir", None) == (0.41, dir_.tolerance)


def test_metrics_that_a_cell_has_not_and_times_are_left_out(runs: list[Run]) -> None:
    (cell,) = make_reference(runs).cells
    assert set(cell.metrics) == {
        "clip_cons",
        "clip_sim",
        "clip_dir",
        "clip_cons_consecutive",
        "reprojection",
        "relative_error",
    }
    assert cell.expect("background", 0) is None


def test_with_one_run_a_seed_the_spread_of_seeds_holds_for_each() -> None:
    found = expected([[0.2], [0.4]], floor=0.01)
    assert found.seed_tolerance == found.tolerance
    assert found.seed_tolerance > 0.4


def test_with_one_seed_nothing_is_known_of_others() -> None:
    found = expected([[0.2, 0.2]], floor=0.01)
    assert (found.tolerance, found.seed_tolerance) == (None, 0.01)
    assert found.of_seed(None) is None


def test_one_value_shows_no_spread(example: CellResult, example_run: RunRecord) -> None:
    with pytest.raises(InputError, match="got one ok cell; expected two cells or more"):
        make_reference([run_of(example_run, result(example, 0, 0.3))])


@pytest.mark.parametrize(
    ("what", "change"),
    [("budget", {"budget": "full"}), ("catalogue", {"catalogue": "e" * 64})],
)
def test_runs_that_do_not_belong_together_are_refused(
    example: CellResult, example_run: RunRecord, what: str, change: dict[str, str]
) -> None:
    other = example.provenance.model_copy(update=change)
    cells = result(example, 0, 0.3), result(example, 1, 0.3, provenance=other)
    with pytest.raises(InputError, match=f"differ in their {what}"):
        make_reference([run_of(example_run, *cells)])


def test_runs_without_a_score_are_refused(example: CellResult, example_run: RunRecord) -> None:
    failed = result(example, 0, 0.3, status="failed", metrics=None)
    with pytest.raises(InputError, match="without a scored cell"):
        make_reference([run_of(example_run, failed)])


def test_runs_with_other_settings_are_refused(example: CellResult, example_run: RunRecord) -> None:
    first = result(example, 0, 0.3)
    longer = first.identity.model_copy(update={"config": {**first.identity.config, "settings": {"steps": 8}}})
    with pytest.raises(InputError, match="cells with different settings"):
        make_reference([run_of(example_run, first, first.model_copy(update={"identity": longer}))])


@pytest.fixture
def folder(tmp_path: Path, example: CellResult, example_run: RunRecord) -> Path:
    """A run on the disk, with two seeds."""
    write_record(tmp_path / "run", example_run)
    for seed in range(2):
        write_cell(tmp_path / "run", result(example, seed, 0.3), {})
    return tmp_path / "run"


def test_the_command_makes_a_file_that_is_read_again(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "mini-tiny.json"
    assert main([str(folder), "--output", str(output)]) == 0
    assert capsys.readouterr().out.endswith("mini-tiny.json: 1 of (method, scene, edit), seeds 0, 1\n")
    (cell,) = read_reference(output).cells
    assert cell.metrics["clip_dir"].by_seed == (0.3, 0.3)


def test_the_command_tells_what_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--output", str(tmp_path / "reference.json")]) == 2
    assert "expected a folder with run.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"schema_version": 1', '"schema_version": 2', "schema_version"),
        ('"runs": 1,\n "formula"', '"runs": "many",\n "formula"', "runs"),
        ("0.3,\n      0.3", "0.3", "one value for each seed"),
    ],
)
def test_a_file_that_is_no_reference_is_told(folder: Path, tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "reference.json"
    main([str(folder), "--output", str(path)])
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=told):
        read_reference(path)


def test_a_file_that_is_absent_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_reference(tmp_path / "none.json")


def test_the_package_s_references_are_found_by_bundle_and_budget(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main([str(folder), "--output", str(tmp_path / "reference" / "mini-tiny.json")])
    (tmp_path / "reference" / "mini-tiny-tables").mkdir()
    monkeypatch.setattr(references, "files", lambda _package: tmp_path)
    assert find_reference("mini", "tiny").budget == "tiny"
    with pytest.raises(InputError, match=r"bundle 'mini' with budget 'full'; expected one of mini-tiny\.json\."):
        find_reference("mini", "full")


def test_names_that_lead_elsewhere_find_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret-x.json").write_text("{}")
    (tmp_path / "reference").mkdir()
    monkeypatch.setattr(references, "files", lambda _package: tmp_path)
    with pytest.raises(InputError, match="there is none yet"):
        find_reference("../secret", "x")


def test_every_reference_of_the_package_can_be_read_and_is_named_after_its_content() -> None:
    folder = Path(references.__file__).parent / "reference"
    found = {path.stem: read_reference(path) for path in folder.glob("*.json")}
    assert list(found) == [f"{one.bundle}-{one.budget}" for one in found.values()]


def test_a_cell_tells_of_a_seed_what_any_of_its_metrics_does(runs: list[Run]) -> None:
    (cell,) = make_reference(runs).cells
    assert cell.tells_of(7)
    lone = ReferenceCell(**{**dict(cell), "seeds": (0,), "metrics": {"clip_dir": expected([[0.2, 0.2]], 0.01)}})
    assert lone.tells_of(0)
    assert not lone.tells_of(7)
