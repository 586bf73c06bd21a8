"""``mix2mix doctor``: what is installed, on which device it would run, which weights are here and what is missing."""

import argparse
import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from packaging.requirements import Requirement

from mix2mix import __version__
from mix2mix.bundles import BundleInfo, bundle_info, bundle_names, known_sums, verify
from mix2mix.commands.options import add_command
from mix2mix.errors import InputError
from mix2mix.hub import page
from mix2mix.parts import Found, verified_checksum

if TYPE_CHECKING:
    from mix2mix.commands.options import Commands

OWN_NAMES = ("mix2mix", "benchmark", "baselines", "survey", "reports")
"""Top-level names of the wheel: plain words, so that another project may have them too."""

DETAILS = "Reads the installation and checks the weights' sums; writes nothing. Exits 1 if something is wrong."


@dataclass(frozen=True)
class Finding:
    """One thing looked at: is it as it should be, is it merely absent, or is it wrong?"""

    state: Literal["ok", "absent", "wrong"]
    subject: str
    detail: str


def add_to(commands: "Commands") -> None:
    """Add ``doctor``."""
    purpose = "tell what is installed, which device and weights there are, what is missing"
    add_command(commands, "doctor", run, purpose=purpose, details=DETAILS, example="mix2mix doctor")


def run(arguments: argparse.Namespace) -> int:
    """Print every finding as it is made; 1 if one is wrong."""
    wrong = 0
    for finding in findings():
        print(f"{finding.state:8}{finding.subject:22}{finding.detail}", flush=True)
        wrong += finding.state == "wrong"
    print(f"\nwrong: {wrong}" if wrong else "\nall is well")
    return int(wrong > 0)


def findings() -> Iterator[Finding]:
    """Everything that is looked at, the quick first."""
    yield Finding("ok", "mix2mix", f"{__version__}, in {_home()}")
    yield Finding("ok", "python", f"{platform.python_version()}, {platform.platform()}")
    yield from own_names()
    yield from packages()
    yield from devices()
    yield from weights()


def own_names() -> Iterator[Finding]:
    """Is every package of ours the one that is imported?"""
    owners = metadata.packages_distributions()
    for name in OWN_NAMES:
        others = sorted(set(owners.get(name, ())) - {"mix2mix"})
        spec = find_spec(name)
        origin = spec.origin if spec else None
        if origin is None:
            yield Finding("wrong", name, f"cannot be imported; expected it in {_home()}. Install mix2mix again.")
        elif Path(origin).resolve().parent.parent != _home():
            fix = "Install mix2mix in an environment of its own (uv tool install)."
            yield Finding("wrong", name, f"is imported from {Path(origin).parent}; expected {_home() / name}. {fix}")
        elif others:
            yield Finding("wrong", name, f"belongs to {', '.join(others)} too. Install mix2mix where that is not.")
        else:
            yield Finding("ok", name, str(Path(origin).parent))


def packages() -> Iterator[Finding]:
    """Is everything that mix2mix requires here, and new enough?"""
    try:
        required = [Requirement(line) for line in metadata.requires("mix2mix") or ()]
    except metadata.PackageNotFoundError:
        yield Finding("absent", "requirements", "mix2mix runs from its sources and is not installed: not checked")
        return
    for requirement in required:
        yield _package(requirement)


def devices() -> Iterator[Finding]:
    """What torch can compute on."""
    import torch

    yield Finding("ok", "cpu", f"{os.cpu_count()} cores, {torch.get_num_threads()} threads")
    for index in range(torch.cuda.device_count()):
        gpu = torch.cuda.get_device_properties(index)
        yield Finding("ok", f"cuda:{index}", f"{gpu.name}, {gpu.total_memory / 2**30:.0f} GiB")
    if not torch.cuda.device_count():
        yield Finding("absent", "gpu", f"torch {torch.__version__} sees none: the CPU is used")


def weights() -> Iterator[Finding]:
    """Are the bundles' files undamaged, and which of their weights are here?"""
    for name in bundle_names():
        try:
            info = bundle_info(name)
            digest = verify(info.folder)
        except InputError as error:
            yield Finding("wrong", f"bundle {name}", str(error))
        else:
            random = ", random weights" if info.random_weights else ""
            yield Finding("ok", f"bundle {name}", f"{info.title}; {info.folder}, sums match ({digest[:12]}){random}")
            yield from (_part(info, part, found) for part, found in info.parts.items())


def _part(info: BundleInfo, name: str, found: Found | None) -> Finding:
    """Where one part's weights are; what a bundle should carry and does not is wrong, what the hub has is absent."""
    part, subject = info.settings.part(name), f"{info.name} {name}"
    if found is None and part.repository is None:
        return Finding("wrong", subject, f"no {', '.join(part.files)} in {info.folder}. Install mix2mix again.")
    if found is None:
        gated = ", gated: its licence is to be accepted there" if part.gated else ""
        terms = f"about {part.gigabytes:g} GB, licence: {info.settings.licence(name)}{gated}"
        return Finding("absent", subject, f"{page(str(part.repository))} has it ({terms})")
    try:
        return Finding("ok", subject, _seen(found, known_sums(info.folder)))
    except InputError as error:
        return Finding("wrong", subject, str(error))


def _seen(found: Found, sums: Mapping[Path, str]) -> str:
    """Where a part is, how large, in which precision and with which checksums; InputError if it cannot be read."""
    known = [verified_checksum(path, sums) for path in found.files.values()]
    told = ", ".join(checksum[:12] if checksum else "no checksum known" for checksum in dict.fromkeys(known))
    place = Path(os.path.commonpath([path.parent for path in found.files.values()]))
    return f"{place} ({found.place}), {found.size / 1e6:,.1f} MB, {', '.join(found.dtypes)}, {told}"


def _package(requirement: Requirement) -> Finding:
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            return Finding("absent", requirement.name, f"is optional: {requirement}")
        return Finding("wrong", requirement.name, f"is not installed; expected {requirement}. Install mix2mix again.")
    if not requirement.specifier.contains(version, prereleases=True):
        return Finding("wrong", requirement.name, f"is {version}; expected {requirement}. Install mix2mix again.")
    return Finding("ok", requirement.name, version)


def _home() -> Path:
    """The folder that all our packages should lie in."""
    return Path(__file__).resolve().parents[1]
