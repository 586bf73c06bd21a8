"""Programs that torch's compiler makes of functions, kept on the disk whole, so that the next process traces nothing.

torch's own caches keep what traced code is compiled to. Tracing it anew is the larger part of getting going, and so a
program is kept here together with its guards: whatever the tracer took for granted. Programs of one function for
arguments of one description lie beside each other, and the first whose guards hold is the one.
"""

import hashlib
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from mix2mix.errors import InputError

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

TOLD_IN_VAIN = (
    "The .grad attribute",
    "Dynamo detected a call to a `functools.lru_cache`",
    "<class 'torch.autograd.function.Function'> should not be instantiated",
)
"""Warnings while a function is traced: guards ask views for a gradient, diffusers remembers torch's version, and the
tracer of torch 2.11 does what its own torch warns of."""

Backend = str | Callable[..., Any]
"""What compiles a traced graph: torch's own by its name, or a function that returns what can be written to a file."""


class Call(NamedTuple):
    """A function and what it is called with."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    named: Mapping[str, Any] = {}
    any_length: bool = False
    """Whether its program is to serve tensors of any length, their first dimension."""


class Program(Protocol):
    """What torch makes of a function ahead of a call."""

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Compute what the function does."""

    def guard_check(self, *arguments: Any, **named: Any) -> bool:
        """Whether it serves these arguments."""

    def disable_guard_check(self) -> None:
        """No longer ask that at every call."""

    def save_compiled_function(self, path: str) -> object:
        """Write it to a file."""


