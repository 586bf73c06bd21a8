"""Bundles: matching sets of teacher, student, VAE and CLIP, read from a folder of verified weights.

A bundle is data: networks in their libraries' own formats and a `bundle.json` of settings, so that one code path serves
all. Naming and checking bundles needs no torch; only loading and saving import the networks.

    bundle.json  SHA256SUMS  MODEL_CARD.md
    teacher/               a stock diffusers InstructPix2Pix folder, VAE included
    clip/                  open_clip_config.json, model.safetensors, merges.txt.gz
    student.safetensors    SEVA's published parameter names

Files may be fp16; networks are fp32.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mix2mix.edit import Edit
from mix2mix.errors import InputError

if TYPE_CHECKING:
    from mix2mix.pretrained import Clip, Editor, Vae
    from mix2mix.student import Student
    from mix2mix.teacher import Teacher

WEIGHTS_VARIABLE = "MIX2MIX_WEIGHTS"
"""Environment variable that names the folder to load a bundle from, in place of the one that mix2mix ships."""

_TITLES = {"mini": "small models of the miniature world, shipped with mix2mix"}
_SETTINGS, _SUMS, _CARD, _STUDENT = "bundle.json", "SHA256SUMS", "MODEL_CARD.md", "student.safetensors"


@dataclass(frozen=True)
class BundleSettings:
    """What a bundle states of itself in `bundle.json`; plain values, so that results can record them."""

    image_size: int
    """Pixels of the square views that the student works on."""
    teacher_size: int
    """Pixels of the square images that the teacher works on."""
    student: Mapping[str, Any]
    """Fields of `SevaConfig`."""
    preconditioning: Mapping[str, Any]
    """Fields of `Preconditioning`."""
    text_guidance_factor: float = 1.0
    """On every edit's text guidance: a small teacher overshoots at a large one's 7.5."""
    distill: Mapping[str, Any] = field(default_factory=dict)
    """Fields of `DistillConfig` and of its plan where the bundle differs from the published ones."""
    licences: Mapping[str, str] = field(default_factory=dict)
    """Licence by network."""
    random_weights: bool = False
    """Untrained: good for tests of speed and memory, never scored."""


@dataclass(frozen=True)
class BundleInfo:
    """A bundle that can be asked for, and whether its weights are there."""

    name: str
    title: str
    folder: Path
    present: bool
    random_weights: bool


@dataclass(frozen=True)
class Bundle:
    """Networks that belong together, frozen and on one device."""

    name: str
    teacher: "Teacher"
    student: "Student"
    vae: "Vae"
    """Of the student's latents."""
    condition_clip: "Clip"
    """Its image embedding is the student's cross-attention context."""
    metric_clip: "Clip"
    """It scores."""
    settings: BundleSettings
    digest: str
    """Hash of all weights and settings."""

    def guided(self, edit: Edit) -> Edit:
        """The edit with the guidance that this bundle's teacher is to be given."""
        return replace(edit, text_guidance=edit.text_guidance * self.settings.text_guidance_factor)


def bundle_names() -> list[str]:
    """Names that `load_bundle` knows."""
    return list(_TITLES)


def bundle_info(name: str, folder: Path | None = None) -> BundleInfo:
    """Describe a bundle without loading or verifying it (no torch); InputError for an unknown name."""
    folder = bundle_folder(name, folder)
    present = (folder / _SUMS).is_file()
    return BundleInfo(name, _TITLES[name], folder, present, present and _read_settings(folder).random_weights)


def bundle_folder(name: str, folder: Path | None = None) -> Path:
    """Where a bundle's files are: `folder`, else the environment's, else the package's; InputError if it is unknown."""
    if name not in _TITLES:
        raise InputError("bundle", got=f"'{name}'", expected=f"one of {', '.join(_TITLES)}", fix="Choose one of these.")
    if folder is not None:
        return folder
    if chosen := os.environ.get(WEIGHTS_VARIABLE):
        return Path(chosen)
    return Path(str(resources.files("mix2mix") / "weights" / name))


