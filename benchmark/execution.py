"""One edit, timed, watched and checked; whatever goes wrong in it becomes an outcome with a reason, never an exception.

Timed is the call of `edit` alone, from a synchronised device to a synchronised device. Loading the bundle, the warm-up
edit, scoring and saving are not in it.
"""

import os
import sys
import sysconfig
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from baselines.api import EditRequest, EditResult, Method, SettingValue
from benchmark.results import Memory, Status, Timing
from mix2mix.errors import InputError
from mix2mix.replay import clock

BLANK = 0.01
"""A view whose every channel deviates less than this from its mean, in [0, 1], shows nothing."""

RANGE_TOLERANCE = 1e-4
"""Rounding may leave [0, 1] by so much."""

TRACEBACK_FRAMES = 8

T = TypeVar("T")


class BadOutputError(Exception):
    """Views that are no result: of the wrong shape, not finite, out of range or blank."""


@dataclass(frozen=True)
class Outcome:
    """How an edit ended: an ok one has a result, its timing and its memory, any other a reason."""

    status: Status
    reason: str = ""
    traceback: str = ""
    result: EditResult | None = None
    timing: Timing | None = None
    memory: Memory | None = None


def execute(load: Callable[[], Method], request: EditRequest, warm_up: Mapping[str, SettingValue] | None) -> Outcome:
    """Load the method, warm it up with those settings if any, edit and check. Only Ctrl-C and its like come through."""
    try:
        return _edit(load(), request, warm_up)
    except Exception as error:
        return failure(error)


def failure(error: Exception) -> Outcome:
    """The outcome of an error: its message and, where that does not tell all, its kind and its last frames."""
    if isinstance(error, (InputError, BadOutputError)):
        return Outcome("failed", str(error))
    status: Status = "out-of-memory" if is_out_of_memory(error) else "failed"
    first_line = next(iter(str(error).splitlines()), "")
    frames = traceback.format_exception(error, limit=-TRACEBACK_FRAMES)
    return Outcome(status, f"{type(error).__name__}: {first_line}".rstrip(": "), _without_places("".join(frames)))


def _without_places(text: str) -> str:
    """A traceback with files named from the sources or the environment on: a shared report tells nobody's folders."""
    sources = Path(__file__).resolve().parents[1]
    for place in (sysconfig.get_path("purelib"), sysconfig.get_path("stdlib"), str(sources)):
        text = text.replace(f"{place}{os.sep}", "")
    return text


def is_out_of_memory(error: Exception) -> bool:
    """Whether main memory or the GPU's ran out; torch's CPU allocator says so in a plain RuntimeError.

    Or whether it did when this error came up: where memory runs out, what clears up after it may fail as well, as the
    capture of a CUDA graph does.
    """
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate memory" in str(error):
        return True
    earlier = error.__cause__ or error.__context__
    return isinstance(earlier, Exception) and is_out_of_memory(earlier)


def check_views(views: Tensor, expected: tuple[int, ...], *, untrained: bool) -> None:
    """Raise `BadOutputError` unless the views [N, 3, H, W] have that shape, are finite, in [0, 1] and not blank.

    Those of untrained networks may be blank: what they show means nothing, and they are never scored.
    """
    if tuple(views.shape) != expected:
        raise BadOutputError(f"views of shape {list(views.shape)}, expected {list(expected)}")
    if not views.isfinite().all():
        raise BadOutputError(f"{int((~views.isfinite()).sum())} values are NaN or infinite")
    low, high = float(views.min()), float(views.max())
    if low < -RANGE_TOLERANCE or high > 1 + RANGE_TOLERANCE:
        raise BadOutputError(f"values from {low:.3g} to {high:.3g}, expected 0 to 1")
    spread = views.float().flatten(2).std(dim=2).amax(dim=1)
    if bool((spread < BLANK).any()) and not untrained:
        raise BadOutputError(f"view {int(spread.argmin())} is blank (its colours deviate by {float(spread.min()):.3g})")


def _edit(method: Method, request: EditRequest, warm_up: Mapping[str, SettingValue] | None) -> Outcome:
    warm = None if warm_up is None else _warm_up(method, request, warm_up)
    if request.device.startswith("cuda"):
        torch.cuda.empty_cache()  # what the method before has left counts as reserved
        torch.cuda.reset_peak_memory_stats(request.device)
    seconds, result = _timed(lambda: method.edit(request), request.device)
    check_views(result.views, tuple(request.scene.images.shape), untrained=request.bundle.settings.random_weights)
    timing = Timing(edit=(seconds,), warm_up=warm, phases=dict(result.timings))
    return Outcome("ok", result=result, timing=timing, memory=peak_memory(request.device))


def _warm_up(method: Method, request: EditRequest, settings: Mapping[str, SettingValue]) -> float:
    short = replace(request, settings=settings, progress=lambda *_: None)
    return _timed(lambda: method.edit(short), request.device)[0]


def _timed(work: Callable[[], T], device: str) -> tuple[float, T]:
    start = clock(device)
    done = work()
    return clock(device) - start, done


def peak_memory(device: str) -> Memory:
    """Of the device since its peaks were last reset, and of this process."""
    on_gpu = device.startswith("cuda")
    return Memory(
        device_allocated=torch.cuda.max_memory_allocated(device) if on_gpu else None,
        device_reserved=torch.cuda.max_memory_reserved(device) if on_gpu else None,
        process=_peak_resident(),
    )


def _peak_resident() -> int | None:
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
