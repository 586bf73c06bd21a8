"""A new study from a source: pictures under random names, attention trials, and the plan of who rates what."""

import random
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from mix2mix.errors import InputError
from survey.assignment import CHECKS, AttentionStep, Check, Design, Step, assign, check
from survey.boxes import Box
from survey.pictures import bare_png, read_picture, same_size, with_mark
from survey.sources import EditedViews, EditKey, Source
from survey.study import ImageSet, Kind, Plan, Study, Trial, read_study, toml_text, write_plan

Pictures = list[Image.Image]
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Shown:
    """A set before it has names: what it is, and its pictures."""

    kind: Kind
    scene: str
    edit: str
    method: str
    pictures: Pictures
    planted: Box | None = None


def create_study(source: Source, design: Design, output: Path, title: str, tell: Tell) -> Study:
    """Write STUDY.toml and its folder, both or neither; InputError where they exist or the design cannot be met.

    `tell` hears of edits whose views had to be scaled.
    """
    keys = sorted({views.key for views in source.sets})
    check(len(keys), design)
    with _fresh(output) as folder:
        generator = random.Random(f"pictures {design.seed}")
        shown = _edited(source, keys, tell) + _attention(source, keys, design, generator)
        write_plan(folder, _plan(_save(shown, folder / "images", generator), keys, design, generator))
        output.write_text(toml_text(title, folder.name), encoding="utf-8")
        return read_study(output)


def _edited(source: Source, keys: Sequence[EditKey], tell: Tell) -> list[Shown]:
    """The sets to be rated, those of an edit in one size."""
    return [shown for key in keys for shown in _alike([views for views in source.sets if views.key == key], tell)]


def _alike(sets: Sequence[EditedViews], tell: Tell) -> list[Shown]:
    """The sets of one edit in one size."""
    (scene, edit), pictures = sets[0].key, [[read_picture(path) for path in views.files] for views in sets]
    same = same_size(f"{scene}, {edit}", pictures)
    if same != pictures:
        width, height = same[0][0].size
        tell(f"scaled: {scene}, {edit}: all views to {width} x {height}, so that their size does not tell the method")
    return [Shown("rating", scene, edit, views.method, own) for views, own in zip(sets, same, strict=True)]


def _attention(source: Source, keys: Sequence[EditKey], design: Design, generator: random.Random) -> list[Shown]:
    """For each attention trial a set of every scene, made from its originals."""
    if not design.attention:
        return []
    scenes = sorted({scene for scene, _ in keys})
    missing = [scene for scene in scenes if not source.originals.get(scene)]
    if missing:
        fix = "Add original/SCENE/view_0 ..., or do without attention trials: --attention 0."
        raise InputError("originals", got=f"none of {', '.join(missing)}", expected="those of every scene", fix=fix)
    originals = {scene: [read_picture(path) for path in source.originals[scene]] for scene in scenes}
    kinds = [CHECKS[trial % len(CHECKS)] for trial in range(design.attention)]
    return [_trial(kind, scene, originals[scene], generator) for kind in kinds for scene in scenes]


def _trial(kind: Check, scene: str, views: Pictures, generator: random.Random) -> Shown:
    view = generator.randrange(len(views))
    if kind == "identical":
        return Shown("identical", scene, "", "", [views[view]] * len(views))
    centre = generator.uniform(0.3, 0.7), generator.uniform(0.3, 0.7)
    marked, planted = with_mark(views[view], view, centre)
    return Shown("planted", scene, "", "", [*views[:view], marked, *views[view + 1 :]], planted)


def _save(shown: Sequence[Shown], folder: Path, generator: random.Random) -> list[ImageSet]:
    """Write the pictures in shuffled order and name the sets; neither name nor time of a file tells its method."""
    folder.mkdir()
    order = list(range(len(shown)))
    generator.shuffle(order)
    saved: dict[int, ImageSet] = {}
    for number, index in enumerate(order, start=1):
        item = shown[index]
        names = []
        for picture in item.pictures:
            names.append(f"{secrets.token_hex(16)}.png")
            (folder / names[-1]).write_bytes(bare_png(picture))
        saved[index] = ImageSet(
            set_id=f"set-{number:03d}",
            kind=item.kind,
            scene=item.scene,
            edit=item.edit,
            method=item.method,
            images=tuple(names),
            planted=item.planted,
        )
    return [saved[index] for index in range(len(shown))]


def _plan(sets: Sequence[ImageSet], keys: Sequence[EditKey], design: Design, generator: random.Random) -> Plan:
    rated = {(item.scene, item.edit, item.method): item.set_id for item in sets if item.kind == "rating"}
    trials = [item.set_id for item in sets if item.kind != "rating"]
    scenes = len({scene for scene, _ in keys})

    def named(step: Step | AttentionStep) -> Trial:
        if isinstance(step, AttentionStep):
            return Trial(set_id=trials[step.trial * scenes + generator.randrange(scenes)])
        return Trial(set_id=rated[(*keys[step.edit], design.methods[step.method])], repeat=step.repeat)

    return Plan(
        seed=design.seed,
        methods=design.methods,
        raters_per_set=design.raters_per_set,
        sets=tuple(sorted(sets, key=lambda item: item.set_id)),
        places=tuple(tuple(named(step) for step in place) for place in assign(len(keys), design)),
    )


@contextmanager
def _fresh(output: Path) -> Iterator[Path]:
    """A new folder STUDY.data for STUDY.toml; both are removed when the block fails. InputError where one exists."""
    folder = output.with_name(f"{output.stem}.data")
    for path in (output, folder):
        if path.exists():
            fix = "Choose another --output: a study that exists is never replaced, it may hold ratings."
            raise InputError(f"output {path}", got="something there already", expected="nothing", fix=fix)
    try:
        folder.mkdir(parents=True, mode=0o700)  # who made what, and who took part, is for the owner
        yield folder
    except BaseException as error:
        output.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError):
            got, expected = error.strerror or str(error), "a place that can be written, with some space left"
            raise InputError(f"output {folder}", got=got, expected=expected, fix="Choose another --output.") from error
        raise
