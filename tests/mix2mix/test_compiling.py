"""Blocks are compiled for as long as they are at work, and are as they were afterwards."""

import pytest
import torch
from torch import nn

from mix2mix import compiling
from mix2mix.bundles import BundleSettings
from mix2mix.compiling import compiled, compiled_function, compiler_missing, recomputed, uncompiled_because


class Doubling(nn.Module):
    def forward(self, x):
        return 2 * x


class Hundred:
    """In place of programs: what was called, and what it gives and a hundred."""

    def __init__(self) -> None:
        self.calls = []

    def run(self, call):
        self.calls.append(call)
        return call.function(*call.arguments, **call.named) + 100


def test_parts_run_compiled_inside_and_plain_outside():
    one, other, untouched = Doubling(), Doubling(), Doubling()
    with compiled([one, other], Hundred()):
        assert [part(1) for part in (one, other, untouched)] == [102, 102, 2]
    assert [part(1) for part in (one, other)] == [2, 2]


def test_programs_are_those_of_the_process_unless_given(monkeypatch):
    shared = Hundred()
    monkeypatch.setattr(compiling, "shared_programs", lambda: shared)
    part = Doubling()
    with compiled([part]):
        part(x=1)
    (call,) = shared.calls
    assert (call.arguments, call.named, call.any_length) == ((part,), {"x": 1}, False)


def test_an_error_inside_leaves_them_plain():
    part = Doubling()
    with pytest.raises(ZeroDivisionError), compiled([part], Hundred()):
        raise ZeroDivisionError
    assert part(1) == 2
    assert part.__dict__.keys() == Doubling().__dict__.keys()


def test_one_program_serves_parts_of_one_kind_and_shape(programs, made):
    layers = [nn.Linear(3, 3) for _ in range(12)]
    x = torch.ones(2, 3)
    with torch.no_grad(), compiled(layers, programs):
        outputs = [layer(x) for layer in layers]
    assert len(made) == 1
    assert all(torch.equal(output, layer(x)) for output, layer in zip(outputs, layers, strict=True))


def test_what_compilation_lacks_is_named(monkeypatch):
    monkeypatch.setattr(compiling, "find_spec", lambda name: None)
    assert compiler_missing() == "triton is not installed"
    monkeypatch.setattr(compiling, "find_spec", lambda name: object())
    assert compiler_missing() is None


def test_a_function_is_compiled_where_there_is_a_compiler(monkeypatch):
    monkeypatch.setattr(compiling, "find_spec", lambda name: object())
    hundred, given = Hundred(), []
    compiled_function(lambda x: given.append(x) or x, hundred)(1)
    (call,) = hundred.calls
    assert (call.arguments, call.any_length) == ((1,), True)
    monkeypatch.setattr(compiling, "find_spec", lambda name: None)
    compiled_function(given.append, hundred)(2)
    assert len(hundred.calls) == 1
    assert given == [1, 2]


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


def test_what_is_computed_twice_cannot_be_compiled_any_more(wide, programs):
    with recomputed(wide), pytest.raises(RuntimeError, match="compiled first"), compiled(wide, programs):
        pass


def test_compiled_they_have_the_programs_that_they_have_otherwise(wide, programs, made):
    x = torch.ones(8, 4, requires_grad=True)
    expected, much = gradients(wide, x)
    with compiled(wide, programs):
        gradients(wide, x)
        programs_of_once = len(made)
        with recomputed(wide):
            found, little = gradients(wide, x)
    assert all(torch.allclose(*pair, atol=1e-6) for pair in zip(found, expected, strict=True))
    assert little < much / 10
    assert len(made) == programs_of_once == 1
    assert all("forward" not in block.__dict__ for block in wide)
