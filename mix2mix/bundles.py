"""Bundles: matching sets of teacher, student, VAE and CLIP, read from verified files.

A bundle is data: networks in their libraries' own formats and a `bundle.json` of settings, so that one code path serves
all. Naming and checking bundles needs no torch; only loading and saving import the networks.

    bundle.json  SHA256SUMS  MODEL_CARD.md  training.json
    teacher/               a diffusers InstructPix2Pix folder, stock unless the VAE's decoder has widths of its own
    clip/                  open_clip_config.json, model.safetensors, merges.txt.gz
    student.safetensors    SEVA's published parameter names

Its weights may be elsewhere (`parts`): `paper` ships its configurations alone. Or there are none, and what the
configurations describe runs with random ones.
"""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mix2mix.edit import Edit
from mix2mix.errors import InputError
from mix2mix.parts import OWN_PARTS, Found, Part, Search, Tell, digest, find, obtain, sha256

if TYPE_CHECKING:
    from mix2mix.pretrained import Clip, Editor, Vae
    from mix2mix.student import Student
    from mix2mix.teacher import Teacher

WEIGHTS_VARIABLE = "MIX2MIX_WEIGHTS"
"""Environment variable that says which weights to load where no argument does: a folder, or `random`."""

RANDOM: Literal["random"] = "random"
Weights = Path | Literal["random"]
"""A folder of weights, or a bundle's own on top, in place of what mix2mix ships; or random ones."""

_TITLES = {
    "mini": "small models of the miniature world, shipped with mix2mix",
    "paper": "SEVA 1.1, InstructPix2Pix and CLIP as in the paper, 576 px",
}
_SETTINGS, _SUMS, _STUDENT = "bundle.json", "SHA256SUMS", "student.safetensors"
CARD, TRAINING = "MODEL_CARD.md", "training.json"
"""How a bundle came about, for people and for further training."""


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
    teacher_dtype: str = "float32"
    """Precision that the teacher runs in on a GPU; on a CPU all networks run in fp32."""
    compiled: bool = False
    """Whether distillation compiles the networks' blocks on a GPU: minutes once, which pay where they are large."""
    resting_device: str | None = None
    """Where student and CLIPs are kept while they are not at work, if not on the device: `cpu` frees a GPU's memory."""
    activation_gib: Mapping[str, float] = field(default_factory=dict)
    """GiB of a GPU's memory that distillation takes a frame beside weights, by `DistillConfig.memory`."""
    parts: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: OWN_PARTS)
    """Fields of `Part` for each of teacher, student, condition_clip and metric_clip."""
    random_weights: bool = False
    """Untrained: good for tests of speed and memory, never scored."""

    def part(self, name: str) -> Part:
        """Where one network's weights are."""
        return Part(**self.parts[name])

    def licence(self, name: str) -> str:
        """Of one network's weights."""
        return self.licences.get(name, "not stated")


@dataclass(frozen=True)
class BundleInfo:
    """A bundle that can be asked for, and whether its weights are there."""

    name: str
    title: str
    folder: Path
    """Of its configurations."""
    present: bool
    """Whether it would load without a download."""
    settings: BundleSettings
    parts: Mapping[str, Found | None]
    """What was found of each part; nothing is looked for where weights are random."""

    @property
    def random_weights(self) -> bool:
        """Whether it would run untrained."""
        return self.settings.random_weights


@dataclass(frozen=True)
class Bundle:
    """Networks that belong together, frozen, and on one device but for those that rest elsewhere."""

    name: str
    teacher: "Teacher"
    student: "Student"
    """To be used within `sampling`."""
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
        return edit.guided(self.settings.text_guidance_factor)

    def sampling(self) -> AbstractContextManager[None]:
        """Within the block the student is on the device of the teacher, wherever it rests."""
        from mix2mix.resting import awake

        return awake(self.student, self.teacher.device)


def bundle_names() -> list[str]:
    """Names that `load_bundle` knows."""
    return list(_TITLES)


def parse_weights(text: str) -> Weights:
    """What an option or the environment says of weights: `random`, or else a folder."""
    return RANDOM if text == RANDOM else Path(text).expanduser()


