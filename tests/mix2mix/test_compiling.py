"""Blocks are compiled for as long as they are at work, and are as they were afterwards."""

import hashlib
from pathlib import Path
from unittest.mock import ANY

import pytest
import torch
from functorch.compile import make_boxed_compiler, min_cut_rematerialization_partition
from torch import nn
from torch._dynamo.backends.common import aot_autograd

from mix2mix import compiling
from mix2mix.bundles import BundleSettings
from mix2mix.compiling import (
    OPTIONS,
    compiled,
    compiled_function,
    compiler_missing,
    recomputed,
    uncompiled_because,
    whole,
)

GIVEN = {**OPTIONS, "unsafe_marked_cacheable_functions": ANY}
"""Options that torch's compiler is given."""


class Doubling(nn.Module):
    def forward(self, x):
        return 2 * x


@pytest.fixture
def compile_calls(monkeypatch):
    """In place of torch's compiler: what it was given; what it makes adds a hundred."""
    calls = []

    def stand_in(function, **options):
        calls.append(options)
        return lambda x: function(x) + 100

    monkeypatch.setattr(torch, "compile", stand_in)
    return calls


def test_parts_run_compiled_inside_and_plain_outside(compile_calls):
    one, other, untouched = Doubling(), Doubling(), Doubling()
    with compiled([one, other]):
        assert [part(1) for part in (one, other, untouched)] == [102, 102, 2]
    assert [part(1) for part in (one, other)] == [2, 2]
    assert compile_calls == [{"dynamic": False, "backend": "inductor", "options": GIVEN}] * 2


def test_torch_knows_the_options_and_would_choose_otherwise():
    usual = torch._inductor.config.get_config_copy()
    assert {name for name, value in OPTIONS.items() if usual[name] == value} == set()
    assert not OPTIONS["triton.mix_order_reduction"]
    assert not OPTIONS["comprehensive_padding"]


@whole
def swish(x, scale: float):
    return x * (scale * x).sigmoid()


class Swish(nn.Module):
    def forward(self, x):
        return swish(x, 2.0)


def test_what_is_taken_as_a_whole_is_one_operation_to_the_tracer():
    torch._dynamo.reset()
    traced, part, x = [], Swish(), torch.linspace(-2, 2, 9, requires_grad=True)

    def backend(graph, inputs):
        traced.extend(node.target for node in graph.graph.nodes if node.op == "call_function")
        return graph

    with compiled([part], backend=backend):
        found = part(x)
    assert traced == [swish]
    torch.testing.assert_close(torch.autograd.grad(found.sum(), x), torch.autograd.grad(swish(x, 2.0).sum(), x))


def test_its_programs_are_cached_by_its_source(compile_calls):
    with compiled([Doubling()]):
        options = compile_calls[-1]["options"]
    known = options["unsafe_marked_cacheable_functions"]
    source = Path(__file__).read_bytes()
    assert known[f"{__name__}.swish"] == hashlib.sha256(source).hexdigest()
    assert options == GIVEN


def test_an_error_inside_leaves_them_plain(compile_calls):
    part = Doubling()
    with pytest.raises(ZeroDivisionError), compiled([part]):
        raise ZeroDivisionError
    assert part(1) == 2
    assert part.__dict__.keys() == Doubling().__dict__.keys()


def test_the_real_compiler_keeps_one_program_for_parts_of_one_kind_and_shape():
    torch._dynamo.reset()
    before = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    layers = [nn.Linear(3, 3) for _ in range(12)]
    x = torch.ones(2, 3)
    with torch.no_grad(), compiled(layers, backend="eager"):
        outputs = [layer(x) for layer in layers]
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == before + 1
    assert all(torch.equal(output, layer(x)) for output, layer in zip(outputs, layers, strict=True))


def test_what_compilation_lacks_is_named(monkeypatch):
    monkeypatch.setattr(compiling, "find_spec", lambda name: None)
    assert compiler_missing() == "triton is not installed"
    monkeypatch.setattr(compiling, "find_spec", lambda name: object())
    assert compiler_missing() is None


