"""``mix2mix benchmark speed``: how long each phase of an edit takes on this machine, and how much memory."""

import argparse
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from mix2mix.commands.options import add_bundle, add_command, add_device, add_memory, find_device, warn_uncompiled
from mix2mix.commands.progress import Progress
from mix2mix.commands.scenes import DEFAULT_VIEWS

if TYPE_CHECKING:
    from mix2mix.commands.options import Commands

DETAILS = """\
Reads the bundle's weights and a built-in scene, at the bundle's size. Writes nothing. Runs the phases of an edit by
I-Mix2Mix often enough to tell their spread: loading (once, with the import of the libraries), the reference view's
edit, an iteration as a whole and in its parts (draws, student forward, teacher, backward, optimiser), an Euler step
and decoding. Counts their arithmetic, and tells it as a share of what matrix products reach on the same device.

First runs and the capture of CUDA graphs are told apart. The time of a whole edit is extrapolated from the phases.
Takes about a minute, in which nothing else should run. Speed and memory do not depend on what the weights are: with
--weights random the paper's networks need no download."""


def add_to(actions: "Commands") -> None:
    """Add ``speed`` to the actions of ``benchmark``."""
    example = "mix2mix benchmark speed --bundle paper --weights random"
    purpose = "measure the speed and memory of an edit, phase by phase"
    parser = add_command(actions, "speed", run, purpose=purpose, details=DETAILS, example=example)
    add_bundle(parser)
    parser.add_argument(
        "--views", metavar="N", type=int, default=DEFAULT_VIEWS, help=f"from 2 to 8 (default: {DEFAULT_VIEWS})"
    )
    add_memory(parser)
    parser.add_argument("--json", action="store_true", help="print JSON instead, with every digit")
    add_device(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure and tell."""
    from mix2mix.bundles import bundle_folder

    bundle_folder(arguments.bundle, arguments.weights)  # an unknown bundle is told now
    device = find_device(arguments.device)

    from benchmark.speed import EFFORTS, SCENE, measure
    from benchmark.speed_report import text
    from mix2mix.bundles import bundle_info, load_bundle

    if not arguments.json:
        print(f"reads   bundle {arguments.bundle}, built-in scene {SCENE}: {arguments.views} views", flush=True)
    warn_uncompiled(bundle_info(arguments.bundle, arguments.weights).settings, device)
    load = partial(load_bundle, arguments.bundle, device, arguments.weights)
    with closing(Progress()) as progress:
        speed = measure(load, arguments.views, device, EFFORTS[device.partition(":")[0]], progress, arguments.memory)
    print(speed.model_dump_json(indent=2) if arguments.json else text(speed))
    return 0
