"""``mix2mix benchmark``: run methods on the catalogue's edits, score a run again, compare runs."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mix2mix.commands import benchmark_compare, benchmark_import, benchmark_speed, benchmark_tables
from mix2mix.commands.options import (
    add_bundle,
    add_command,
    add_device,
    add_devices,
    add_memory,
    find_device,
    find_devices,
    integers,
    names,
    warn_uncompiled,
)
from mix2mix.commands.scenes import MiniatureWorld
from mix2mix.errors import InputError

if TYPE_CHECKING:
    from benchmark.options import RunOptions, RunSummary
    from mix2mix.commands.options import Commands

RUN_DETAILS = """\
Runs every method on every edit with every seed, times and scores it. Reads the built-in scenes and the bundle's
weights. Writes a folder for each cell, table.csv, table.md and table.tex into the output folder. A run that was cut
short goes on when the command is repeated: cells that are finished and unchanged are kept.

With several devices (--devices cuda:0,cuda:1 or all) each has a process of its own that runs one cell at a time. With
--executor ray every cell is a task on the cluster at --address, begun again elsewhere when its node dies.

Budgets: smoke (seconds), quick (about nine minutes on 2 cores: three edits), full (all twenty edits, for a GPU)."""

SCORE_DETAILS = """\
Scores the saved views of a run again, after a change of the metrics, and writes its tables anew. Reads the run and
the weights of the bundle that it was made with; changes result.json of every cell."""


def add_to(commands: "Commands") -> None:
    """Add ``benchmark`` with its own commands."""
    example = "mix2mix benchmark run"
    details = "`mix2mix benchmark ACTION --help` tells what each action reads and writes."
    parser = add_command(commands, "benchmark", run, purpose="compare methods", details=details, example=example)
    actions = parser.add_subparsers(metavar="ACTION", title="actions", required=True)
    _add_run(actions)
    _add_score(actions)
    benchmark_compare.add_to(actions)
    benchmark_tables.add_to(actions)
    benchmark_speed.add_to(actions)
    benchmark_import.add_to(actions)


def run(arguments: argparse.Namespace) -> int:
    """Run the cells that are not finished, show the table of all and how the run ended."""
    from benchmark.resume import finished_run
    from benchmark.store import read_run
    from benchmark.tables import summary

    _check_executor(arguments)
    options = _options(arguments)
    ended = finished_run(options) or _run_rest(options, arguments)
    print(f"\n{summary(read_run(options.output))}\n")
    _tell_end(ended)
    return ended.exit_status


def score(arguments: argparse.Namespace) -> int:
    """Score a run again."""
    from benchmark.rescoring import rescore
    from benchmark.store import read_run
    from benchmark.tables import summary
    from mix2mix.bundles import load_bundle

    made_with = read_run(arguments.folder).record.provenance.bundle
    bundle = load_bundle(made_with.name, find_device(arguments.device))
    count = rescore(arguments.folder, bundle, MiniatureWorld(bundle.settings.image_size))
    print(f"{summary(read_run(arguments.folder))}\n\nscored {count} cells of {arguments.folder}")
    return 0


def _add_run(actions: "Commands") -> None:
    example = "mix2mix benchmark run --budget smoke --methods i-mix2mix,i-mix2mix@f=0.1,t2vz"
    parser = add_command(
        actions, "run", run, purpose="run methods on edits and score them", details=RUN_DETAILS, example=example
    )
    add_bundle(parser)
    parser.add_argument("--budget", default="quick", help="smoke, quick or full (default: quick)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--methods", type=names, help="methods, perhaps with settings (default: the budget's)")
    which.add_argument("--table", type=int, help="all methods of the paper's Table 1, 3, 4 or 5")
    parser.add_argument("--edits", type=names, help="instructions or slugs (default: the budget's)")
    parser.add_argument("--seeds", type=integers, default=(0,), help="seeds with commas between them (default: 0)")
    parser.add_argument("--views", type=int, metavar="N", help="views a scene, 2 to 8 (default: the budget's, 4)")
    parser.add_argument("--output", metavar="DIR", type=Path, help="(default: runs/BUNDLE-BUDGET)")
    add_memory(parser)
    parser.add_argument("--executor", choices=("local", "ray"), default="local", help="(default: local)")
    parser.add_argument("--address", help="of the Ray cluster (default: begin one on this machine)")
    add_devices(parser)


def _add_score(actions: "Commands") -> None:
    example = "mix2mix benchmark score runs/mini-quick"
    parser = add_command(
        actions, "score", score, purpose="score a finished run again", details=SCORE_DETAILS, example=example
    )
    parser.add_argument("folder", metavar="RUN", type=Path, help="folder of the run")
    add_device(parser)


def _options(arguments: argparse.Namespace) -> "RunOptions":
    """Everything that can be checked without torch."""
    from functools import partial

    from baselines.registry import load_method, parse_variant
    from benchmark.budgets import find_budget
    from benchmark.extended import find_any_edit
    from benchmark.options import RunOptions, bundle_facts
    from mix2mix.bundles import load_bundle

    budget = replace(find_budget(arguments.budget), memory=arguments.memory)
    if arguments.views is not None:
        budget = replace(budget, views=arguments.views)
    variants = {variant.name: variant for variant in map(parse_variant, _methods(arguments, budget.methods))}
    edits = dict.fromkeys(find_any_edit(text) for text in arguments.edits or budget.edits)
    table = "" if arguments.table is None else f"-table-{arguments.table}"
    views = "" if arguments.views is None else f"-{budget.views}-views"
    output = arguments.output or Path("runs", f"{arguments.bundle}-{budget.name}{table}{views}")
    bundle = bundle_facts(arguments.bundle, arguments.weights)
    print(f"reads   built-in scenes, bundle {arguments.bundle}; budget {budget.name} ({budget.purpose})")
    print(f"runs    methods: {', '.join(variants)}; edits: {', '.join(entry.slug for entry in edits)}")
    print(f"writes  {output}", flush=True)
    return RunOptions(
        output=output,
        budget=budget,
        variants=tuple(variants.values()),
        edits=tuple(edits),
        bundle=bundle,
        load_bundle=partial(load_bundle, bundle.name, weights=arguments.weights),
        scenes=MiniatureWorld(bundle.settings.image_size),
        load_method=load_method,
        seeds=tuple(dict.fromkeys(arguments.seeds)),
        command=arguments.command_line,
    )


def _methods(arguments: argparse.Namespace, default: Sequence[str]) -> Sequence[str]:
    """The methods asked for, by name or as a table's; what of a table does not exist yet is told."""
    if arguments.table is None:
        return arguments.methods or default
    from baselines.registry import all_specs
    from benchmark.published import find_table, split_known

    known, absent = split_known(find_table(arguments.table), all_specs())
    if absent:
        print(f"note    not there: {', '.join(absent)}")
    return known


