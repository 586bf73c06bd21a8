"""``mix2mix survey``: test human ratings, plan a study, simulate one; and the rating app's commands."""

import argparse
import json
import re
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from mix2mix.commands import survey_study
from mix2mix.commands.options import add_command, names, seed
from mix2mix.commands.output import save_files, staged_folder
from mix2mix.errors import InputError

if TYPE_CHECKING:
    from mix2mix.commands.options import Commands
    from survey.exact import Share
    from survey.results import Analysis
    from survey.simulate import Design

ANALYZE_DETAILS = """\
Reads a CSV file of ratings, a row a rated task, as `mix2mix survey export` writes it. Every fault of the file is told
by line and column, and then nothing is analysed. Prints Table 2, every test, effect sizes, the agreement of raters and
what each assumes; --output also saves them as analysis.json, analysis.md, table2.csv and table2.tex.

Differences are first method minus second; one-sided p-values ask whether the first is better."""

COUNTS_DETAILS = """\
Reads nothing, writes nothing: the exact tests of counts that are known, such as published ones. The first of two
rates is the method that is asked to be better: more consistent tasks, fewer inconsistent ones."""

POWER_DETAILS = """\
Reads nothing, writes nothing. Simulates studies of that size with that effect, and counts how often each test finds
it at 0.05, two-sided. The effect is the difference of mean pairs a task, first method minus second: negative is
better. The defaults come near the published study."""

SIMULATE_DETAILS = """\
Writes a CSV file of made-up ratings with known means, for tests and demonstrations. Sets, scenes and raters carry
names that begin with `simulated-`, and every analysis of the file says that it is simulated."""

TASKS_A_RATER = 10
MAX_POOL = 1000


def add_to(commands: "Commands") -> None:
    """Add ``survey`` with its own commands."""
    example = "mix2mix survey analyze ratings.csv"
    details = "`mix2mix survey ACTION --help` tells what each action reads and writes."
    purpose = "collect human ratings and test them"
    parser = add_command(commands, "survey", analyze, purpose=purpose, details=details, example=example)
    actions = parser.add_subparsers(metavar="ACTION", title="actions", required=True)
    survey_study.add_to(actions)
    _add_analyze(actions)
    _add_counts(actions)
    _add_power(actions)
    _add_simulate(actions)


def analyze(arguments: argparse.Namespace) -> int:
    """Analyse ratings, print what they say, and save it where asked."""
    from survey.analysis import analyse
    from survey.comparison import Settings
    from survey.ratings import read_ratings
    from survey.tables import as_text

    if not arguments.json:
        print(f"reads   {arguments.ratings}", flush=True)
    analysis = analyse(read_ratings(arguments.ratings), arguments.methods, Settings(seed=arguments.seed))
    if arguments.output is not None:
        _save(analysis, arguments.output)
    if arguments.json:
        print(analysis.model_dump_json(indent=2))
        return 0
    print(f"\n{as_text(analysis)}")
    if arguments.output is not None:
        print(f"\nsaved in {arguments.output.resolve()}")
    return 0


def counts(arguments: argparse.Namespace) -> int:
    """Test counts that are given."""
    from benchmark.formats import as_text
    from survey.counts import count_tests, counts_table

    given = (arguments.wins, arguments.consistent, arguments.inconsistent)
    if not any(given):
        fix = "Give some, such as --wins 15/20."
        raise InputError("counts", got="none", expected="--wins, --consistent or --inconsistent", fix=fix)
    tests = count_tests(*given)
    print(tests.model_dump_json(indent=2, exclude_none=True) if arguments.json else as_text(counts_table(tests)))
    return 0


