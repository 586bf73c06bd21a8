"""How parts of a network compute: compiled, for fewer passes over memory; or computed twice, for less of it.

A part may be the whole network. Of what is trained it is blocks: those of one kind and shape are compiled once, and may
be computed twice. Compiling pays for its minutes where networks are large.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ParamSpec

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from mix2mix.programs import Call, Programs, shared_programs

if TYPE_CHECKING:
    from mix2mix.bundles import BundleSettings

P = ParamSpec("P")


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


def compiled_function(function: Callable[P, None], programs: Programs | None = None) -> Callable[P, None]:
    """A function of tensors of any length as one program, if there is a compiler; else as it is."""
    if compiler_missing():
        return function

    def run(*arguments: P.args, **named: P.kwargs) -> None:
        (programs or shared_programs()).run(Call(function, arguments, named, any_length=True))

    return run


@contextmanager
def compiled(parts: Iterable[nn.Module], programs: Programs | None = None) -> Iterator[None]:
    """Within the block, these parts of networks are compiled when they first run; afterwards all is as it was.

    Parts of one kind and shape share a program; programs are those of the process unless given. Within the block parts
    may be computed twice, and are not to be copied; what is computed twice already cannot be compiled.
    """
    parts, chosen = list(parts), programs or shared_programs()
    if any("forward" in part.__dict__ for part in parts):
        raise RuntimeError("parts are compiled first, then computed twice")
    with computing_by({part: _ByProgram(chosen, part) for part in parts}):
        yield


class _ByProgram:
    """A part's forward pass by its program."""

    def __init__(self, programs: Programs, part: nn.Module) -> None:
        self._programs, self._part = programs, part

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        return self._programs.run(Call(_own_forward, (self._part, *inputs), named))

    def __reduce__(self) -> tuple[type, tuple[()]]:
        """Nothing of it is written where a part is, with the guards of its program."""
        return str, ()


def _own_forward(part: nn.Module, *inputs: Any, **named: Any) -> Any:
    """The forward pass of a part's class, past whatever stands in for it on the part."""
    return type(part).forward(part, *inputs, **named)


@contextmanager
def recomputed(parts: Iterable[nn.Module]) -> Iterator[None]:
    """Within the block, these parts keep their inputs alone for a backward pass, and compute the rest again in it.

    Compiled before, they compute by the same programs both times.
    """
    with computing_by({part: partial(_checkpointed, part.forward) for part in parts}):
        yield


def _checkpointed(forward: Callable[..., Any], *inputs: Any) -> Any:
    # Nothing random is drawn in it: the state of the generators need not be kept.
    return checkpoint(forward, *inputs, use_reentrant=False, preserve_rng_state=False)


@contextmanager
def computing_by(forwards: Mapping[nn.Module, Callable[..., Any]]) -> Iterator[None]:
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