def _run_rest(options: "RunOptions", arguments: argparse.Namespace) -> "RunSummary":
    from benchmark.runner import run_benchmark
    from benchmark.store import writing

    if arguments.executor == "ray":
        return _run_on_cluster(options, arguments)
    devices = find_devices(arguments.devices or (arguments.device,))
    print(f"uses    {', '.join(devices)}{': a process each' if len(devices) > 1 else ''}", flush=True)
    warn_uncompiled(options.bundle.settings, devices[0])
    if len(set(devices)) < len(devices):
        print("note    workers that share a device slow each other: their cells are not timed")
    with writing(options.output):
        options.output.mkdir(parents=True, exist_ok=True)
    return run_benchmark(options, devices)


def _check_executor(arguments: argparse.Namespace) -> None:
    """Raise an `InputError` for options that the executor would not heed."""
    unheeded = "--devices" if arguments.executor == "ray" and arguments.devices else ""
    unheeded = "--address" if arguments.executor == "local" and arguments.address else unheeded
    if unheeded:
        got, fix = f"it with --executor {arguments.executor}", "Leave one of them out."
        raise InputError(unheeded, got=got, expected="--address with ray, --devices without", fix=fix)


def _run_on_cluster(options: "RunOptions", arguments: argparse.Namespace) -> "RunSummary":
    from benchmark.ray_executor import cluster_device, connect, needs_of, ray_crew
    from benchmark.runner import run_benchmark
    from benchmark.store import writing

    connect(arguments.address)
    device = cluster_device(arguments.device)
    needs = needs_of(options.bundle.settings, device)
    print(f"uses    the Ray cluster; a cell takes {needs}, on {device}", flush=True)
    with writing(options.output):
        options.output.mkdir(parents=True, exist_ok=True)
    return run_benchmark(options, (device,), ray_crew(needs))


def _tell_end(ended: "RunSummary") -> None:
    print(f"cells: {len(ended.results)}{_kept(ended)}; `mix2mix report {ended.folder}` makes their page")
    for result in ended.failed:
        identity = result.identity
        print(f"{result.status}: {identity.method} {identity.scene} {identity.edit}: {result.reason}", file=sys.stderr)
    if ended.interrupted:
        print("interrupted: the same command goes on where it stopped", file=sys.stderr)


def _kept(ended: "RunSummary") -> str:
    if ended.kept == len(ended.results) and not ended.interrupted:
        return ", all finished earlier and unchanged: nothing was to do"
    return f", {ended.kept} of them kept from an earlier run" if ended.kept else ""