def power(arguments: argparse.Namespace) -> int:
    """Simulate studies with each effect and tell how often each test finds it."""
    from benchmark.formats import as_text
    from survey.power import power_record, power_table, simulate_power

    designs = [_design(arguments, (arguments.pairs + effect, arguments.pairs)) for effect in arguments.effect]
    found = [simulate_power(design, arguments.studies, arguments.seed) for design in designs]
    if arguments.json:
        rows = [
            {"effect": effect, "tests": power_record(by)} for effect, by in zip(arguments.effect, found, strict=True)
        ]
        size = {"scenes": arguments.scenes, "raters": arguments.raters, "studies": arguments.studies}
        print(json.dumps({**size, "simulated": True, "results": rows}, indent=2))
    else:
        print(as_text(power_table(arguments.effect, found)))
    return 0


def simulate(arguments: argparse.Namespace) -> int:
    """Write a simulated study."""
    from survey.ratings import write_ratings
    from survey.simulated_ratings import simulate_ratings

    if len(arguments.methods) != len(arguments.means):
        got = f"{len(arguments.methods)} methods and {len(arguments.means)} means"
        raise InputError("--means", got=got, expected="a mean for every method", fix="Give as many of both.")
    ratings = simulate_ratings(_design(arguments, arguments.means), arguments.methods, arguments.seed)
    print(f"writes  {arguments.output}", flush=True)
    try:
        with arguments.output.open("w", encoding="utf-8", newline="") as stream:
            write_ratings(stream, ratings)
    except OSError as error:
        expected, fix = "a file that can be written", "Choose another --output."
        got = error.strerror or str(error)
        raise InputError(f"output {arguments.output}", got=got, expected=expected, fix=fix) from error
    print(f"simulated ratings: {len(ratings)}; `mix2mix survey analyze {arguments.output}` analyses them")
    return 0


def share(text: str) -> "Share":
    """``15/20`` as so many of so many."""
    from survey.exact import Share

    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    if not found:
        raise argparse.ArgumentTypeError(f"got '{text}'; expected a count of a number, such as 15/20")
    try:
        return Share(int(found[1]), int(found[2]))
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def shares(text: str) -> "tuple[Share, Share]":
    """``65/100,34/100`` as the counts of two methods."""
    parts = text.split(",")
    if len(parts) != 2:
        raise argparse.ArgumentTypeError(f"got '{text}'; expected two counts with a comma, such as 65/100,34/100")
    return share(parts[0]), share(parts[1])


def numbers(text: str) -> tuple[float, ...]:
    """``1.34,2.02`` as numbers above 0."""
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = (0.0,)
    if not all(0 < value < float("inf") for value in found):
        raise argparse.ArgumentTypeError(f"got '{text}'; expected numbers above 0 with commas, such as 1.34,2.02")
    return found


def _add_analyze(actions: "Commands") -> None:
    example = "mix2mix survey analyze ratings.csv --methods i-mix2mix,dge --output analysis"
    parser = add_command(
        actions, "analyze", analyze, purpose="test ratings exactly", details=ANALYZE_DETAILS, example=example
    )
    parser.add_argument("ratings", metavar="RATINGS.csv", type=Path, help="file of ratings")
    parser.add_argument(
        "--methods", type=names, default=(), help="two or more, first against second (default: all, i-mix2mix first)"
    )
    parser.add_argument("--seed", type=seed, default=0, help="of what is drawn at random (default: 0)")
    parser.add_argument("--json", action="store_true", help="print JSON with every field instead")
    parser.add_argument("--output", metavar="DIR", type=Path, help="folder for JSON, Markdown, CSV and LaTeX")


def _add_counts(actions: "Commands") -> None:
    example = "mix2mix survey counts --wins 15/20 --consistent 65/100,34/100 --inconsistent 13/100,31/100"
    parser = add_command(
        actions, "counts", counts, purpose="test known counts", details=COUNTS_DETAILS, example=example
    )
    parser.add_argument("--wins", metavar="WON/SCENES", type=share, help="scenes won, of those not tied")
    parser.add_argument("--consistent", metavar="N/TASKS,N/TASKS", type=shares, help="tasks with at most one pair")
    parser.add_argument("--inconsistent", metavar="N/TASKS,N/TASKS", type=shares, help="tasks with three pairs or more")
    parser.add_argument("--json", action="store_true", help="print JSON instead")


