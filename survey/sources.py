"""Where the views of a study come from: a benchmark run, or a plain folder made elsewhere. No torch.

    FOLDER/METHOD/SCENE/EDIT/view_0.png ...      EDIT is the slug of the instruction; png, jpg, jpeg or webp
    FOLDER/original/SCENE/view_0.png ...         the views before any edit

A run is what `mix2mix benchmark run` leaves behind; of its cells those that are ok and whole are used.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.foreign import ORIGINAL, entry_of, find_sets, folders, view_files
from benchmark.store import Run, StoredCell, original, read_run
from mix2mix.errors import InputError
from survey.boxes import MAX_VIEWS

EditKey = tuple[str, str]
"""A scene and an instruction: what two methods are compared on."""


@dataclass(frozen=True)
class EditedViews:
    """The views that one method made of one edit of one scene."""

    method: str
    scene: str
    edit: str
    files: tuple[Path, ...]

    @property
    def key(self) -> EditKey:
        """The scene and the instruction."""
        return self.scene, self.edit


@dataclass(frozen=True)
class Source:
    """What a study is made from: for each edit the views of every method, the originals by scene, what was left out.

    An edit is left out where a method lacks it; each entry of `left_out` says which and why.
    """

    sets: tuple[EditedViews, ...]
    originals: Mapping[str, tuple[Path, ...]]
    left_out: tuple[str, ...]


def read_source(folder: Path, methods: Sequence[str], seed: int | None = None) -> Source:
    """The views of these methods in a run or a plain folder; InputError where they are not there to be compared.

    `seed` chooses among the seeds of a run; left out, it is the lowest that the run has.
    """
    if len(set(methods)) < len(methods):
        raise InputError("methods", got=", ".join(methods), expected="each method once", fix="Remove the repetition.")
    if (folder / "run.json").is_file():
        found, originals = _from_run(read_run(folder), seed)
    elif seed is not None:
        raise InputError("seed", got=str(seed), expected="none: a plain folder has no seeds", fix="Leave it out.")
    else:
        found, originals = _from_folder(folder)
    return _comparable([views for views in found if views.method in methods], methods, found, originals)


def _from_run(run: Run, seed: int | None) -> tuple[list[EditedViews], dict[str, tuple[Path, ...]]]:
    cells = [cell for cell in run.cells if cell.result.status == "ok"]
    seeds = sorted({cell.result.identity.seed for cell in cells})
    if not seeds or seed not in (None, *seeds):
        had = ", ".join(map(str, seeds)) or "none"
        raise InputError(
            "seed", got=str(seed), expected=f"a seed with finished cells ({had})", fix="Choose one of them."
        )
    chosen = seeds[0] if seed is None else seed
    found = [_of_cell(cell) for cell in cells if cell.result.identity.seed == chosen]
    return found, {scene: _originals_of(run.folder, scene) for scene in {views.scene for views in found}}


def _of_cell(cell: StoredCell) -> EditedViews:
    result = cell.result
    files = tuple(cell.folder / view.name for view in result.views)
    return EditedViews(result.identity.method, result.identity.scene, result.edit.instruction, files)


def _originals_of(run: Path, scene: str) -> tuple[Path, ...]:
    return _views_in(original(run, scene, 0).parent)


def _from_folder(folder: Path) -> tuple[list[EditedViews], dict[str, tuple[Path, ...]]]:
    found = [_of_folder(place) for place in find_sets(folder)]
    if not found:
        expected = "a run with run.json, or views as METHOD/SCENE/EDIT/view_0.png"
        raise InputError(f"source {folder}", got="neither", expected=expected, fix="Check the path.")
    return found, {scene.name: _views_in(scene) for scene in folders(folder / ORIGINAL)}


def _of_folder(place: Path) -> EditedViews:
    method, scene = place.parents[1].name, place.parent.name
    return EditedViews(method, scene, entry_of(scene, place.name).edit.instruction, _views_in(place))


def _views_in(folder: Path) -> tuple[Path, ...]:
    """The views of a folder in order, as many as a rater can be shown."""
    files = view_files(folder)
    if len(files) > MAX_VIEWS:
        fix = "Remove views, of every method alike."
        raise InputError(f"views in {folder}", got=len(files), expected=f"at most {MAX_VIEWS}", fix=fix)
    return files


def _comparable(
    sets: Sequence[EditedViews],
    methods: Sequence[str],
    found: Iterable[EditedViews],
    originals: Mapping[str, tuple[Path, ...]],
) -> Source:
    """Only edits that every method has, with as many views each."""
    _check_methods(methods, {views.method for views in found})
    by_edit: dict[EditKey, dict[str, EditedViews]] = {}
    for views in sets:
        by_edit.setdefault(views.key, {})[views.method] = views
    whole = {key: by_method for key, by_method in by_edit.items() if len(by_method) == len(methods)}
    left_out = [
        f"{scene}, {edit}: not by {', '.join(method for method in methods if method not in by_edit[scene, edit])}"
        for scene, edit in sorted(by_edit.keys() - whole.keys())
    ]
    if not whole:
        fix = "Choose methods that were run on the same edits."
        raise InputError("edits", got="none that all methods have", expected="at least one", fix=fix)
    for key, by_method in whole.items():
        _check_counts(key, by_method)
    ordered = [whole[key][method] for key in sorted(whole) for method in methods]
    return Source(tuple(ordered), originals, tuple(left_out))


def _check_methods(methods: Sequence[str], known: set[str]) -> None:
    unknown = [method for method in methods if method not in known]
    if unknown or not methods:
        got = ", ".join(unknown) or "none"
        raise InputError("methods", got=got, expected=f"some of {', '.join(sorted(known))}", fix="Check the spelling.")


def _check_counts(key: EditKey, by_method: Mapping[str, EditedViews]) -> None:
    counts = {method: len(views.files) for method, views in by_method.items()}
    if len(set(counts.values())) > 1:
        got = ", ".join(f"{method} {count}" for method, count in counts.items())
        fix = "Remove views so that raters cannot tell a method by their number."
        raise InputError(f"views of {key[0]}, {key[1]}", got=got, expected="as many by every method", fix=fix)
