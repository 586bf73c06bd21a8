"""How a network's blocks compute: compiled, for fewer passes over memory; or computed twice, for less of it.

Blocks rather than whole networks: those of one kind and shape are compiled once, for all scenes and edits of a process.
It pays for its minutes where networks are large.
"""

import hashlib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import MethodType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

if TYPE_CHECKING:
    from mix2mix.bundles import BundleSettings

SHAPES = 200
"""Most programs of one function: SEVA 1.1's blocks are of some twenty shapes, each with and without gradients, and
again for other numbers of views; computed twice, all are one function's. torch gives up, silently, after 8."""

OPTIONS: dict[str, str | int | bool | Callable[..., Any]] = {
    "triton.mix_order_reduction": False,
    "comprehensive_padding": False,
    "realize_reads_threshold": 20,
    "realize_acc_reads_threshold": 20,
    "realize_opcount_threshold": 400,
}
"""For torch's own compiler, two of whose defaults give wrong gradients. Kernels that sum over rows and columns at once
leave parts of one unwritten, as others report (pytorch issues 190796, 193061). And where rows are padded to whole lines
of memory, a backward pass may read a tensor by the strides of a padded one, and beyond its end: that of attention to
nine frames did, with torch 2.11 on an H200. What a norm and an activation need for their gradients is computed again by
each kernel that reads it, not written out in fp32 after four reads: that halves what a residual block's backward pass
moves."""

P = ParamSpec("P")
T = TypeVar("T")

_WHOLE: dict[Callable[..., Any], str] = {}
"""Functions that are taken as a whole, with what their source is known by in the compiler's caches."""


def whole(function: Callable[P, T]) -> Callable[P, T]:
    """Mark a function of tensors and constants as one operation to the compiler's tracer, which is slow.

    What comes after the tracer sees what it does. Cached programs are told apart by its module's source, which is to
    hold all that it calls. The tracer itself takes seconds to import, and so is told when something is compiled.
    """
    _WHOLE[function] = hashlib.sha256(Path(inspect.getfile(function)).read_bytes()).hexdigest()
    return function


def compiles(settings: "BundleSettings", device: str) -> bool:
    """Whether a bundle's distillation is to be compiled on that device."""
    return settings.compiled and torch.device(device).type == "cuda"


def compiler_missing() -> str | None:
    """What compilation on a GPU lacks here; None where it lacks nothing."""
    return None if find_spec("triton") else "triton is not installed"


def uncompiled_because(settings: "BundleSettings", device: str) -> str | None:
    """Why a bundle's distillation runs uncompiled on a device where it should not; None where all is as it should."""
    missing = compiler_missing() if compiles(settings, device) else None
    return missing and f"{missing}: networks run uncompiled, which takes longer"


def compiled_function(function: Callable[P, None], backend: str = "inductor") -> Callable[P, None]:
    """A function of tensors as one program for tensors of many sizes, if there is a compiler; else as it is."""
    return function if compiler_missing() else _program(function, backend, dynamic=None)


@contextmanager
def compiled(parts: Iterable[nn.Module], backend: str = "inductor") -> Iterator[None]:
    """Within the block, these parts of networks are compiled when they first run; afterwards all is as it was."""
    programs = {part: _program(part.forward, backend) for part in parts}
    with _computing_by(programs), torch._dynamo.config.patch(recompile_limit=SHAPES, fail_on_recompile_limit_hit=True):
        yield


def _program(function: Callable[P, Any], backend: str, dynamic: bool | None = False) -> Callable[P, Any]:
    for each in _WHOLE:
        _take_whole(each)
    known = {f"{each.__module__}.{each.__name__}": source for each, source in _WHOLE.items()}
    options: Any = {**OPTIONS, "unsafe_marked_cacheable_functions": known} if backend == "inductor" else None
    return torch.compile(function, dynamic=dynamic, backend=backend, options=options)


@cache
def _take_whole(function: Callable[..., Any]) -> None:
    torch.compiler.allow_in_graph(function)


@contextmanager
def recomputed(parts: Iterable[nn.Module]) -> Iterator[None]:
    """Within the block, these parts keep their inputs alone for a backward pass, and compute the rest again in it.

    May be compiled inside of the block: the programs then recompute.
    """
    with _computing_by({part: MethodType(_checkpointed, part) for part in parts}):
        yield


def _checkpointed(part: nn.Module, *inputs: Any) -> Any:
    """A part's own forward pass. A method, as a compiler makes one program of it for all parts of a kind."""
    own = type(part).forward
    # Nothing random is drawn in it: the state of the generators need not be kept.
    return checkpoint(own, part, *inputs, use_reentrant=False, preserve_rng_state=False)


@contextmanager
def _computing_by(forwards: Mapping[nn.Module, Callable[..., Any]]) -> Iterator[None]:
    """Within the block, parts of networks compute by these functions; afterwards as before."""
    before = {part: part.__dict__.get("forward") for part in forwards}
    for part, forward in forwards.items():
        part.__dict__["forward"] = forward  # an instance's own attribute stands before its class's method
    try:
        yield
    finally:
        for part, own in before.items():
            del part.__dict__["forward"]
            if own is not None:
                part.__dict__["forward"] = own
