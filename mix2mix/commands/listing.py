"""``mix2mix list``: the methods, scenes, edits, metrics and bundles that there are."""

import argparse
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mix2mix.commands.options import add_command

if TYPE_CHECKING:
    from baselines.api import MethodSpec
    from benchmark.catalogue import CatalogueEdit
    from mix2mix.commands.options import Commands
    from mix2mix.edit import Edit

Value = str | int | float | list[str] | dict[str, str | int | float | None] | None
Row = dict[str, Value]

OURS = "mix2mix"

DETAILS = """\
Reads what the package ships, what other installed packages bring (entry points), and the descriptions of external
methods in the folder that MIX2MIX_METHODS names; writes nothing. `origin` tells where each comes from.

Of methods: `published` are the paper's scores (and minutes an edit on an L40S), `cost` counts what is put through the
networks at the paper's settings for four views."""


def add_to(commands: "Commands") -> None:
    """Add ``list``."""
    parser = add_command(
        commands,
        "list",
        run,
        purpose="list the methods, scenes, edits, metrics or bundles",
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
    from baselines.registry import SPECS, all_specs, other_methods

    origins = dict.fromkeys(SPECS, OURS) | {name: found.origin for name, found in other_methods().items()}
    return [_method(spec, origins.get(name, "MIX2MIX_METHODS")) for name, spec in all_specs().items()]


def _method(spec: "MethodSpec", origin: str) -> Row:
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
        "origin": origin,
    }


def scenes() -> list[Row]:
    """The built-in scenes and those of other packages, and how many edits each has."""
    from benchmark.catalogue import edits_of, scenes
    from benchmark.extended import other_scenes

    ours = [_scene(name, [entry.edit for entry in edits_of(name)], OURS) for name in scenes()]
    return ours + [_scene(name, found.spec.edits, found.origin) for name, found in other_scenes().items()]


def _scene(name: str, edits: "Sequence[Edit]", origin: str) -> Row:
    return {"name": name, "prompt": edits[0].original_prompt, "edits": len(edits), "origin": origin}


def edits() -> list[Row]:
    """The catalogue of edits, and those of other packages' scenes."""
    from benchmark.catalogue import catalogue
    from benchmark.extended import other_edits

    ours = [_edit(entry, entry.slug) for entry in catalogue()]
    return ours + [_edit(entry, f"{entry.scene}/{entry.slug}") for entry in other_edits()]


def _edit(entry: "CatalogueEdit", slug: str) -> Row:
    return {
        "scene": entry.scene,
        "instruction": entry.edit.instruction,
        "slug": slug,
        "edited_prompt": entry.edit.edited_prompt,
        "text_guidance": entry.edit.text_guidance,
        "image_guidance": entry.edit.image_guidance,
    }


def metrics() -> list[Row]:
    """What every cell is scored with, by mix2mix and by other packages."""
    from benchmark.extended import other_metrics
    from benchmark.tables import COLUMNS

    better = {"↑": "higher", "↓": "lower"}
    ours = [_metric(each.key, each.title, better[each.arrow], OURS) for each in COLUMNS if each.arrow]
    others = [(found.spec, found.origin) for found in other_metrics().values()]
    return ours + [_metric(spec.id, spec.title, spec.better, origin, spec.description) for spec, origin in others]


def _metric(name: str, title: str, better: str, origin: str, description: str | None = None) -> Row:
    return {"id": name, "title": title, "better": better, "origin": origin, "description": description}


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
    "methods": ("id", "paper", "year", "published", "needs", "cost", "origin", "description"),
    "scenes": ("name", "edits", "origin", "prompt"),
    "metrics": ("id", "title", "better", "origin", "description"),
    "edits": ("scene", "instruction", "text_guidance", "image_guidance", "slug"),
    "bundles": ("name", "weights", "title", "folder"),
}
"""Columns of the table, as many as fit a terminal; JSON has every field."""

KINDS: dict[str, Callable[[], list[Row]]] = {
    "methods": methods,
    "scenes": scenes,
    "edits": edits,
    "metrics": metrics,
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
