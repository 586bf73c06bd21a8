"""A program is made once for what looks alike and holds alike, and read from the disk by the next process."""

import gc
import json
import subprocess
import sys
import weakref
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from torch._dynamo.package import SystemInfo
from torch.nn.attention import SDPBackend, sdpa_kernel

from mix2mix import programs as module
from mix2mix.errors import InputError
from mix2mix.products import InParts
from mix2mix.programs import OPTIONS, Call, Programs, kind_of, shared_programs

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")  # on importing torch's own compiler


class Scaled(nn.Module):
    """Times a weight and a factor, which nothing of its tree tells."""

    def __init__(self, factor: float = 2.0, width: int = 3) -> None:
        super().__init__()
        self.weight, self.factor = nn.Parameter(torch.ones(width)), factor

    def forward(self, x, signals):
        return x * self.weight * self.factor + signals["shift"]


def forward(part, x, signals, *, twice=False):
    y = part(x, signals)
    return 2 * y if twice else y


X, SHIFT = torch.arange(6.0).view(2, 3), {"shift": torch.tensor(1.0)}


def run(programs, part, x=X, signals=SHIFT, **named):
    """By its program and as it is written: the result, and the gradient by the weight."""
    results = []
    for compute in (lambda *given: programs.run(Call(forward, given, named)), lambda *given: forward(*given, **named)):
        y = compute(part, x, signals)
        results.append([y.detach(), *torch.autograd.grad(y.sum(), part.weight)])
    return results


def alike(programs, *given, **named):
    found, expected = run(programs, *given, **named)
    return all(map(torch.equal, found, expected))


# --- one program, or another -----------------------------------------------------------------------------------------


def test_it_computes_and_differentiates_what_is_written(programs, made):
    assert alike(programs, Scaled())
    assert len(made) == 1


def test_parts_of_one_kind_share_a_program_and_keep_their_weights(programs, made):
    parts = [Scaled() for _ in range(3)]
    for number, part in enumerate(parts):
        part.weight.data.fill_(number)
    assert all(alike(programs, part) for part in parts)
    assert len(made) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"x": torch.ones(5, 3)},
        {"x": X.double()},
        {"x": X.clone().requires_grad_()},
        {"x": torch.arange(6.0).view(3, 2).t()},
        {"signals": {"shift": torch.ones(3)}},
        {"twice": True},
        {"part": Scaled(width=1)},
        {"part": Scaled(factor=3.0)},
    ],
    ids=["shape", "precision", "gradient", "layout", "signals", "named", "width", "what only its guards tell"],
)
def test_what_is_not_alike_has_a_program_of_its_own(programs, made, other):
    given = {"part": Scaled(), **other}
    for _ in range(2):
        assert alike(programs, Scaled())
        assert alike(programs, **given)
    assert len(made) == 2


def test_one_is_made_for_each_way_in_which_torch_computes(programs, made):
    layer, x = nn.Linear(3, 3), torch.ones(2, 3)

    def output():
        return programs.run(Call(torch.nn.Linear.forward, (layer, x)))

    with torch.autocast("cpu", torch.bfloat16):
        assert output().dtype == torch.bfloat16
    assert output().dtype == torch.float32
    assert output().requires_grad
    with torch.no_grad():
        assert not output().requires_grad
    assert len(made) == 3


def add_up(total, numbers, factor):
    total.add_(numbers * factor)


def test_one_program_serves_any_length(programs, made):
    for length in (2, 7, 5, 2):
        total, numbers, factor = torch.ones(length, 4), torch.ones(length, 4), torch.tensor(3.0)
        programs.run(Call(add_up, (total, numbers, factor), any_length=True))
        assert torch.equal(total, torch.full((length, 4), 4.0))
    assert len(made) == 1


def test_a_program_keeps_nothing_of_what_it_was_made_for(programs):
    part = Scaled()
    weight = weakref.ref(part.weight)
    assert alike(programs, part)
    del part
    gc.collect()
    assert weight() is None


def test_functions_can_compute_as_they_are_written(programs, made):
    with programs.as_written():
        with programs.as_written():
            pass
        assert alike(programs, Scaled())
    assert len(made) == 0
    assert alike(programs, Scaled())
    assert len(made) == 1


def test_another_number_of_threads_needs_no_other_program(programs, made):
    threads = torch.get_num_threads()
    try:
        for number in (1, 2, 3):
            torch.set_num_threads(number)
            assert alike(programs, Scaled())
            assert torch.get_num_threads() == number
    finally:
        torch.set_num_threads(threads)
    assert len(made) == 1


def test_which_attention_kernels_are_allowed_is_told_apart():
    kinds = set()
    for allowed in (SDPBackend.MATH, SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION):
        with sdpa_kernel(allowed):
            kinds.add(kind_of(Call(add_up, (X,))))
    assert len(kinds) == 3


