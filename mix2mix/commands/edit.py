"""``mix2mix edit``: one edit of one scene, written as pictures."""

import argparse
import json
import time
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mix2mix.commands.options import (
    add_bundle,
    add_command,
    add_device,
    add_memory,
    find_device,
    guidance,
    integers,
    seed,
    warn_uncompiled,
)
from mix2mix.commands.output import save_files, staged_folder
from mix2mix.commands.progress import Progress
from mix2mix.commands.scenes import MOST_VIEWS, BuiltInScene, PhotoScene, choose_scene
from mix2mix.edit import Edit
from mix2mix.errors import InputError

if TYPE_CHECKING:
    from baselines.api import EditResult, SettingValue, Variant
    from mix2mix.bundles import Bundle, Weights
    from mix2mix.commands.options import Commands
    from mix2mix.scene import Scene

MARKER = "edit.json"

KNOWS = {"mini": "their own miniature world only: on photos they show how the method works, and no likeness"}
"""What is to be told of a bundle's models before they are put to photos."""

DETAILS = """\
SCENE is a built-in one (face, bear, person) or a folder with a NeRF-style transforms.json; a folder that has the
name of a built-in one is written ./face.

Reads the scene and the bundle's weights. Writes view_0.png, view_1.png, ..., grid.png (the originals above the
edits) and edit.json (all that they depend on) into the output folder, at the end and at once.

An instruction of the paper's Table 6 (see `mix2mix list edits`) brings its prompts and guidance along."""


@dataclass(frozen=True)
class Job:
    """What was asked for, checked as far as that goes without loading a model."""

    choice: BuiltInScene | PhotoScene
    edit: Edit
    variant: "Variant"
    settings: dict[str, "SettingValue"]
    budget: str
    bundle: str
    weights: "Weights | None"
    seed: int
    device: str
    output: Path


