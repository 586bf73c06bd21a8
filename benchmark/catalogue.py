"""The twenty edits of the paper's Table 6, by scene, looked up by instruction or slug."""

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files

from mix2mix.edit import Edit
from mix2mix.errors import InputError

_WHOLE_IMAGE = frozenset({"turn-it-to-a-van-gogh-painting"})


@dataclass(frozen=True)
class CatalogueEdit:
    """A row of Table 6: the name of its scene (``face``, ``bear``, ``person``) and the edit."""

    scene: str
    edit: Edit

    @property
    def slug(self) -> str:
        """The instruction as a file name."""
        return self.edit.slug

    @property
    def whole_image(self) -> bool:
        """Whether the edit restyles every pixel, not the subject alone."""
        return self.slug in _WHOLE_IMAGE


@cache
def catalogue() -> tuple[CatalogueEdit, ...]:
    """All edits, in the order of the table."""
    text = _table().decode("utf-8")
    return tuple(_entry(row) for row in csv.DictReader(text.splitlines()))


def scenes() -> tuple[str, ...]:
    """The names of the scenes, in the order of the table."""
    return tuple(dict.fromkeys(entry.scene for entry in catalogue()))


def edits_of(scene: str) -> tuple[CatalogueEdit, ...]:
    """The edits of one scene; an unknown scene is an `InputError`."""
    if scene not in scenes():
        raise _unknown("scene", scene, scenes())
    return tuple(entry for entry in catalogue() if entry.scene == scene)


def find_edit(text: str) -> CatalogueEdit:
    """The edit of that instruction (in any case) or slug; an unknown one is an `InputError` that names the nearest."""
    slug = Edit(text, "", "").slug
    for entry in catalogue():
        if entry.slug == slug:
            return entry
    raise _unknown("edit", text, [entry.edit.instruction for entry in catalogue()])


def digest() -> str:
    """SHA-256 of the table, in hex."""
    return hashlib.sha256(_table()).hexdigest()


def _table() -> bytes:
    return files("benchmark").joinpath("table6.csv").read_bytes()


def _entry(row: dict[str, str]) -> CatalogueEdit:
    edit = Edit(
        instruction=row["edit_prompt"],
        original_prompt=row["original_prompt"],
        edited_prompt=row["edited_prompt"],
        text_guidance=float(row["text_cfg"]),
        image_guidance=float(row["image_cfg"]),
    )
    return CatalogueEdit(row["scene"].lower(), edit)


def _unknown(what: str, name: str, known: Iterable[str]) -> InputError:
    by_folded = {text.casefold(): text for text in known}
    near = [by_folded[match] for match in get_close_matches(name.casefold(), by_folded, n=3, cutoff=0.4)]
    nearest = " or ".join(f"'{match}'" for match in near)
    return InputError(
        what,
        got=f"'{name}'",
        expected=f"one of the {len(by_folded)} {what}s of the catalogue",
        fix=f"Did you mean {nearest}?" if near else f"See `mix2mix list {what}s`.",
    )
