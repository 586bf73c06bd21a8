"""The last stage: trained networks become the mini bundle's folder, with its card. And back, for further training."""

import json
from dataclasses import asdict
from pathlib import Path

from safetensors.torch import save_file

from mix2mix.bundles import TRAINING, BundleSettings, load_bundle, save_bundle
from mix2mix.mini.networks import TEXT_GUIDANCE_FACTOR, student_config
from mix2mix.mini.training.card import write_card
from mix2mix.mini.training.stages import NETWORKS, Workshop, modules_of

DISTILL = {"lr_max": 5e-5, "lr_min": 2.5e-5}
"""Learning rates: the least relative error among 5e-5, 1e-4 and 2e-4 (`python -m benchmark.tuning`), by a little."""


def assemble(workshop: Workshop, output: Path) -> None:
    """Write the bundle of the stages' averaged weights, in half precision, to a folder."""
    for name in NETWORKS:
        workshop.load(name)
    config, networks = workshop.config.networks, workshop.networks
    editor = networks.editor
    settings = BundleSettings(
        image_size=config.image_size,
        teacher_size=editor.image_size,
        student=dict(student_config(config)),
        preconditioning=asdict(config.preconditioning),
        text_guidance_factor=TEXT_GUIDANCE_FACTOR,
        distill=DISTILL,
        licences=dict.fromkeys(("teacher", "student", "clip"), "Apache-2.0"),
    )
    save_bundle(output, editor, networks.clip, networks.student, settings)
    write_card(workshop, settings, output)
    logs = {name: workshop.log(name) for name in NETWORKS}
    (output / TRAINING).write_text(json.dumps(logs, indent=1) + "\n")
    print(f"bundle: {sum(f.stat().st_size for f in output.rglob('*') if f.is_file()) / 1e6:.1f} MB in {output}")


def disassemble(bundle_folder: Path, output: Path) -> None:
    """Write a bundle's networks as the files that the stages which trained them left, for a run to start from."""
    logs = json.loads((bundle_folder / TRAINING).read_text())
    bundle = load_bundle("mini", weights=bundle_folder)
    modules = modules_of(bundle.teacher.editor, bundle.metric_clip, bundle.student)
    output.mkdir(parents=True, exist_ok=True)
    for name, log in logs.items():
        state = {key: value.contiguous() for key, value in modules[name].state_dict().items()}
        save_file(state, output / f"{name}.safetensors")
        (output / f"{name}.json").write_text(json.dumps(log))