def add_to(commands: "Commands") -> None:
    """Add ``edit``."""
    example = 'mix2mix edit face --instruction "Turn him into a vampire"'
    parser = add_command(
        commands, "edit", run, purpose="edit the views of a scene by an instruction", details=DETAILS, example=example
    )
    parser.add_argument("scene", metavar="SCENE", help="built-in name or folder")
    parser.add_argument("--instruction", metavar="TEXT", required=True, help="what to change")
    parser.add_argument("--method", default="i-mix2mix", help="method, perhaps with settings: i-mix2mix@k=20+f=0.1")
    add_bundle(parser)
    parser.add_argument("--budget", help="smoke, quick or full (default: full on a GPU, quick on a CPU)")
    parser.add_argument(
        "--frames", type=integers, help="views, counted from 0: 0,1,2,3 (default: those that there are)"
    )
    parser.add_argument("--seed", type=seed, default=0, help="seed of everything random (default: 0)")
    parser.add_argument("--text-guidance", metavar="S_T", type=guidance, help="strength of the text (default: 7.5)")
    parser.add_argument("--image-guidance", metavar="S_I", type=guidance, help="hold on the image (default: 1.5)")
    parser.add_argument("--output", metavar="DIR", type=Path, help="(default: outputs/METHOD/SCENE/EDIT)")
    add_memory(parser)
    add_device(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check everything, claim the output, load the models, edit, write."""
    job = _job(arguments)
    started = time.monotonic()
    with staged_folder(job.output, MARKER) as folder:
        save_files(_files(job), folder)
    print(f"done in {time.monotonic() - started:.0f} s: {job.output / 'grid.png'}")
    return 0


def _job(arguments: argparse.Namespace) -> Job:
    from baselines.registry import parse_variant
    from benchmark.budgets import find_budget
    from benchmark.cells import settings_of
    from mix2mix.bundles import bundle_folder

    bundle_folder(arguments.bundle, arguments.weights)  # an unknown bundle is told now
    edit = _edit(arguments)
    variant = parse_variant(arguments.method)
    choice = choose_scene(arguments.scene, arguments.frames)
    if "truth" in variant.spec.needs and not choice.has_truth:
        expected, fix = "a built-in scene from its first view on", "Choose another --method or other views."
        raise InputError(f"scene of method '{variant.spec.id}'", got=choice, expected=expected, fix=fix)
    device = find_device(arguments.device)
    budget = replace(find_budget(arguments.budget or ("quick" if device == "cpu" else "full")), memory=arguments.memory)
    output = arguments.output or Path("outputs", variant.name, choice.name, edit.slug[:80])
    settings, models = settings_of(variant, budget), (arguments.bundle, arguments.weights)
    return Job(choice, edit, variant, settings, budget.name, *models, arguments.seed, device, output)


def _edit(arguments: argparse.Namespace) -> Edit:
    """The catalogue's edit of that instruction, or one of the user's own; guidance as given, where it is given."""
    from benchmark.catalogue import catalogue

    instruction = arguments.instruction.strip()
    if not instruction:
        fix = 'Say what to change, such as --instruction "Turn him into a vampire".'
        raise InputError("--instruction", got="nothing", expected="a sentence", fix=fix)
    own = Edit(instruction, original_prompt="a photo", edited_prompt=instruction)
    edit = next((entry.edit for entry in catalogue() if entry.slug == own.slug), own)
    given = {"text_guidance": arguments.text_guidance, "image_guidance": arguments.image_guidance}
    return replace(edit, **{name: value for name, value in given.items() if value is not None})


def _files(job: Job) -> dict[str, bytes]:
    """Load, edit, check, and return the files to write."""
    from baselines.api import EditRequest
    from baselines.registry import load_method
    from benchmark.execution import check_views
    from mix2mix.bundles import load_bundle

    print(f"loads   bundle {job.bundle} on {job.device}", flush=True)
    bundle = load_bundle(job.bundle, job.device, job.weights)
    scene = job.choice.load(bundle.settings.image_size)
    _check_count(job, scene)
    _announce(job, scene, bundle)
    warn_uncompiled(bundle.settings, job.device)
    with closing(Progress()) as progress:
        request = EditRequest(scene, job.edit, bundle, job.seed, job.device, progress, job.settings)
        result = load_method(job.variant.spec.id).edit(request)
    check_views(result.views, tuple(scene.images.shape), untrained=bundle.settings.random_weights)
    return _pictures(scene, result) | {MARKER: _facts(job, scene, bundle, result)}


def _check_count(job: Job, scene: "Scene") -> None:
    """Refuse a dense capture that nobody chose views of: the method is for a few, and memory grows with them."""
    count = len(scene.frames)
    if job.choice.frames is None and count > MOST_VIEWS:
        expected, fix = f"a sparse set of 2 to {MOST_VIEWS}", "Choose with --frames, such as --frames 0,10,20,30."
        raise InputError(f"views of {job.choice}", got=f"all {count}", expected=expected, fix=fix)


def _announce(job: Job, scene: "Scene", bundle: "Bundle") -> None:
    edit, settings = job.edit, ", ".join(f"{name}={value}" for name, value in job.settings.items())
    print(f"reads   {job.choice}: {len(scene.frames)} views ({', '.join(scene.frames)})")
    print(f"edits   '{edit.instruction}', guidance {edit.text_guidance:g} (text) and {edit.image_guidance:g} (image)")
    if (factor := bundle.settings.text_guidance_factor) != 1:
        given = bundle.guided(edit).text_guidance
        print(f"        text guidance times {factor:g}, as bundle {bundle.name} wants it: {given:g}")
    print(f"with    {job.variant.spec.id}, seed {job.seed}, budget {job.budget}{f': {settings}' if settings else ''}")
    print(f"writes  {job.output}", flush=True)
    if isinstance(job.choice, PhotoScene) and bundle.name in KNOWS:
        print(f"note    the models of bundle {bundle.name} know {KNOWS[bundle.name]}")
    if bundle.settings.random_weights:
        print("note    the weights are random: the pictures show nothing")


def _pictures(scene: "Scene", result: "EditResult") -> dict[str, bytes]:
    """The edited views, and the grid of originals above edits."""
    import numpy as np

    from benchmark.scoring import to_pixels
    from benchmark.store import encode_png

    originals, edited = to_pixels(scene.images), to_pixels(result.views)
    grid = np.concatenate([np.concatenate(row, axis=1) for row in (originals, edited)])
    views = {f"view_{index}.png": encode_png(view) for index, view in enumerate(edited)}
    return views | {"grid.png": encode_png(grid)}


def _facts(job: Job, scene: "Scene", bundle: "Bundle", result: "EditResult") -> bytes:
    """All that the pictures depend on, and what they cost, as JSON."""
    from benchmark.environment import provenance

    facts = {
        "scene": str(job.choice),
        "frames": scene.frames,
        "edit": asdict(job.edit),
        "method": job.variant.name,
        "settings": job.settings,
        "seed": job.seed,
        "timings": dict(result.timings),
        "counts": dict(result.counts),
        "notes": dict(result.notes),
        "provenance": provenance(bundle, job.budget, job.device).model_dump(),
    }
    return (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode()
