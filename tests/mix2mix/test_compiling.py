"""Blocks are compiled for as long as they are at work, and are as they were afterwards."""

import pytest
import torch
from torch import nn

from mix2mix import compiling
from mix2mix.compiling import compiled, compiled_function, compiler_missing


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
    assert compile_calls == [{"dynamic": False, "backend": "inductor"}] * 2


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
    assert compile_calls == [{"dynamic": False, "backend": "inductor"}]
    monkeypatch.setattr(compiling, "find_spec", lambda name: None)
    assert compiled_function(lambda x: 2 * x)(1) == 2
