"""Safetensors checkpoints, read strictly: the network's own tensors, none missing, none extra, none of another shape.

Names, shapes and precisions are in a file's header, so that a wrong or a cut-off file is told before any of its
gigabytes is read; without torch.
"""

import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mix2mix.errors import InputError

if TYPE_CHECKING:
    import torch
    from torch import nn

MOST_TOLD = 10
"""Differences that a message lists; it counts the others."""

_DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}

Rename = Callable[[str], str | None]
"""A name in a file to the network's own, or None for what is no weight of it."""


class Entry(NamedTuple):
    """What a header says of one tensor."""

    dtype: str
    shape: tuple[int, ...]


def read_header(path: Path) -> dict[str, Entry]:
    """Every tensor of a safetensors file by name; InputError for a file that is none, or that is cut off."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > path.stat().st_size:
                raise ValueError("no header")
            table = json.loads(file.read(length))
        table.pop("__metadata__", None)
        end = 8 + length + max((entry["data_offsets"][1] for entry in table.values()), default=0)
        entries = {name: Entry(_DTYPES.get(e["dtype"], e["dtype"]), tuple(e["shape"])) for name, e in table.items()}
    except (OSError, ValueError, struct.error, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(path, f"a file that cannot be read as one ({error})") from None
    if end != path.stat().st_size:
        raise _unreadable(path, f"{path.stat().st_size:,} bytes where its header says {end:,}")
    return entries


def precisions(path: Path) -> set[str]:
    """The floating-point types of a file's tensors, in torch's words."""
    return {entry.dtype for entry in read_header(path).values() if "float" in entry.dtype}


def differences(expected: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]]) -> list[str]:
    """How the tensors of a file differ from a network's: missing ones, others of another shape, then extra ones."""
    missing = [f"{name}: missing, expected {list(shape)}" for name, shape in expected.items() if name not in found]
    misshapen = [
        f"{name}: has {list(found[name])}, expected {list(shape)}"
        for name, shape in expected.items()
        if name in found and found[name] != shape
    ]
    extra = [f"{name}: extra, has {list(shape)}" for name, shape in found.items() if name not in expected]
    return missing + misshapen + extra


def load_strictly(module: "nn.Module", path: Path, rename: Rename = lambda name: name) -> None:
    """Copy a file's tensors over a network's own, in the network's precision and on its device.

    Tensors go one by one from the file to the device: no second copy of the network is ever held.

    Raises:
        InputError: no safetensors file, or missing, extra or misshapen tensors; it lists the first ten.

    """
    import torch
    from safetensors import safe_open

    own = module.state_dict()
    names = {new: name for name in read_header(path) if (new := rename(name)) is not None}
    _check(path, own, {new: read_header(path)[name].shape for new, name in names.items()})
    device = next(iter(own.values())).device
    with torch.no_grad(), safe_open(path, "pt", device=str(device)) as file:
        for new, name in names.items():
            own[new].copy_(file.get_tensor(name))


def _check(path: Path, own: Mapping[str, "torch.Tensor"], found: Mapping[str, tuple[int, ...]]) -> None:
    different = differences({name: tuple(value.shape) for name, value in own.items()}, found)
    if different:
        told = "".join(f"\n  {line}" for line in different[:MOST_TOLD])
        rest = f"\n  and {len(different) - MOST_TOLD} more" if len(different) > MOST_TOLD else ""
        raise InputError(
            f"checkpoint {path}",
            got=f"{len(different)} tensors that differ:{told}{rest}\n",
            expected=f"exactly the {len(own)} tensors of the network",
            fix="Give the checkpoint that the bundle names: `mix2mix doctor` tells which.",
        )


def _unreadable(path: Path, got: str) -> InputError:
    fix = "Fetch the file again: a download may have been cut short."
    return InputError(f"checkpoint {path}", got=got, expected="a whole safetensors file", fix=fix)