def bundle_info(name: str, weights: Weights | None = None) -> BundleInfo:
    """Describe a bundle without loading or verifying it (no torch); InputError for an unknown name."""
    _check_name(name)
    chosen, folder = _chosen(name, weights), bundle_folder(name, weights)
    whole = (folder / _SETTINGS).is_file() and (folder / _SUMS).is_file()
    settings = _read_settings(folder if whole else _shipped(name))
    if chosen == RANDOM:
        return BundleInfo(name, _TITLES[name], folder, whole, replace(settings, random_weights=True), {})
    found = {part: find(part, settings.part(part), chosen or folder) for part in settings.parts}
    return BundleInfo(name, _TITLES[name], folder, whole and None not in found.values(), settings, found)


def bundle_folder(name: str, weights: Weights | None = None) -> Path:
    """Where a bundle's settings are: the folder of the weights if it is a whole bundle, else the package's.

    Args:
        name: one of `bundle_names()`; InputError for another.
        weights: by default what the environment says; InputError for a folder that there is not.

    """
    _check_name(name)
    chosen = _chosen(name, weights)
    if isinstance(chosen, Path) and any((chosen / file).is_file() for file in (_SETTINGS, _SUMS)):
        return chosen
    return _shipped(name)


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
    for path, checksum in ({folder / _SETTINGS: "a line in SHA256SUMS"} | known_sums(folder)).items():
        _check(path, checksum)
    return hashlib.sha256(sums.read_bytes()).hexdigest()


def known_sums(folder: Path) -> dict[Path, str]:
    """Checksums by path, as a bundle's folder lists them."""
    lines = [line.partition("  ") for line in (folder / _SUMS).read_text().splitlines()]
    return {folder / name: checksum for checksum, _, name in lines}


def identify(listed: str, folder: Path, found: Mapping[str, Found]) -> str:
    """Digest of a bundle's settings and weights: of its sums alone where they cover all that was found.

    Args:
        listed: what `verify` says of the folder.
        folder: the bundle's.
        found: its weights by part; none where they are random.

    """
    sums = known_sums(folder)
    if found and all(path in sums for where in found.values() for path in where.files.values()):
        return listed
    weights = digest(found.values(), sums) if found else RANDOM
    return hashlib.sha256(f"{listed} {weights}".encode()).hexdigest()


def load_bundle(
    name: str,
    device: str = "cpu",
    weights: Weights | None = None,
    tell: Tell = lambda line: print(line, file=sys.stderr),
) -> Bundle:
    """Load a bundle's networks, frozen, on `device`; in fp32, but for a teacher that its settings want leaner on a GPU.

    Args:
        name: one of `bundle_names()`.
        device: "cpu", "cuda", ...
        weights: a folder to look in first, in place of the package's; or "random" for networks of full size, built
            on the device without any file. By default what the environment says. The hub's cache comes second.
        tell: told of downloads before they begin, and of files in another precision than the published.

    Raises:
        InputError: unknown name, missing weights, a file whose checksum is wrong, or that does not fit its network.

    """
    _check_name(name)
    chosen, folder = _chosen(name, weights), bundle_folder(name, weights)
    identity, settings = verify(folder), _read_settings(folder)
    if not _is_kind(name, folder):
        fix = "Name another bundle, or another folder: results would bear a false name."
        raise InputError(f"bundle in {folder}", got="another one's parts", expected=f"those of '{name}'", fix=fix)
    if chosen == RANDOM:
        return _build(name, folder, replace(settings, random_weights=True), identify(identity, folder, {}), device)
    given = chosen is not None
    parts = {part: settings.part(part) for part in settings.parts}
    found = obtain(Search(name, parts, settings.licence, chosen or folder, given), tell)
    bundle = _build(name, folder, settings, identify(identity, folder, found), device)
    _fill(bundle, found)
    return bundle


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
    write_sums(folder)


