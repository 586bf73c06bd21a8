"""Imported views become cells like any other, all of them or none, and their origin stays known."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmark import imports, store
from benchmark.compare import compare_runs
from benchmark.imports import ImportOptions, import_views
from benchmark.options import RunOptions
from benchmark.rescoring import rescore
from benchmark.runner import run_benchmark
from benchmark.scoring import to_pixels
from mix2mix.errors import InputError
from reports.page import write_report
from survey.sources import read_source

MASK, PANDA = "give-him-a-venetian-mask", "turn-the-bear-to-a-panda-bear"
Options = Callable[..., ImportOptions]


@pytest.fixture
def folder(tmp_path: Path, fakes: SimpleNamespace) -> Path:
    """The negative of both scenes, by a method of a lab's own, two views each."""
    top = tmp_path / "theirs"
    for scene, edit in (("face", MASK), ("bear", PANDA)):
        for index, view in enumerate(to_pixels(fakes.WallWorld().scene(scene, 2).images)):
            save(view, top / "original" / scene / f"view_{index}.png")
            save(255 - view, top / "ours" / scene / edit / f"view_{index}.png")
    return top


def save(pixels: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def options(folder: Path, tmp_path: Path, fakes: SimpleNamespace) -> Options:
    """What to import: the folder into a new run."""

    def make(**changes: Any) -> ImportOptions:
        bundle = changes.get("bundle", fakes.fake_bundle())
        base = {"load_bundle": lambda device: bundle, "bundle": bundle, "scenes": fakes.WallWorld(), "device": "cpu"}
        return ImportOptions(**({"folder": folder, "output": tmp_path / "run"} | base | changes))

    return make


def silent(text: str) -> None:
    """Tell nobody."""


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_views_become_cells_with_their_origin(options: Options) -> None:
    told: list[str] = []
    results = import_views(options(), told.append)
    run = store.read_run(options().output)
    assert {cell.result.identity.method for cell in run.cells} == {"ours"}
    assert (len(run.cells), run.broken, run.missing, run.foreign) == (2, (), (), 0)
    assert [method.title for method in run.record.methods] == ["ours (imported)"]
    assert run.record.methods[0].description == "views made elsewhere, imported from theirs"
    assert results[0].notes == {"imported from": f"theirs/ours/bear/{PANDA}", "imported size": "32 x 32"}
    assert (results[0].timing, results[0].memory) == (None, None)
    assert told == ["[1/2] ours · bear · Turn the bear to a panda bear: scored", told[1]]
    assert {path.name for path in run.folder.glob("table.*")} == {"table.csv", "table.md", "table.tex"}


def test_views_of_a_built_in_scene_score_as_if_the_method_had_run_here(
    options: Options, make_options: Callable[..., RunOptions], fakes: SimpleNamespace
) -> None:
    here = {result.identity.scene: result for result in run_benchmark(make_options({"a": fakes.Inverter()})).results}
    for result in import_views(replace(options(), output=options().output.with_name("imported")), silent):
        same = here[result.identity.scene]
        assert result.metrics == same.metrics
        assert result.views == same.views
        assert result.error_maps == same.error_maps != ()
        assert result.identity.scene_digest == same.identity.scene_digest


def test_originals_as_jpeg_are_known_too(options: Options, folder: Path) -> None:
    for path in [*folder.glob("original/*/*.png")]:
        with Image.open(path) as image:
            image.save(path.with_suffix(".jpg"), quality=100, subsampling=0)  # of noise
        path.unlink()
    assert all(result.metrics and result.metrics.reprojection for result in import_views(options(), silent))


def test_photos_have_no_reprojection(options: Options, folder: Path) -> None:
    rng = np.random.default_rng(0)
    for index in range(2):
        save(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8), folder / "original" / "face" / f"view_{index}.png")
    bear, face = import_views(options(), silent)
    assert bear.metrics is not None
    assert face.metrics is not None
    assert bear.metrics.reprojection is not None
    assert (face.metrics.reprojection, face.metrics.background) == (None, None)


def test_what_has_no_prompts_is_not_scored(options: Options, folder: Path) -> None:
    (folder / "ours" / "face" / MASK).rename(folder / "ours" / "face" / "give-him-a-crown")
    result = import_views(options(), silent)[1]
    assert (result.metrics, result.edit.instruction) == (None, "Give him a crown")
    assert result.notes["not scored"] == "the catalogue has no prompts for this instruction"


def test_random_weights_score_nothing_and_are_not_loaded(options: Options, fakes: SimpleNamespace) -> None:
    random = options(bundle=fakes.fake_bundle(random_weights=True), load_bundle=None)
    assert [result.metrics for result in import_views(random, silent)] == [None, None]


def test_a_built_in_scene_in_another_order_is_told(options: Options, folder: Path) -> None:
    for kind in (folder / "original" / "face", folder / "ours" / "face" / MASK):
        (kind / "view_0.png").rename(kind / "aside.png")
        (kind / "view_1.png").rename(kind / "view_0.png")
        (kind / "aside.png").rename(kind / "view_1.png")
    with pytest.raises(InputError, match="originals of face: got the views of the built-in scene in another order"):
        import_views(options(), silent)


