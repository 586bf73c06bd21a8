"""The parts of a bundle, and where their weights are: a folder of the user's or of the package, or the hub's cache.

A part is data (`parts` in `bundle.json`): the files that hold a network's weights, at the same place below a folder as
below the hub's repository where they can be had. What is missing is told at once and as a whole, with the commands that
fetch it and the licences that apply; nothing is fetched before that is said. No torch.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mix2mix import hub
from mix2mix.checkpoints import precisions
from mix2mix.errors import InputError

Tell = Callable[[str], None]
"""Takes a line that the user should see before the work goes on."""


@dataclass(frozen=True)
class Part:
    """One network's weights: which files, and where to get them."""

    folder: str
    """Inside a bundle's or the user's folder."""
    files: Sequence[str]
    """Below it, as below the repository."""
    dtype: str = "float16"
    """Precision of the files as published; others are converted, and that is told."""
    repository: str | None = None
    """On the hub; None for what is nowhere but in its bundle."""
    gigabytes: float = 0.0
    """Size of the files, about."""
    gated: bool = False
    """Whether the hub gives it only to those who have accepted its licence."""


OWN_PARTS: Mapping[str, Mapping[str, Any]] = {
    "teacher": {
        "folder": "teacher",
        "files": [
            "unet/diffusion_pytorch_model.safetensors",
            "vae/diffusion_pytorch_model.safetensors",
            "text_encoder/model.safetensors",
        ],
    },
    "student": {"folder": ".", "files": ["student.safetensors"]},
    "condition_clip": {"folder": "clip", "files": ["model.safetensors"]},
    "metric_clip": {"folder": "clip", "files": ["model.safetensors"]},
}
"""Parts of a bundle that carries its weights, one CLIP for both purposes."""


@dataclass(frozen=True)
class Found:
    """A part whose files are all here."""

    name: str
    part: Part
    files: Mapping[str, Path]
    """Path of each of the part's files."""
    place: Literal["folder", "hub cache"]

    @property
    def file(self) -> Path:
        """The file of a part that has but one."""
        (path,) = self.files.values()
        return path

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(path.stat().st_size for path in self.files.values())

    @property
    def dtypes(self) -> list[str]:
        """Precisions of the tensors; InputError for a file that cannot be read."""
        return sorted(set().union(*map(precisions, self.files.values())))


def find(name: str, part: Part, folder: Path) -> Found | None:
    """Look for all of a part's files in the folder, then in the hub's cache."""
    here = {file: folder / part.folder / file for file in part.files}
    if all(path.is_file() for path in here.values()):
        return Found(name, part, here, "folder")
    if part.repository is not None:
        cached = {file: path for file in part.files if (path := hub.cached(part.repository, file))}
        if len(cached) == len(part.files):
            return Found(name, part, cached, "hub cache")
    return None


@dataclass(frozen=True)
class Search:
    """Which parts are wanted, and where to look first."""

    bundle: str
    """Its name, for the messages."""
    parts: Mapping[str, Part]
    """By name."""
    licence: Callable[[str], str]
    """Of the part of that name."""
    folder: Path
    given: bool
    """Whether the user named the folder; else it is the package's own, into which nothing is to be downloaded."""


def obtain(search: Search, tell: Tell) -> dict[str, Found]:
    """Find all parts, downloading into the hub's cache those that are missing, if the hub may be asked and gives them.

    Args:
        search: what, and where.
        tell: told of every download before it begins, and of files in another precision than the published.

    Raises:
        InputError: something is missing; it lists every such part with the commands that fetch it.

    """
    found = {name: find(name, part, search.folder) for name, part in search.parts.items()}
    missing = {name: search.parts[name] for name, where in found.items() if where is None}
    if missing:
        _download(search, missing, tell)
        found |= {name: find(name, part, search.folder) for name, part in missing.items()}
    here = {name: where for name, where in found.items() if where is not None}
    for name, where in here.items():
        if where.dtypes != [where.part.dtype]:
            told = f"in {', '.join(where.dtypes)}, published in {where.part.dtype}"
            tell(f"{search.bundle} {name}: {told}; converted to the precision that the network runs in")
    return here


def verified_checksum(path: Path, sums: Mapping[Path, str]) -> str | None:
    """Checksum of a weights file where one is known: listed (and checked) in its bundle, or the hub's name of it."""
    return sums.get(path) or hub.blob_name(path)


def digest(found: Iterable[Found], sums: Mapping[Path, str]) -> str:
    """Identify the weights wherever they lie, by the checksums that are known, else by hashing the files."""
    lines = [
        f"{verified_checksum(path, sums) or sha256(path)}  {where.name}/{file}\n"
        for where in found
        for file, path in where.files.items()
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def sha256(path: Path) -> str:
    """Checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(search: Search, missing: Mapping[str, Part], tell: Tell) -> None:
    """Fetch all that is missing, or refuse before the first byte."""
    wanted = {name: part.repository for name, part in missing.items() if part.repository is not None}
    if len(wanted) < len(missing):
        raise _missing(search, missing, "")
    if hub.offline():
        raise _missing(search, missing, ", and offline mode is on (HF_HUB_OFFLINE)")
    try:
        sizes = {name: sum(hub.size(where, file) for file in missing[name].files) for name, where in wanted.items()}
        for name, where in wanted.items():
            source = f"{hub.page(where)}, licence: {search.licence(name)}"
            tell(f"{search.bundle} {name}: downloads {sizes[name] / 1e9:.1f} GB from {source}")
            for file in missing[name].files:
                hub.download(where, file)
    except hub.UnavailableError as error:
        raise _missing(search, missing, f", and the hub does not give them ({error})") from None


def _missing(search: Search, missing: Mapping[str, Part], why: str) -> InputError:
    cache = " or the hub's cache" if any(part.repository for part in missing.values()) else ""
    return InputError(
        f"weights of bundle {search.bundle}",
        got=f"no {', no '.join(missing)} in {search.folder}{cache}{why}",
        expected="all of its parts",
        fix="\n".join(["To get them:", *(_step(search, name, part) for name, part in missing.items())]),
    )


def _step(search: Search, name: str, part: Part) -> str:
    """What the user is to do for one part."""
    if part.repository is None:
        files = ", ".join(Path(part.folder, file).as_posix() for file in part.files)
        return f"  {name} ({files}): Reinstall mix2mix, or train a bundle (nox -s train_mini) and name its folder."
    accept = f"    accept its licence at {hub.page(part.repository)}, then: hf auth login\n" * part.gated
    target = f" --local-dir {search.folder / part.folder}" if search.given else ""
    command = f"    hf download {part.repository} {' '.join(part.files)}{target}"
    return f"  {name} (about {part.gigabytes:g} GB, licence: {search.licence(name)}):\n{accept}{command}"
