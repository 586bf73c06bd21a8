"""``mix2mix report``: the page of a run."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mix2mix.commands.options import add_command

if TYPE_CHECKING:
    from mix2mix.commands.options import Commands

DETAILS = """\
Reads the saved files of a run, and with --ratings a file of human ratings; needs no GPU and no weights. Writes one HTML
file that holds all pictures as thumbnails, and with --images a folder beside it with the full ones."""


def add_to(commands: "Commands") -> None:
    """Add ``report``."""
    example = "mix2mix report runs/mini-quick"
    parser = add_command(commands, "report", run, purpose="make the page of a run", details=DETAILS, example=example)
    parser.add_argument("folder", metavar="RUN", type=Path, help="folder of the run")
    parser.add_argument("--output", metavar="FILE", type=Path, help="(default: report.html in the run's folder)")
    parser.add_argument(
        "--ratings", metavar="RATINGS.csv", type=Path, help="also show what raters said, as `survey analyze` does"
    )
    parser.add_argument("--images", action="store_true", help="also copy the full pictures into a folder beside it")
    parser.add_argument(
        "--sheet", metavar="FILE", type=Path, help="also write all edits and methods as one PNG or JPEG"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the page and say where it is."""
    from reports.page import write_report
    from reports.sheet import write_sheet

    output = arguments.output or arguments.folder / "report.html"
    print(f"reads   {arguments.folder}", flush=True)
    write_report(arguments.folder, output, arguments.ratings, arguments.images)
    print(f"report: {output.resolve()}")
    if arguments.sheet is not None:
        write_sheet(arguments.folder, arguments.sheet)
        print(f"sheet: {arguments.sheet.resolve()}")
    return 0
