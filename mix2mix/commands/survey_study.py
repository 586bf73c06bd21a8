"""``mix2mix survey create | serve | export``: a study from edited views, its web server, and its ratings."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mix2mix.commands.options import add_command, names, seed

if TYPE_CHECKING:
    from mix2mix.commands.options import Commands
    from survey.assignment import Design

CREATE_DETAILS = """\
Reads the views of a benchmark run (a folder with run.json), or of a plain folder: METHOD/SCENE/EDIT/view_0.png ...,
EDIT the slug of the instruction, and original/SCENE/view_0.png ... for the attention trials. Writes STUDY.toml, whose
texts you may change, and beside it STUDY.data with the pictures under random names and the fixed plan of who rates
what."""

SERVE_DETAILS = """\
Serves the study to browsers until Ctrl-C. Reads STUDY.toml and its folder; writes ratings.sqlite there. A change that
a rater's page calls saved is on the disk; after a crash everything goes on where it stopped. Listens on this machine
alone unless --host says otherwise; put a proxy that speaks https in front of it before raters come over a network."""

EXPORT_DETAILS = """\
Reads the ratings of a study from the disk, also while it is served. Writes one row a rated task, for
`mix2mix survey analyze`; attention trials and repeats are not ratings, and go into the file that --checks names."""


def add_to(actions: "Commands") -> None:
    """Add ``create``, ``serve`` and ``export``."""
    _add_create(actions)
    _add_serve(actions)
    _add_export(actions)


def create(arguments: argparse.Namespace) -> int:
    """Make a study and say what it asks for."""
    from survey.creation import create_study
    from survey.sources import read_source

    folder = arguments.output.with_name(f"{arguments.output.stem}.data")
    print(f"reads   {arguments.source}\nwrites  {arguments.output}, {folder}", flush=True)
    source = read_source(arguments.source, arguments.methods, arguments.run_seed)
    edits = len(source.sets) // len(arguments.methods)
    design = _design(arguments, edits)
    study = create_study(source, design, arguments.output, arguments.title, tell=print)
    for line in source.left_out:
        print(f"left out: {line}")
    places = study.plan.places
    shortest, longest = min(map(len, places)), max(map(len, places))
    tasks = f"{longest}" if shortest == longest else f"{shortest} to {longest}"
    methods = ", ".join(arguments.methods)
    print(f"sets: {len(source.sets)} ({edits} edits by {methods}), {design.raters_per_set} ratings each")
    print(f"raters: {len(places)}, {tasks} tasks each")
    print(f"next: `mix2mix survey serve {arguments.output}`")
    return 0


def serve(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from survey.server.serving import serve

    def tell(text: str) -> None:
        print(text, flush=True)

    serve(arguments.study, arguments.host, arguments.port, tell, behind_proxy=arguments.behind_proxy)
    return 0


def export(arguments: argparse.Namespace) -> int:
    """Write the ratings and say how many there are."""
    from survey.server.export import export_checks, export_ratings
    from survey.server.records import saved_raters
    from survey.study import read_study

    study = read_study(arguments.study)
    output = arguments.output or arguments.study.with_name(f"{arguments.study.stem}-ratings.csv")
    print(f"reads   {study.database}", flush=True)
    raters = saved_raters(study)
    finished = sum(rater.finished for rater in raters)
    print(f"raters: {len(raters)}, {finished} of them finished")
    print(f"ratings: {export_ratings(raters, output)} in {output}")
    if arguments.checks is not None:
        print(f"attention trials and repeats: {export_checks(raters, arguments.checks)} in {arguments.checks}")
    return 0


def _design(arguments: argparse.Namespace, edits: int) -> "Design":
    """The design as asked for; a repeat by default where there are tasks enough."""
    from survey.assignment import Design, check, most_repeats

    design = Design(
        methods=tuple(arguments.methods),
        raters_per_set=arguments.raters_per_set,
        tasks_per_rater=min(10, edits) if arguments.tasks_per_rater is None else arguments.tasks_per_rater,
        attention=arguments.attention,
        repeats=arguments.repeats or 0,
        seed=arguments.seed,
    )
    check(edits, design)
    return design if arguments.repeats is not None else replace(design, repeats=min(1, most_repeats(edits, design)))


def _add_create(actions: "Commands") -> None:
    example = "mix2mix survey create runs/mini-full --methods i-mix2mix,dge --output face.toml"
    purpose = "make a study from edited views"
    parser = add_command(actions, "create", create, purpose=purpose, details=CREATE_DETAILS, example=example)
    parser.add_argument("source", metavar="SOURCE", type=Path, help="a benchmark run, or a folder of views")
    parser.add_argument("--methods", type=names, required=True, help="the methods to compare, with commas between them")
    parser.add_argument(
        "--output", metavar="STUDY.toml", type=Path, default=Path("study.toml"), help="(default: study.toml)"
    )
    parser.add_argument("--title", default="Do these pictures fit together?", help="what raters read at the top")
    parser.add_argument("--raters-per-set", metavar="N", type=int, default=5, help="ratings of every set (default: 5)")
    parser.add_argument(
        "--tasks-per-rater", metavar="N", type=int, help="(default: 10, or one an edit where they are fewer)"
    )
    parser.add_argument("--attention", metavar="N", type=int, default=2, help="attention trials a rater (default: 2)")
    parser.add_argument("--repeats", metavar="N", type=int, help="sets a rater sees twice (default: 1, if tasks allow)")
    parser.add_argument("--seed", type=seed, default=0, help="of the assignment and its order (default: 0)")
    parser.add_argument("--run-seed", metavar="SEED", type=seed, help="whose cells of the run (default: the lowest)")


def _add_serve(actions: "Commands") -> None:
    example = "mix2mix survey serve study.toml --port 8000"
    parser = add_command(actions, "serve", serve, purpose="serve a study", details=SERVE_DETAILS, example=example)
    parser.add_argument("study", metavar="STUDY.toml", type=Path, help="made by `survey create`")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=_port, default=8000, help="0 takes any that is free (default: 8000)")
    parser.add_argument("--behind-proxy", action="store_true", help="trust a proxy on this machine: addresses, https")


def _add_export(actions: "Commands") -> None:
    example = "mix2mix survey export study.toml --output ratings.csv"
    purpose = "write the ratings of a study as CSV"
    parser = add_command(actions, "export", export, purpose=purpose, details=EXPORT_DETAILS, example=example)
    parser.add_argument("study", metavar="STUDY.toml", type=Path, help="made by `survey create`")
    parser.add_argument("--output", metavar="RATINGS.csv", type=Path, help="(default: STUDY-ratings.csv beside it)")
    parser.add_argument("--checks", metavar="FILE", type=Path, help="also write attention trials and repeats")


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"got '{text}'; expected a port from 0 to 65535")
    return int(text)
