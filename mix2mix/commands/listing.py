"""``mix2mix list``: the methods, scenes, edits and bundles that there are."""

import argparse
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mix2mix.commands.options import add_command

if TYPE_CHECKING:
    from baselines.api import MethodSpec
    from mix2mix.commands.options import Commands

Value = str | int | float | list[str] | dict[str, str | int | float | None] | None
Row = dict[str, Value]

DETAILS = """\
Reads what the package ships, and the descriptions of external methods in the folder that MIX2MIX_METHODS names; writes
nothing.

Of methods: `published` are the paper's scores (and minutes an edit on an L40S), `cost` counts what is put through the
networks at the paper's settings for four views."""


def add_to(commands: "Commands") -> None:
    """Add ``list``."""
    parser = add_command(
        commands,
        "list",
        run,
        purpose="list the methods, scenes, edits or bundles",
        details=DETAILS,
        example="mix2mix list edits --json",
    )
    parser.add_argument("kind", metavar="KIND", choices=sorted(KINDS), help=", ".join(sorted(KINDS)))
    parser.add_argument("--json", action="store_true", help="print a JSON list with every field")


def run(arguments: argparse.Namespace) -> int:
    """Print one kind of thing, as a table or as JSON."""
    rows = KINDS[arguments.kind]()
    print(json.dumps(rows, indent=2, ensure_ascii=False) if arguments.json else _table(rows, SHOWN[arguments.kind]))
    return 0


def methods() -> list[Row]:
    """Every method's description: those that come with mix2mix, and the external ones."""
    from baselines.registry import all_specs

    return [_method(spec) for spec in all_specs().values()]


def _method(spec: "MethodSpec") -> Row:
    published = vars(spec.published) if spec.published else None
    return {
        "id": spec.id,
        "paper": spec.paper,
        "year": spec.year,
        "published": published,
        "needs": list(spec.needs),
        "cost": dict(spec.cost),
        "parameters": [parameter.name for parameter in spec.parameters],
        "description": spec.description,
    }


def scenes() -> list[Row]:
    """The built-in scenes, and how many edits of the catalogue each has."""
    from benchmark.catalogue import edits_of, scenes

    return [
        {"name": name, "prompt": edits_of(name)[0].edit.original_prompt, "edits": len(edits_of(name))}
        for name in scenes()
    ]


def edits() -> list[Row]:
    """The catalogue of edits."""
    from benchmark.catalogue import catalogue

    return [
        {
            "scene": entry.scene,
            "instruction": entry.edit.instruction,
            "slug": entry.slug,
            "edited_prompt": entry.edit.edited_prompt,
            "text_guidance": entry.edit.text_guidance,
            "image_guidance": entry.edit.image_guidance,
        }
        for entry in catalogue()
    ]


def bundles() -> list[Row]:
    """The bundles, and whether their weights are here."""
    from mix2mix.bundles import bundle_info, bundle_names

    return [
        {
            "name": info.name,
            "weights": "random" if info.random_weights else "here" if info.present else "missing",
            "folder": str(info.folder),
            "title": info.title,
        }
        for info in map(bundle_info, bundle_names())
    ]


SHOWN = {
    "methods": ("id", "paper", "year", "published", "needs", "cost", "description"),
    "scenes": ("name", "edits", "prompt"),
    "edits": ("scene", "instruction", "text_guidance", "image_guidance", "slug"),
    "bundles": ("name", "weights", "title", "folder"),
}
"""Columns of the table, as many as fit a terminal; JSON has every field."""

KINDS: dict[str, Callable[[], list[Row]]] = {
    "methods": methods,
    "scenes": scenes,
    "edits": edits,
    "bundles": bundles,
}


def _table(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """Rows as columns of equal width under their names."""
    lines = [[column.replace("_", " ") for column in columns]]
    lines += [[_cell(row[column]) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "-"
    if isinstance(value, dict):
        source = f"{value['source']}: " if "source" in value else ""
        numbers = [f"{name} {number}" for name, number in value.items() if isinstance(number, int | float)]
        return source + ", ".join(numbers) or "-"
    return "-" if value is None else str(value)