class Programs:
    """Programs in memory, and in a folder for the next process."""

    def __init__(self, folder: Path, backend: Backend = "inductor") -> None:
        self._folder, self._backend = folder, backend
        self._known: dict[str, list[Program]] = {}
        self._unread: dict[str, list[Path]] = {}
        self._as_written = False

    def run(self, call: Call) -> Any:
        """The function's result, by its program; InputError where the one that was kept cannot be read."""
        if self._as_written:
            return call.function(*call.arguments, **call.named)
        return self._program(call)(*call.arguments, **call.named)

    @contextmanager
    def as_written(self) -> Iterator[None]:
        """Within the block functions compute as they are written, not by programs."""
        before, self._as_written = self._as_written, True
        try:
            yield
        finally:
            self._as_written = before

    def _program(self, call: Call) -> Program:
        """The first that serves the call, of those that are known, or were kept; else a new one."""
        kind = kind_of(call)
        with _one_thread():
            for program in self._candidates(kind, call):
                if program.guard_check(*call.arguments, **call.named):
                    return program
            program = _compiled(call, self._backend)
        self._known[kind].append(program)
        self._keep(program, f"{kind}-{len(self._known[kind])}")
        return program

    def _candidates(self, kind: str, call: Call) -> Iterator[Program]:
        """Programs of a kind; files are read one after another, since most often the first will do."""
        if kind not in self._known:
            self._known[kind], self._unread[kind] = [], sorted(self._folder.glob(f"{kind}-*"))
        yield from self._known[kind]
        while self._unread[kind]:
            self._known[kind].append(_read(self._unread[kind].pop(0), call))
            yield self._known[kind][-1]

    def _keep(self, program: Program, name: str) -> None:
        """Write a program to its file, whole or not at all: other processes may write it, too."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder) as aside:
            written = Path(aside) / name
            program.save_compiled_function(str(written))
            written.replace(self._folder / name)


@cache
def shared_programs() -> Programs:
    """Those of this process, kept beside what torch's compiler keeps, by this package's sources and what runs them."""
    import torch._inductor.config
    from torch._dynamo.package import SystemInfo
    from torch._inductor.runtime.cache_dir_utils import cache_dir

    settings: Any = torch._inductor.config
    known = [SystemInfo.current(), version("diffusers"), settings.get_hash(), OPTIONS]
    sources = [path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.py"))]
    return Programs(Path(cache_dir()) / "mix2mix" / _digest(known + sources))


def kind_of(call: Call) -> str:
    """The function's name with a digest of what its arguments look like, and of how torch is to compute.

    What else a program depends on, its guards tell.
    """
    leaves = tree_leaves((call.arguments, dict(call.named)))
    kinds = {"cpu", *(leaf.device.type for leaf in leaves if isinstance(leaf, Tensor))}
    modes = [(kind, torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)) for kind in sorted(kinds)]
    looks = [_look(leaf, call.any_length) for leaf in leaves]
    name = f"{call.function.__module__}.{call.function.__qualname__}"
    return f"{name}-{_digest([torch.is_grad_enabled(), modes, _attention_kernels(), *looks])}"


def _attention_kernels() -> list[bool]:
    """Which kinds are allowed, of which the tracer chooses one, without a guard."""
    cuda: Any = torch.backends.cuda
    kinds = (cuda.flash_sdp_enabled, cuda.mem_efficient_sdp_enabled, cuda.math_sdp_enabled, cuda.cudnn_sdp_enabled)
    return [allowed() for allowed in kinds]


def _look(argument: Any, any_length: bool) -> object:
    if not isinstance(argument, Tensor):
        return repr(argument)  # a network's part: its tree, with widths
    sizes = tuple(argument.shape)
    return (
        sizes[1:] if any_length else sizes,
        argument.stride(),
        argument.dtype,
        argument.device,
        argument.requires_grad,
    )


def _digest(known: list[Any]) -> str:
    return hashlib.sha256(repr(known).encode()).hexdigest()[:24]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Guards hold the CPU's number of threads, which is nothing to a GPU's programs."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _compiled(call: Call, backend: Backend) -> Program:
    if call.function.__closure__ or "<" in call.function.__qualname__:
        raise ValueError(
            f"{call.function.__qualname__} is known by its name to other processes: make it a function of a module"
        )
    options: dict[str, Any] = {"guard_filter_fn": _can_be_kept} | (_own_options() if backend == "inductor" else {})
    with torch._dynamo.config.patch(enable_aot_compile=True):
        function: Any = torch.compile(call.function, fullgraph=True, dynamic=False, backend=backend, options=options)
    if call.any_length:
        _leave_length_open(call)
    with warnings.catch_warnings():
        for message in TOLD_IN_VAIN:
            warnings.filterwarnings("ignore", message)
        program: Program = function.aot_compile((call.arguments, dict(call.named)))
    program.disable_guard_check()
    return program


def _own_options() -> dict[str, Any]:
    from mix2mix.products import InParts  # imports torch's compiler, for seconds

    return OPTIONS | {"post_grad_custom_post_pass": InParts()}


def _can_be_kept(guards: Sequence[Any]) -> list[bool]:
    """Whether each guard means something to another process. Those of code do not: its source is known otherwise."""
    from torch._dynamo.guards import CheckFunctionManager

    lost = set(CheckFunctionManager.UNSUPPORTED_SERIALIZATION_GUARD_TYPES)
    return [not (guard.is_global or lost & {guard.guard_type, *guard.derived_guard_types}) for guard in guards]


def _leave_length_open(call: Call) -> None:
    for leaf in tree_leaves((call.arguments, dict(call.named))):
        if isinstance(leaf, Tensor) and leaf.dim():
            torch._dynamo.mark_dynamic(leaf, 0)


def _read(path: Path, call: Call) -> Program:
    written, scope = BytesIO(path.read_bytes()), call.function.__globals__
    try:
        program = cast(Program, torch.compiler.load_compiled_function(written, f_globals=scope))
    except Exception as error:  # what a spoilt file does to its reader can be anything
        raise InputError(
            f"compiled program {path}",
            got=f"{type(error).__name__}: {error}",
            expected="one that this torch has written",
            fix=f"Delete the folder {path.parent}: programs are compiled again then.",
        ) from error
    program.disable_guard_check()
    return program
