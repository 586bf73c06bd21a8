"""The last stage: trained networks become the mini bundle's folder, with its card."""

from dataclasses import asdict
from pathlib import Path

from mix2mix.bundles import BundleSettings, save_bundle
from mix2mix.mini.networks import student_config
from mix2mix.mini.training.card import write_card
from mix2mix.mini.training.stages import NETWORKS, Workshop

TEXT_GUIDANCE_FACTOR = 0.4
"""Table 6's 7.5 becomes 3: the small teacher overshoots above that, in hue and in artefacts."""

DISTILL = {"lr_max": 5e-5, "lr_min": 2.5e-5}
"""The least relative error among 5e-5, 1e-4 and 2e-4 (`python -m benchmark.tuning`), and little between them."""


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
    print(f"bundle: {sum(f.stat().st_size for f in output.rglob('*') if f.is_file()) / 1e6:.1f} MB in {output}")
