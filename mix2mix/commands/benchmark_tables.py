"""``mix2mix benchmark tables``: the paper's tables and Figure 7 from a run, with its statistics."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mix2mix.commands.options import add_command
from mix2mix.commands.output import save_files, staged_folder

if TYPE_CHECKING:
    from benchmark.paper_tables import PaperTable
    from benchmark.store import Run
    from mix2mix.commands.options import Commands
    from reports.figures import Curve

DETAILS = """\
Reads the saved results of a run, and with --ratings a CSV file of human ratings; needs no GPU and no weights. Writes a
folder, in place of an earlier one:

  table-1 ... table-6   methods, survey (with ratings), ablations, runtimes, updates and sharpness, edits: each as
                        .html, .csv, .md and .tex, the paper's figures beside the run's; those that the run has a row of
  figure-7              density of the teacher's timestep: .svg, .png, and its data as .csv
  statistics            .json: means with intervals, paired differences with p-values; .md: the same in brief
  validity.json         how the CLIP metrics agree with the truth, where the geometry of the edited scene is known

Intervals are 95 %, clustered by scene; p-values are corrected by Holm."""

SHARPNESSES = (0.1, 0.5, 1.0, 2.0)
"""The f of Table 5."""

TAU, UPPER = 25, 950
"""The last student timestep and the teacher's noisiest: at any other tau the density is this one, squeezed."""

DRAWS = 20_000


def add_to(actions: "Commands") -> None:
    """Add ``tables`` to the actions of ``benchmark``."""
    example = "mix2mix benchmark tables runs/mini-quick --ratings ratings.csv"
    purpose = "make the paper's tables from a run"
    parser = add_command(actions, "tables", tables, purpose=purpose, details=DETAILS, example=example)
    parser.add_argument("folder", metavar="RUN", type=Path, help="folder of the run")
    parser.add_argument("--ratings", metavar="CSV", type=Path, help="human ratings, for Table 2")
    parser.add_argument("--output", metavar="DIR", type=Path, help="(default: tables in the run's folder)")


def tables(arguments: argparse.Namespace) -> int:
    """Write everything, show the statistics and say where it is."""
    from benchmark.formats import FORMATS
    from benchmark.store import read_run
    from reports.figures import figure_7

    output = arguments.output or arguments.folder / "tables"
    print(f"reads   {arguments.folder}{f', {arguments.ratings}' if arguments.ratings else ''}")
    print(f"writes  {output}", flush=True)
    run = read_run(arguments.folder)
    made = _paper_tables(run, arguments.ratings)
    files = {f"table-{table.number}.{kind}": write(table) for table in made for kind, write in FORMATS.items()}
    told, statistics = _statistics(run)
    with staged_folder(output, marker="statistics.json") as folder:
        save_files({name: text.encode() for name, text in {**files, **statistics}.items()}, folder)
        save_files(figure_7(teacher_curves()), folder)
    print(f"\n{told}\n")
    _tell(made, output)
    return 0


def teacher_curves() -> "tuple[Curve, ...]":
    """The teacher's timestep at `TAU`: its closed form, and a seeded draw."""
    import torch

    from mix2mix.schedule import teacher_density, teacher_timestep
    from reports.figures import Curve

    generator = torch.Generator().manual_seed(0)
    centres = torch.arange(TAU, UPPER) + 0.5
    curves = []
    for f in SHARPNESSES:
        uniform = torch.rand(DRAWS, generator=generator, dtype=torch.float64)
        draws = teacher_timestep(uniform, torch.tensor(TAU), f, UPPER)
        counts = torch.bincount(draws - TAU, minlength=UPPER - TAU)
        curves.append(Curve(f, TAU, tuple(teacher_density(centres, TAU, f, UPPER).tolist()), tuple(counts.tolist())))
    return tuple(curves)


def _paper_tables(run: "Run", ratings: Path | None) -> "list[PaperTable]":
    from benchmark.paper_tables import paper_tables

    made = list(paper_tables(run))
    if ratings is not None:
        from survey.analysis import analyse
        from survey.paper_table import paper_table_2
        from survey.ratings import read_ratings

        methods = [method.name for method in run.record.methods]
        made.append(paper_table_2(analyse(read_ratings(ratings)), methods))
    return sorted(made, key=lambda table: table.number)


def _statistics(run: "Run") -> tuple[str, dict[str, str]]:
    """What the terminal shows, and the files."""
    from benchmark.analysis import analyse
    from benchmark.findings import correlation_table, count_table, difference_table, fooled_table, of_method
    from benchmark.formats import as_markdown, as_text
    from benchmark.published import FULL
    from benchmark.validity import validate

    found, validity = analyse(run), validate(run)
    counts = count_table(run, found)
    shown, full = [counts], [counts]
    if found.differences:
        shown.append(difference_table(run, of_method(found, FULL.method)))
        full.append(difference_table(run, found.differences))
    files = {"statistics.json": found.model_dump_json(indent=2) + "\n"}
    if validity:
        shown.append(correlation_table(run, validity))
        full += [correlation_table(run, validity), fooled_table(run, validity)]
        files["validity.json"] = validity.model_dump_json(indent=2) + "\n"
    files["statistics.md"] = "\n".join(map(as_markdown, full))
    return "\n\n".join(map(as_text, shown)), files


def _tell(made: "list[PaperTable]", output: Path) -> None:
    numbers = {table.number for table in made}
    absent = [number for number in range(1, 7) if number not in numbers]
    for number in absent:
        why = "no ratings were given" if number == 2 else "the run has no row of it"
        print(f"note    no Table {number}: {why}")
    print(f"tables {', '.join(map(str, sorted(numbers)))}, figure 7 and statistics: {output.resolve()}")
