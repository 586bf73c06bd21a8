"""Comparisons: verdicts by tolerance over common cells, what was lost, and what a reader is warned of."""

from pathlib import Path
from typing import Any

import pytest

from benchmark.compare import Change, Comparison, check_run, compare_runs
from benchmark.references import Reference, make_reference
from benchmark.results import CellResult, MethodRecord, RunRecord
from benchmark.store import Run, StoredCell
from mix2mix.errors import InputError

Scored = dict[tuple[str, int], tuple[float, float]]
"""Dir and relative error by scene and seed."""

BASE: Scored = {("face", 0): (0.30, 0.20), ("bear", 0): (0.20, 0.30), ("person", 0): (0.40, 0.40)}


def result(example: CellResult, scene: str, seed: int, scores: tuple[float, float], **changes: Any) -> CellResult:
    assert example.metrics is not None
    assert example.metrics.reprojection is not None
    identity = example.identity.model_copy(update={"method": "t2vz", "scene": scene, "seed": seed})
    metrics = example.metrics.model_copy(
        update={
            "clip_dir": example.metrics.clip_dir.model_copy(update={"mean": scores[0]}),
            "reprojection": example.metrics.reprojection.model_copy(update={"relative": scores[1]}),
        }
    )
    return example.model_copy(update={"identity": identity, "metrics": metrics} | changes)


class Maker:
    """Makes runs of one method."""

    def __init__(self, example: CellResult, record: RunRecord) -> None:
        method = MethodRecord(name="t2vz", title="T2VZ", paper=None, description="", published=None)
        self.example, self.record = example, record.model_copy(update={"methods": (method,)})

    def __call__(self, name: str, scored: Scored, **changes: Any) -> Run:
        results = [result(self.example, scene, seed, scores, **changes) for (scene, seed), scores in scored.items()]
        return self.of(name, *results)

    def of(self, name: str, *results: CellResult) -> Run:
        cells = tuple(StoredCell(Path(name), one) for one in results)
        return Run(Path(name), self.record.model_copy(update={"name": name}), cells, (), 0)

    def reference(self, scored: Scored, shift: float = 0.0) -> Reference:
        moved = {place: (dir_ + shift, error) for place, (dir_, error) in scored.items()}
        return make_reference([self("one", scored), self("two", moved)])


@pytest.fixture
def make(example: CellResult, example_run: RunRecord) -> Maker:
    return Maker(example, example_run)


def shifted(dir_: float, error: float, scored: Scored = BASE) -> Scored:
    return {place: (one + dir_, other + error) for place, (one, other) in scored.items()}


def change(comparison: Comparison, metric: str) -> Change:
    (found,) = [one for one in comparison.changes if one.metric == metric]
    return found


def test_a_run_is_the_same_as_itself(make: Maker) -> None:
    found = compare_runs(make("a", BASE), make("b", BASE))
    assert found.verdict == "same"
    assert {one.verdict for one in found.changes} == {"same"}
    assert (found.common, found.only_before, found.only_after, found.warnings, found.lost) == (3, 0, 0, (), ())
    assert len(found.changes) == 8


@pytest.mark.parametrize(
    ("dir_", "error", "verdicts"),
    [
        (0.02, 0.0, ("improved", "same")),
        (-0.02, 0.0, ("worse", "same")),
        (0.0, 0.02, ("same", "worse")),  # an error is better low
        (0.0, -0.02, ("same", "improved")),
        (0.009, 0.009, ("same", "same")),
    ],
)
def test_the_verdict_is_by_tolerance_and_direction(
    make: Maker, dir_: float, error: float, verdicts: tuple[str, str]
) -> None:
    found = compare_runs(make("a", BASE), make("b", shifted(dir_, error)))
    assert (change(found, "clip_dir").verdict, change(found, "relative_error").verdict) == verdicts
    assert found.verdict == next((one for one in ("worse", "improved") if one in verdicts), "same")


def test_means_and_differences_are_over_common_cells_alone(make: Maker) -> None:
    after: Scored = {("face", 0): (0.36, 0.2), ("bear", 0): (0.20, 0.3), ("face", 1): (0.9, 0.9)}
    found = compare_runs(make("a", BASE), make("b", after))
    dir_ = change(found, "clip_dir")
    assert (dir_.before, dir_.after, dir_.difference) == pytest.approx((0.25, 0.28, 0.03))
    assert (found.common, found.only_before, found.only_after) == (2, 1, 1)
    assert dir_.interval is not None
    assert dir_.interval.low < 0 < dir_.interval.high  # two scenes that disagree
    assert (dir_.verdict, dir_.beyond) == ("improved", 0)


def test_a_cell_that_falls_is_told_though_the_mean_does_not(make: Maker) -> None:
    after = {**BASE, ("face", 0): (0.20, 0.2), ("bear", 0): (0.30, 0.3)}
    dir_ = change(compare_runs(make("a", BASE), make("b", after)), "clip_dir")
    assert (dir_.verdict, dir_.beyond) == ("same", 1)


def test_a_cell_that_fails_now_is_lost_and_the_run_worse(make: Maker) -> None:
    failed = result(make.example, "face", 0, (0, 0), status="failed", metrics=None)
    others = [result(make.example, *place, BASE[place]) for place in (("bear", 0), ("person", 0))]
    found = compare_runs(make("a", BASE), make.of("b", failed, *others))
    assert found.lost == ("t2vz/face/give-him-a-venetian-mask/0",)
    assert (found.verdict, found.common) == ("worse", 2)


