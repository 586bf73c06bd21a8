"""Where a result comes from: sources, packages, machine and models."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from benchmark.catalogue import digest
from benchmark.results import Bundle, Hardware, Provenance
from mix2mix import __version__

if TYPE_CHECKING:
    from benchmark.cells import BundleFacts
    from mix2mix.bundles import Bundle as LoadedBundle

PACKAGES = ("torch", "torchvision", "diffusers", "transformers", "open_clip_torch", "numpy", "pillow")

ABSENT = "not installed"

OPTIONAL = ("flash-attn-4", "gsplat", "lpips", "pycolmap")
"""What results depend on where it is installed."""


def provenance(bundle: "LoadedBundle | BundleFacts", budget: str, device: str) -> Provenance:
    """All of it, now."""
    commit, dirty = checkout(Path(__file__).resolve().parents[1])
    return Provenance(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=commit,
        dirty=dirty,
        packages=packages(),
        hardware=hardware(device),
        bundle=Bundle(name=bundle.name, digest=bundle.digest, random_weights=bundle.settings.random_weights),
        catalogue=digest(),
        budget=budget,
    )


@cache
def checkout(folder: Path) -> tuple[str | None, bool | None]:
    """The commit of the checkout whose top is ``folder`` and whether it is dirty; (None, None) if it is none."""
    top = _git(folder, "rev-parse", "--show-toplevel")
    commit = _git(folder, "rev-parse", "HEAD")
    if not top or not commit or Path(top) != folder:
        return None, None
    return commit, bool(_git(folder, "status", "--porcelain"))


@cache
def packages() -> dict[str, str]:
    """Versions of Python, of this project and of the packages that results depend on."""
    ours = {"python": platform.python_version(), "mix2mix": __version__}
    optional = {name: found for name in OPTIONAL if (found := _version(name)) != ABSENT}
    return ours | {name: _version(name) for name in PACKAGES} | optional


@cache
def hardware(device: str) -> Hardware:
    """The machine, and the device in use."""
    return Hardware(
        platform=platform.platform(),
        cpu=_cpu_name(),
        cores=os.cpu_count() or 1,
        memory=_main_memory(),
        gpus=tuple(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())),
        device=device,
    )


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ABSENT


def _cpu_name() -> str:
    table = Path("/proc/cpuinfo")
    lines = table.read_text(encoding="utf-8").splitlines() if table.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _main_memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