def test_a_function_is_compiled_where_there_is_a_compiler(compile_calls, monkeypatch):
    monkeypatch.setattr(compiling, "find_spec", lambda name: object())
    assert compiled_function(lambda x: 2 * x)(1) == 102
    assert compile_calls == [{"dynamic": None, "backend": "inductor", "options": GIVEN}]
    monkeypatch.setattr(compiling, "find_spec", lambda name: None)
    assert compiled_function(lambda x: 2 * x)(1) == 2


@pytest.mark.parametrize(
    ("wanted", "device", "found", "told"),
    [
        (True, "cuda", False, True),
        (True, "cuda:1", True, False),
        (True, "cpu", False, False),
        (False, "cuda", False, False),
    ],
)
def test_it_is_told_where_a_compiler_is_wanted_and_missing(monkeypatch, wanted, device, found, told):
    monkeypatch.setattr(compiling, "find_spec", lambda name: object() if found else None)
    why = uncompiled_because(BundleSettings(16, 16, {}, {}, compiled=wanted), device)
    assert (why is not None) == told
    assert not told or why.startswith("triton is not installed: networks run uncompiled")


# --- computed twice --------------------------------------------------------------------------------------------------


class Wide(nn.Module):
    """A block whose middle is far wider than its ends, with something to read beside its input."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(4, 400), nn.Linear(400, 4)

    def forward(self, x, beside):
        return x + self.down(self.up(x).sin() * beside["factor"])


def gradients(blocks, x):
    """Of all weights; and how many numbers were kept for the backward pass."""
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
        for block in blocks:
            x = block(x, {"factor": torch.tensor(2.0)})
    weights = [weight for block in blocks for weight in block.parameters()]
    return torch.autograd.grad(x.square().sum(), weights), sum(kept)


@pytest.fixture
def wide():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return [Wide() for _ in range(6)]


def test_blocks_that_are_computed_twice_give_the_same_gradients_from_less_memory(wide):
    x = torch.ones(8, 4)
    expected, much = gradients(wide, x)
    with recomputed(wide):
        found, little = gradients(wide, x)
    assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))
    assert little < much / 10
    assert all("forward" not in block.__dict__ for block in wide)


def test_compiled_they_are_still_one_program(wide):
    torch._dynamo.reset()
    x = torch.ones(8, 4, requires_grad=True)
    expected, _ = gradients(wide, x)
    before = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    with recomputed(wide), compiled(wide, backend="aot_eager"):
        found = compiled_gradients(wide, x)
    assert all(torch.allclose(*pair, atol=1e-6) for pair in zip(found, expected, strict=True))
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == before + 1
    assert all("forward" not in block.__dict__ for block in wide)


def test_their_program_keeps_little_for_the_backward_pass(wide):
    x = torch.ones(8, 4, requires_grad=True)
    much, little = [], []
    with compiled(wide, backend=counting(much)):
        compiled_gradients(wide, x)
    with recomputed(wide), compiled(wide, backend=counting(little)):
        compiled_gradients(wide, x)
    weights = sum(weight.numel() for block in wide for weight in block.parameters())
    assert sum(little) - weights < 0.1 * (sum(much) - weights)


def compiled_gradients(blocks, x):
    for block in blocks:
        x = block(x, {"factor": torch.tensor(2.0)})
    return torch.autograd.grad(x.square().sum(), [weight for block in blocks for weight in block.parameters()])


def counting(kept):
    """A compiler that computes as it is told to, and notes how many numbers a forward pass leaves behind."""

    def forward(program, inputs):
        def run(arguments):
            outputs = program(*arguments)
            kept.append(sum(output.numel() for output in outputs if isinstance(output, torch.Tensor)))
            return outputs

        run._boxed_call = True
        return run

    backward = make_boxed_compiler(lambda program, inputs: program.forward)
    torch._dynamo.reset()
    return aot_autograd(fw_compiler=forward, bw_compiler=backward, partition_fn=min_cut_rematerialization_partition)