def test_runs_without_a_common_cell_cannot_be_compared(make: Maker) -> None:
    with pytest.raises(InputError, match="a and b: got no scored cell in common"):
        compare_runs(make("a", BASE), make("b", {("face", 5): (0.3, 0.2)}))
    with pytest.raises(InputError, match="no scored cell in common"):
        compare_runs(make("a", BASE), make.of("b"))


def test_other_settings_are_warned_of(make: Maker) -> None:
    cell = result(make.example, "face", 0, (0.3, 0.2))
    longer = cell.identity.model_copy(update={"config": {**cell.identity.config, "settings": {"steps": 8}}})
    found = compare_runs(make("a", BASE), make.of("b", cell.model_copy(update={"identity": longer})))
    assert found.warnings == ("settings differ: t2vz",)


@pytest.mark.parametrize("other", [{"cpu": "Another"}, {"threads": 1}], ids=lambda other: next(iter(other)))
def test_times_are_compared_on_the_same_hardware_and_threads_alone(make: Maker, other: dict[str, Any]) -> None:
    slow = make.example.timing
    assert slow is not None
    slow = slow.model_copy(update={"edit": (25.0,)})
    here = compare_runs(make("a", BASE), make("b", BASE, timing=slow))
    assert (change(here, "seconds").verdict, change(here, "seconds").tolerance) == ("worse", 2.5)
    origin = make.example.provenance
    elsewhere = origin.model_copy(update={"hardware": origin.hardware.model_copy(update=other)})
    there = compare_runs(make("a", BASE), make("b", BASE, timing=slow, provenance=elsewhere))
    assert "seconds" not in {one.metric for one in there.changes}
    assert there.verdict == "same"
    assert there.warnings[-1] == "times are not compared: they are of other hardware or numbers of threads"


def test_a_run_that_its_reference_was_made_from_is_the_same(make: Maker) -> None:
    found = check_run(make("run", BASE), make.reference(BASE))
    assert (found.before, found.verdict, found.common, found.only_before) == ("reference mini-tiny", "same", 3, 0)
    assert found.warnings == ()
    assert "seconds" not in {one.metric for one in found.changes}


def test_one_cell_is_enough_to_be_checked(make: Maker) -> None:
    worse = check_run(make("run", {("face", 0): (0.2, 0.2)}), make.reference(BASE))
    assert (worse.verdict, worse.common, worse.only_before) == ("worse", 1, 2)
    assert change(worse, "clip_dir").interval is None
    assert change(worse, "clip_dir").beyond == 1


def test_the_tolerance_of_a_check_comes_from_the_spread_of_its_runs(make: Maker) -> None:
    dir_ = change(check_run(make("run", shifted(-0.1, 0.0)), make.reference(BASE, shift=0.06)), "clip_dir")
    a_cell = 4 * 0.06 / 2**0.5 * 1.5**0.5
    assert dir_.tolerance == pytest.approx(a_cell / 3**0.5, abs=1e-6)  # of a mean of three
    assert (dir_.difference, dir_.verdict, dir_.beyond) == (pytest.approx(-0.13), "worse", 0)


def test_a_seed_that_the_reference_has_not_is_held_against_the_mean_over_seeds(make: Maker) -> None:
    seeds: Scored = {("face", seed): (0.3 + 0.1 * seed, 0.2) for seed in range(3)}
    dir_ = change(check_run(make("run", {("face", 9): (0.45, 0.2)}), make.reference(seeds)), "clip_dir")
    assert (dir_.before, dir_.verdict) == (pytest.approx(0.4), "same")
    assert dir_.tolerance == pytest.approx(4 * 0.1 * (4 / 3) ** 0.5)


def test_on_another_kind_of_device_seeds_are_other_draws(make: Maker) -> None:
    seeds: Scored = {("face", seed): (0.3 + 0.1 * seed, 0.2) for seed in range(3)}
    origin = make.example.provenance
    gpu = origin.model_copy(update={"hardware": origin.hardware.model_copy(update={"device": "cuda"})})
    found = check_run(make("run", {("face", 0): (0.45, 0.2)}, provenance=gpu), make.reference(seeds))
    assert (change(found, "clip_dir").before, change(found, "clip_dir").verdict) == (pytest.approx(0.4), "same")
    assert found.warnings[-1].startswith("a seed draws other noise on another kind of device")


def test_a_seed_that_nothing_is_known_of_is_not_checked(make: Maker) -> None:
    found = check_run(make("run", {("face", 0): (0.3, 0.2), ("bear", 9): (0.0, 0.9)}), make.reference(BASE))
    assert (found.common, found.only_after, found.verdict) == (1, 1, "same")


def test_a_run_that_the_reference_knows_nothing_of_cannot_be_checked(make: Maker) -> None:
    with pytest.raises(InputError, match="reference mini-tiny and run: got no scored cell in common"):
        check_run(make("run", {("elsewhere", 0): (0.3, 0.2)}), make.reference(BASE))
    with pytest.raises(InputError, match="no scored cell in common"):
        check_run(make("run", BASE, metrics=None), make.reference(BASE))


def test_a_run_whose_every_cell_failed_is_worse(make: Maker) -> None:
    failed = result(make.example, "face", 7, (0, 0), status="out-of-memory", metrics=None)
    found = check_run(make.of("run", failed), make.reference(BASE))
    assert (found.verdict, found.lost, found.changes) == ("worse", ("t2vz/face/give-him-a-venetian-mask/7",), ())