def verify(folder: Path) -> str:
    """Check every listed file against SHA256SUMS and return the digest of them all.

    Raises:
        InputError: weights missing, or a file missing or changed.

    """
    sums = folder / _SUMS
    if not sums.is_file():
        raise InputError(
            f"weights in {folder}",
            got="no SHA256SUMS there",
            expected="a bundle's files",
            fix=f"Reinstall mix2mix, or train a bundle (nox -s train_mini) and name its folder in {WEIGHTS_VARIABLE}.",
        )
    lines = [line.partition("  ") for line in sums.read_text().splitlines()]
    listed = {_SETTINGS: "a line in SHA256SUMS"} | {name: checksum for checksum, _, name in lines}
    for name, checksum in listed.items():
        _check(folder / name, checksum)
    return hashlib.sha256(sums.read_bytes()).hexdigest()


def load_bundle(name: str, device: str = "cpu", folder: Path | None = None) -> Bundle:
    """Load a bundle's networks, frozen, in fp32, on `device`.

    Args:
        name: one of `bundle_names()`.
        device: "cpu", "cuda", ...
        folder: to load from, in place of the environment's or the package's.

    Raises:
        InputError: unknown name, missing weights, or a file whose checksum is wrong.

    """
    from mix2mix.pretrained import load_clip, load_editor
    from mix2mix.teacher import Teacher

    folder = bundle_folder(name, folder)
    digest = verify(folder)
    settings = _read_settings(folder)
    editor, clip = load_editor(folder / "teacher").to(device), load_clip(folder / "clip").to(device)
    clip.module.requires_grad_(False)
    student = _load_student(folder / _STUDENT, settings).to(device)
    return Bundle(name, Teacher(editor), student, editor.vae, clip, clip, settings, digest)


def save_bundle(folder: Path, editor: "Editor", clip: "Clip", student: "Student", settings: BundleSettings) -> None:
    """Write a bundle's folder, weights in fp16; the checksums come last, so that a half-written one is refused."""
    from safetensors.torch import save_file

    from mix2mix.pretrained import halve

    (folder / _SUMS).unlink(missing_ok=True)
    for part in ("teacher", "clip"):
        shutil.rmtree(folder / part, ignore_errors=True)
    editor.save(folder / "teacher")
    clip.save(folder / "clip")
    state = {name: value.contiguous() for name, value in student.network.state_dict().items()}
    save_file(state, folder / _STUDENT, metadata={"format": "pt"})
    halve(folder)
    (folder / _SETTINGS).write_text(json.dumps(asdict(settings), indent=2) + "\n")
    sums = [f"{_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in _files(folder)]
    (folder / _SUMS).write_text("".join(sums))


def _load_student(path: Path, settings: BundleSettings) -> "Student":
    from safetensors.torch import load_file

    from mix2mix.seva import Seva, SevaConfig
    from mix2mix.student import Preconditioning, Student

    network = Seva(SevaConfig(**settings.student))
    network.load_state_dict(load_file(path))
    return Student(network, Preconditioning(**settings.preconditioning)).eval().requires_grad_(False)


def _read_settings(folder: Path) -> BundleSettings:
    path = folder / _SETTINGS
    try:
        return BundleSettings(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"settings {path}", got=str(error), expected="a bundle's settings", fix="Reinstall mix2mix."
        ) from None


def _files(folder: Path) -> list[Path]:
    """What the checksums cover: all but themselves and the card, whose wording may change."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in files if path.name not in (_SUMS, _CARD))


def _check(path: Path, expected: str) -> None:
    got = _sha256(path) if path.is_file() else "no such file"
    if got != expected:
        fix = "The weights are damaged: reinstall mix2mix."
        raise InputError(f"checksum of {path}", got=got, expected=expected, fix=fix)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