@pytest.fixture
def finished(make_options: Callable[..., RunOptions], fakes: SimpleNamespace) -> RunOptions:
    """A run of a method of this place, in the folder that is imported into."""
    made = make_options({"a": fakes.Inverter()})
    run_benchmark(made)
    return made


def test_imported_cells_stand_beside_those_of_a_run(options: Options, finished: RunOptions, tmp_path: Path) -> None:
    before = store.read_run(finished.output)
    import_views(options(), silent)
    run = store.read_run(finished.output)
    assert [method.name for method in run.record.methods] == ["a", "ours"]
    assert (len(run.cells), run.missing, run.foreign) == (4, (), 0)
    assert len(read_source(finished.output, ["a", "ours"]).sets) == 4
    assert "ours (imported)" in write_report(finished.output, tmp_path / "report.html").read_text()
    assert compare_runs(before, run).verdict == "same"
    assert run_benchmark(finished).kept == 2


def test_a_second_import_replaces_the_first(options: Options, finished: RunOptions) -> None:
    import_views(options(), silent)
    first = files(finished.output)
    import_views(options(), silent)
    assert {name for name, data in files(finished.output).items() if first[name] != data} <= {
        *(name for name in first if name.endswith("result.json")),
        "run.json",
    }
    assert len(store.read_run(finished.output).cells) == 4


def other_originals(folder: Path) -> None:
    for path in (folder / "original" / "face").iterdir():
        save(np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8), path)


def a_name_of_the_runs_own(folder: Path) -> None:
    (folder / "ours").rename(folder / "a")


def a_blank_view(folder: Path) -> None:
    save(np.zeros((32, 32, 3), dtype=np.uint8), folder / "ours" / "bear" / PANDA / "view_0.png")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (other_originals, "original/face: got 2 views that are not those of the run"),
        (a_name_of_the_runs_own, "methods for run .*: got a; expected names that the run's own methods have not"),
        (a_blank_view, "blank picture"),
    ],
)
def test_what_does_not_fit_leaves_the_run_as_it_was(
    options: Options, finished: RunOptions, folder: Path, damage: Callable[[Path], None], told: str
) -> None:
    damage(folder)
    before = files(finished.output)
    with pytest.raises(InputError, match=told):
        import_views(options(), silent)
    assert files(finished.output) == before


def test_another_bundle_than_the_run_s_is_refused(
    options: Options, finished: RunOptions, fakes: SimpleNamespace
) -> None:
    with pytest.raises(InputError, match=r"expected mini \(dddddddddddd\), which the run was scored with"):
        import_views(options(bundle=fakes.fake_bundle(digest="e" * 64)), silent)


def test_a_folder_of_something_else_is_left_alone(options: Options) -> None:
    save(np.zeros((4, 4, 3), dtype=np.uint8), options().output / "holiday.png")
    with pytest.raises(InputError, match="got something else there already"):
        import_views(options(), silent)
    assert list(files(options().output)) == ["holiday.png"]


@pytest.mark.parametrize("steps", range(1, 5))
def test_a_disk_that_fails_midway_leaves_the_run_as_it_was(
    options: Options, finished: RunOptions, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files(finished.output)
    rename, called = Path.rename, 0

    def failing(self: Path, target: Path) -> Path:
        nonlocal called
        if target.is_relative_to(finished.output):
            called += 1
            if called == steps:
                raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(imports.Path, "rename", failing)
    if steps == 4:  # two cells and the record are three
        import_views(options(), silent)
        return
    with pytest.raises(InputError, match="No space left on device"):
        import_views(options(), silent)
    assert files(finished.output) == before
    assert sorted(path.name for path in finished.output.parent.iterdir()) == ["run", "theirs"]


def test_imported_cells_are_scored_again_like_others(options: Options, folder: Path, fakes: SimpleNamespace) -> None:
    (folder / "ours" / "face" / MASK).rename(folder / "ours" / "face" / "give-him-a-crown")
    shutil.copytree(folder / "original" / "face", folder / "original" / "statue")
    shutil.copytree(folder / "ours" / "face", folder / "ours" / "statue")
    (folder / "ours" / "statue" / "give-him-a-crown").rename(folder / "ours" / "statue" / MASK)
    results = {result.key: result.metrics for result in import_views(options(), silent)}
    for cell in store.read_run(options().output).cells:
        store.replace_result(cell.folder, cell.result.model_copy(update={"metrics": None}))
    assert rescore(options().output, fakes.fake_bundle(), fakes.WallWorld()) == 2
    assert {cell.result.key: cell.result.metrics for cell in store.read_run(options().output).cells} == results


def test_published_outputs_are_imported(options: Options, shared: Path, tmp_path: Path) -> None:
    published = tmp_path / "published-outputs"
    published.mkdir()
    for name in ("original", "dge"):
        (published / name).symlink_to(shared / "data" / "published-outputs" / name)
    results = import_views(options(folder=published), silent)
    run = store.read_run(options().output)
    assert [method.title for method in run.record.methods] == ["DGE (imported)"]
    assert len(run.cells) == len(results) == 6
    assert all(result.metrics and result.metrics.reprojection is None for result in results)
    assert str(tmp_path) not in (run.folder / "run.json").read_text() + results[0].model_dump_json()
