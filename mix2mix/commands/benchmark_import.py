"""``mix2mix benchmark import``: views made elsewhere become cells of a run."""

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from mix2mix.commands.options import add_bundle, add_command, add_device, find_device
from mix2mix.commands.scenes import MiniatureWorld

if TYPE_CHECKING:
    from mix2mix.commands.options import Commands

DETAILS = """\
Reads METHOD/SCENE/EDIT/view_0.png ... (or jpg, jpeg, webp), EDIT the slug of the instruction, and the views before any
edit, original/SCENE/view_0.png ...; and the bundle's weights, to score with. Numbers, sizes and order of all views are
checked first, and blank ones refused: either all become cells or none.

Writes a run: cells that are compared, surveyed and reported like any other, with their origin in their notes. To stand
in one table with other methods, add them to a run with --output RUN; its bundle scores them. Times are not known. Where
the originals are those of a built-in scene its true geometry gives reprojection errors; elsewhere there are none.
Instructions that the catalogue has no prompts for are not scored."""


def add_to(actions: "Commands") -> None:
    """Add ``import`` to the actions of ``benchmark``."""
    example = "mix2mix benchmark import our-views --output runs/mini-quick"
    purpose = "turn views made elsewhere into cells"
    parser = add_command(actions, "import", import_, purpose=purpose, details=DETAILS, example=example)
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="METHOD/SCENE/EDIT/view_0.png ...")
    parser.add_argument("--output", metavar="RUN", type=Path, help="new, or to add to (default: runs/imported-FOLDER)")
    add_bundle(parser)
    add_device(parser)


def import_(arguments: argparse.Namespace) -> int:
    """Import all views, show the run's table and how many there are."""
    from functools import partial

    from benchmark.imports import ImportOptions, import_views
    from benchmark.options import bundle_facts
    from benchmark.store import read_run
    from benchmark.tables import summary
    from mix2mix.bundles import load_bundle

    output = arguments.output or Path("runs", f"imported-{arguments.folder.resolve().name}")
    print(f"reads   {arguments.folder}, bundle {arguments.bundle}\nwrites  {output}", flush=True)
    bundle = bundle_facts(arguments.bundle, arguments.weights)
    options = ImportOptions(
        folder=arguments.folder,
        output=output,
        bundle=bundle,
        load_bundle=partial(load_bundle, bundle.name, weights=arguments.weights),
        scenes=MiniatureWorld(bundle.settings.image_size),
        device=find_device(arguments.device),
        command=arguments.command_line,
    )
    results = import_views(options, tell=partial(print, flush=True))
    counts = Counter(result.identity.method for result in results)
    print(f"\n{summary(read_run(output))}\n")
    print(f"imported: {len(results)} cells ({', '.join(f'{name} {count}' for name, count in counts.items())})")
    print(f"`mix2mix report {output}` makes their page")
    return 0