@pytest.mark.parametrize("function", [lambda x: x, (lambda y: lambda x: x + y)(1)], ids=["lambda", "closure"])
def test_a_function_that_has_no_name_of_its_own_is_refused(programs, function):
    with pytest.raises(ValueError, match="make it a function of a module"):
        programs.run(Call(function, (X,)))


def test_a_kind_is_named_after_its_function():
    assert kind_of(Call(add_up, (X,))).startswith(f"{__name__}.add_up-")


# --- on the disk -----------------------------------------------------------------------------------------------------


def test_what_was_kept_is_not_traced_again(programs, made, tmp_path, monkeypatch):
    factors = (2.0, 3.0)
    assert all(alike(programs, Scaled(factor)) for factor in factors)
    monkeypatch.setattr(torch, "compile", None)
    anew = Programs(tmp_path)
    assert all(alike(anew, Scaled(factor)) for factor in factors)
    assert len(made) == 2
    assert len(list(tmp_path.iterdir())) == 2


PROCESS = """
import json, sys, torch
from pathlib import Path
from torch import nn
from mix2mix.programs import Call, Programs

torch.manual_seed(0)
layer, x = nn.Linear(5, 4), torch.randn(3, 5)
compile, made = torch.compile, []
torch.compile = lambda *given, **options: made.append(1) or compile(*given, **options)
y = Programs(Path(sys.argv[1])).run(Call(nn.Linear.forward, (layer, x)))
gradients = torch.autograd.grad(y.square().sum(), list(layer.parameters()))
print(json.dumps([len(made), y.tolist(), [gradient.tolist() for gradient in gradients]]))
"""


def test_the_next_process_reads_what_torch_s_compiler_made_in_this_one(tmp_path):
    command = [sys.executable, "-c", PROCESS, str(tmp_path)]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    (made, *first), (made_again, *second) = map(json.loads, runs)
    assert (made, made_again) == (1, 0)
    assert first == second


def test_a_spoilt_file_is_named_with_what_to_do(programs, made, tmp_path):
    assert alike(programs, Scaled())
    (written,) = tmp_path.iterdir()
    written.write_bytes(b"spoilt")
    with pytest.raises(InputError, match=r"compiled program .*forward-.*Delete the folder .*programs"):
        run(Programs(tmp_path), Scaled())


def test_a_program_that_cannot_be_written_leaves_no_file(programs, tmp_path, monkeypatch):
    def fail(self, path, *rest):
        Path(path).write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(torch._dynamo.aot_compile.AOTCompiledFunction, "save_compiled_function", fail)
    with pytest.raises(OSError, match="no space left"):
        run(programs, Scaled())
    assert list(tmp_path.iterdir()) == []


# --- those of the process --------------------------------------------------------------------------------------------


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """Of the shared programs, found anew."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    return lambda: shared_programs.__wrapped__()._folder


def test_they_lie_beside_what_torch_s_compiler_keeps(folder, tmp_path):
    assert folder().parent == tmp_path / "mix2mix"


def test_a_process_has_them_once():
    assert shared_programs() is shared_programs()


def test_they_are_found_by_sources_settings_and_versions(folder, monkeypatch):
    known = {folder()}
    assert folder() in known
    monkeypatch.setitem(OPTIONS, "realize_reads_threshold", 5)
    known.add(folder())
    with torch._inductor.config.patch(emulate_precision_casts=True):
        known.add(folder())
    monkeypatch.setattr(module, "version", lambda name: f"another {name}")
    known.add(folder())
    here = SystemInfo.current()
    for what in ("python_version", "torch_version", "triton_version", "gpu_name"):
        monkeypatch.setattr(SystemInfo, "current", lambda what=what: replace(here, **{what: "another"}))
        known.add(folder())
    read = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda path, **how: read(path, **how) + "#")
    known.add(folder())
    assert len(known) == 9


def test_torch_knows_the_options_and_would_choose_otherwise():
    usual = torch._inductor.config.get_config_copy()
    assert {name for name, value in OPTIONS.items() if usual[name] == value} == set()
    assert not OPTIONS["triton.mix_order_reduction"]
    assert not OPTIONS["comprehensive_padding"]


def test_torch_s_own_compiler_is_given_the_options(tmp_path, monkeypatch):
    given = {}

    def stand_in(function, **options):
        given.update(options)
        raise InterruptedError

    monkeypatch.setattr(torch, "compile", stand_in)
    with pytest.raises(InterruptedError):
        Programs(tmp_path).run(Call(add_up, (X, X, X)))
    options = given.pop("options")
    assert options.items() > OPTIONS.items()
    assert isinstance(options["post_grad_custom_post_pass"], InParts)
    assert given == {"fullgraph": True, "dynamic": False, "backend": "inductor"}