def write_sums(folder: Path) -> None:
    """List the checksums of all that a bundle computes with: how it came about may be told in other words."""
    others = (_SUMS, CARD, TRAINING)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in others)
    lines = [f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    (folder / _SUMS).write_text("".join(lines))


def _chosen(name: str, weights: Weights | None) -> Weights | None:
    """The argument, else what the environment says, else nothing; InputError for a folder that there is not.

    A whole bundle that the environment names counts for the bundle of that name alone.
    """
    said = os.environ.get(WEIGHTS_VARIABLE)
    chosen = weights or (parse_weights(said) if said else None)
    if isinstance(chosen, Path) and not chosen.is_dir():
        expected, fix = "a folder, or random", f"Look at --weights, or at the environment variable {WEIGHTS_VARIABLE}."
        raise InputError("weights", got=f"'{chosen}', which is no folder", expected=expected, fix=fix)
    if weights is None and isinstance(chosen, Path) and not _is_kind(name, chosen):
        return None
    return chosen


def _is_kind(name: str, folder: Path) -> bool:
    """Whether a folder is no whole bundle, or one with the parts of the bundle of that name."""
    whole = (folder / _SETTINGS).is_file()
    return not whole or _read_settings(folder).parts == _read_settings(_shipped(name)).parts


def _check_name(name: str) -> None:
    if name not in _TITLES:
        raise InputError("bundle", got=f"'{name}'", expected=f"one of {', '.join(_TITLES)}", fix="Choose one of these.")


def _shipped(name: str) -> Path:
    return Path(str(resources.files("mix2mix") / "weights" / name))


def _build(name: str, folder: Path, settings: BundleSettings, identity: str, device: str) -> Bundle:
    """Make the networks that the configurations describe on the device, frozen, with random weights."""
    import torch

    from mix2mix import loading
    from mix2mix.channels import stand_in
    from mix2mix.teacher import Teacher

    folders = {part: folder / settings.part(part).folder for part in settings.parts}
    with loading.built_on(device):
        editor = loading.read_editor(folders["teacher"])
        student = loading.read_student(settings.student, settings.preconditioning)
        metric = loading.read_clip(folders["metric_clip"])
        condition = metric if _one_clip(settings) else loading.read_clip(folders["condition_clip"], texts=False)
    on_gpu = torch.device(device).type == "cuda"
    editor.to(device, getattr(torch, settings.teacher_dtype) if on_gpu else torch.float32)
    if on_gpu and settings.compiled:
        # What the compiler's convolutions want; without it they would turn their inputs at every call.
        for convolutional in (editor.unet, student.network):
            convolutional.to(memory_format=torch.channels_last)
        stand_in(student.network)
    for network in (student, metric.to(device).module, condition.to(device).module):
        network.to(device).requires_grad_(False)
    if settings.resting_device:
        student.to(settings.resting_device)
        for clip in (metric, condition):
            clip.rest_on(settings.resting_device)
    return Bundle(name, Teacher(editor), student, editor.vae, condition, metric, settings, identity)


def _fill(bundle: Bundle, found: Mapping[str, Found]) -> None:
    """Load the weights that were found over a bundle's random ones."""
    from mix2mix.checkpoints import load_strictly
    from mix2mix.loading import fill_clip, fill_editor

    load_strictly(bundle.student.network, found["student"].file)
    fill_clip(bundle.metric_clip, found["metric_clip"].file)
    if not _one_clip(bundle.settings):
        fill_clip(bundle.condition_clip, found["condition_clip"].file)
    fill_editor(bundle.teacher.editor, found["teacher"].files)


def _one_clip(settings: BundleSettings) -> bool:
    """Whether one model serves the condition and the metrics; else the condition's needs to see images only."""
    return settings.parts["condition_clip"] == settings.parts["metric_clip"]


def _read_settings(folder: Path) -> BundleSettings:
    path = folder / _SETTINGS
    try:
        return BundleSettings(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"settings {path}", got=str(error), expected="a bundle's settings", fix="Reinstall mix2mix."
        ) from None


def _check(path: Path, expected: str) -> None:
    got = sha256(path) if path.is_file() else "no such file"
    if got != expected:
        fix = "The weights are damaged: reinstall mix2mix."
        raise InputError(f"checksum of {path}", got=got, expected=expected, fix=fix)