def _add_power(actions: "Commands") -> None:
    example = "mix2mix survey power --scenes 20 --raters 5 --effect -0.3 -0.68"
    purpose = "tell what a study of some size would find"
    parser = add_command(actions, "power", power, purpose=purpose, details=POWER_DETAILS, example=example)
    parser.add_argument("--effect", type=float, nargs="+", default=[-0.68], help="difference of means (default: -0.68)")
    parser.add_argument("--pairs", type=float, default=2.02, help="mean pairs of the second method (default: 2.02)")
    parser.add_argument("--studies", type=_studies, default=1000, help="studies to simulate (default: 1000)")
    parser.add_argument("--json", action="store_true", help="print JSON instead")
    _add_design(parser)


def _add_simulate(actions: "Commands") -> None:
    example = "mix2mix survey simulate --methods i-mix2mix,dge --means 1.34,2.02 --output simulated.csv"
    purpose = "make up a study with known effects"
    parser = add_command(actions, "simulate", simulate, purpose=purpose, details=SIMULATE_DETAILS, example=example)
    parser.add_argument("--methods", type=names, default=("i-mix2mix", "dge"), help="(default: i-mix2mix,dge)")
    parser.add_argument("--means", type=numbers, default=(1.34, 2.02), help="mean pairs of each (default: 1.34,2.02)")
    parser.add_argument(
        "--output", metavar="FILE", type=Path, default=Path("simulated.csv"), help="(default: %(default)s)"
    )
    parser.add_argument(
        "--careless", type=float, default=0.0, help="part of the raters who mark at random (default: 0)"
    )
    _add_design(parser)


def _add_design(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scenes", type=int, default=20, help="scenes, each with one edit (default: 20)")
    parser.add_argument("--raters", type=int, default=5, help="raters of each set (default: 5)")
    parser.add_argument("--pool", type=int, help="raters in all (default: so many that each has about ten tasks)")
    parser.add_argument("--scene-sd", type=float, default=0.4, help="spread of scenes, log scale (default: 0.4)")
    parser.add_argument("--set-sd", type=float, default=0.3, help="spread of sets, log scale (default: 0.3)")
    parser.add_argument("--rater-sd", type=float, default=0.3, help="spread of raters, log scale (default: 0.3)")
    parser.add_argument("--seed", type=seed, default=0, help="(default: 0)")


def _studies(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"got '{text}'; expected a whole number from 1 to 1000000")
    return int(text)


def _design(arguments: argparse.Namespace, means: tuple[float, ...]) -> "Design":
    from survey.simulate import Design

    tasks = len(means) * arguments.scenes * arguments.raters
    return Design(
        scenes=arguments.scenes,
        raters_per_set=arguments.raters,
        raters=_pool(tasks, arguments.raters) if arguments.pool is None else arguments.pool,
        means=means,
        scene_sd=arguments.scene_sd,
        set_sd=arguments.set_sd,
        rater_sd=arguments.rater_sd,
        careless=getattr(arguments, "careless", 0.0),
    )


def _pool(tasks: int, raters_per_set: int) -> int:
    """So many raters that each has about ten tasks."""
    return max(raters_per_set, min(MAX_POOL, ceil(tasks / TASKS_A_RATER)))


def _save(analysis: "Analysis", output: Path) -> None:
    from survey.tables import as_csv, as_latex, as_markdown

    files = {
        "analysis.json": analysis.model_dump_json(indent=2) + "\n",
        "analysis.md": as_markdown(analysis),
        "table2.csv": as_csv(analysis),
        "table2.tex": as_latex(analysis),
    }
    with staged_folder(output, marker="analysis.json") as folder:
        save_files({name: text.encode() for name, text in files.items()}, folder)
