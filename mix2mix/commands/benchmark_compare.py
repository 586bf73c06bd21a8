"""``mix2mix benchmark compare`` and ``check``: two runs, or a run and what is expected of it. No torch."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mix2mix.commands.options import add_command

if TYPE_CHECKING:
    from benchmark.compare import Change, Comparison
    from mix2mix.commands.options import Commands

COMPARE_DETAILS = """\
Reads two runs and compares the cells that are ok in both: same method, scene, edit and seed. Writes nothing. Tells the
change of every metric of every method from the first to the second, with a 95 % interval clustered by scene (none with
one scene), and by a stated tolerance whether it improved, stayed the same or got worse. Times are compared on the same
hardware only. A cell that was ok in the first and failed in the second is lost. Exit 1 where anything got worse or was
lost, 2 where the runs have nothing in common."""

CHECK_DETAILS = """\
Reads a run and the reference of its bundle and budget, and compares the cells that both have; one cell is enough.
Writes nothing. Tolerances come from the spread over the runs that the reference was made from. Needs no GPU and no
weights. Exit 1 where a metric got worse or a cell of the reference failed, 2 where there is no reference to check
against."""

HEADINGS = ("Method", "Metric", "cells", "before", "after", "change", "95 % interval", "tolerance", "verdict")


def add_to(actions: "Commands") -> None:
    """Add ``compare`` and ``check`` to the actions of ``benchmark``."""
    example = "mix2mix benchmark compare runs/before runs/after"
    parser = add_command(
        actions, "compare", compare, purpose="compare two runs", details=COMPARE_DETAILS, example=example
    )
    parser.add_argument("before", metavar="RUN_A", type=Path, help="folder of the run to compare with")
    parser.add_argument("after", metavar="RUN_B", type=Path, help="folder of the run to judge")
    parser.add_argument("--json", action="store_true", help="print JSON instead, with every digit")
    example = "mix2mix benchmark check runs/mini-quick"
    purpose = "check a run against its reference"
    parser = add_command(actions, "check", check, purpose=purpose, details=CHECK_DETAILS, example=example)
    parser.add_argument("folder", metavar="RUN", type=Path, help="folder of the run")
    parser.add_argument(
        "--reference",
        metavar="FILE",
        type=Path,
        help="(default: the one that comes with mix2mix for bundle and budget)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead, with every digit")


def compare(arguments: argparse.Namespace) -> int:
    """Compare two runs."""
    from benchmark.compare import compare_runs
    from benchmark.store import read_run

    if not arguments.json:
        print(f"reads   {arguments.before}, {arguments.after}", flush=True)
    return _tell(compare_runs(read_run(arguments.before), read_run(arguments.after)), arguments.json)


def check(arguments: argparse.Namespace) -> int:
    """Check a run."""
    from benchmark.compare import check_run
    from benchmark.references import find_reference, read_reference
    from benchmark.store import read_run

    run = read_run(arguments.folder)
    if arguments.reference is None:
        reference = find_reference(run.record.provenance.bundle.name, run.record.budget)
    else:
        reference = read_reference(arguments.reference)
    if not arguments.json:
        source = arguments.reference or f"the reference {reference.bundle}-{reference.budget}"
        print(f"reads   {arguments.folder}, {source} (of {reference.runs} runs)", flush=True)
    return _tell(check_run(run, reference), arguments.json)


def _tell(comparison: "Comparison", as_json: bool) -> int:
    if as_json:
        print(comparison.model_dump_json(indent=2))
    else:
        print("\n".join([*_table(comparison.changes), "", *_ending(comparison)]))
        for warning in comparison.warnings:
            print(f"warning: {warning}", file=sys.stderr)
    return int(comparison.verdict == "worse")


def _table(changes: "tuple[Change, ...]") -> list[str]:
    rows = [HEADINGS, *map(_row, changes)]
    widths = [max(map(len, texts)) for texts in zip(*rows, strict=True)]
    lines = ["  ".join(_cells(row, widths)).rstrip() for row in rows]
    return ["", lines[0], "-" * max(map(len, lines)), *lines[1:]]


def _cells(row: tuple[str, ...], widths: list[int]) -> list[str]:
    """Names to the left, numbers to the right."""
    aligned = zip(row, widths, range(len(row)), strict=True)
    return [text.rjust(width) if 1 < index < len(row) - 1 else text.ljust(width) for text, width, index in aligned]


def _row(change: "Change") -> tuple[str, ...]:
    interval = f"{change.interval.low:+z.3f} to {change.interval.high:+z.3f}" if change.interval else "-"
    numbers = (f"{change.before:.3f}", f"{change.after:.3f}", f"{change.difference:+z.3f}", interval)
    verdict = f"{change.verdict} ({change.beyond} of {change.cells} cells)" if change.beyond else change.verdict
    return change.method, change.title, str(change.cells), *numbers, f"{change.tolerance:.3f}", verdict


def _ending(comparison: "Comparison") -> list[str]:
    verdicts = [change.verdict for change in comparison.changes]
    counted = ", ".join(f"{verdicts.count(one)} {one}" for one in ("improved", "same", "worse"))
    return [
        f"{comparison.after} against {comparison.before}: {counted}",
        f"cells compared: {comparison.common}; only in the first: {comparison.only_before}; only in the second: "
        f"{comparison.only_after}",
        *(f"lost: {name} failed" for name in comparison.lost),
    ]
