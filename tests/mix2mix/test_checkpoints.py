"""A checkpoint fits its network exactly, or the message says where it does not."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from mix2mix.checkpoints import Entry, differences, load_strictly, precisions, read_header
from mix2mix.errors import InputError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.safetensors"


def network():
    return nn.ModuleDict({name: nn.Linear(2, 3) for name in "abcdefgh"})


def refusal(path, module, **options):
    with pytest.raises(InputError) as error:
        load_strictly(module, path, **options)
    return str(error.value)


def test_the_header_names_every_tensor_with_its_type_and_shape(path):
    save_file({"w": torch.zeros(2, 3), "h": torch.zeros(4).half(), "i": torch.zeros((), dtype=torch.int64)}, path)
    assert read_header(path) == {"w": Entry("float32", (2, 3)), "h": Entry("float16", (4,)), "i": Entry("I64", ())}
    assert precisions(path) == {"float32", "float16"}


def test_a_file_that_was_cut_short_is_told_with_both_lengths(path):
    save_file({"w": torch.zeros(100)}, path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    with pytest.raises(InputError, match=rf"{len(whole) - 7} bytes where its header says {len(whole)}"):
        read_header(path)


@pytest.mark.parametrize("content", [b"", b"abc", b"<html>not found</html>", (9).to_bytes(8, "little") + b'["a","b"]'])
def test_a_file_of_another_kind_is_told(path, content):
    path.write_bytes(content)
    with pytest.raises(InputError, match="a whole safetensors file"):
        read_header(path)


def test_missing_then_misshapen_then_extra_tensors_are_listed():
    expected, found = {"a": (1,), "b": (2, 2), "c": (3,)}, {"b": (2,), "c": (3,), "d": ()}
    assert differences(expected, found) == [
        "a: missing, expected [1]",
        "b: has [2], expected [2, 2]",
        "d: extra, has []",
    ]


def test_tensors_are_copied_in_the_networks_own_precision(path):
    wanted, module = network(), network()
    save_file({name: value.half() for name, value in wanted.state_dict().items()}, path)
    load_strictly(module, path)
    for name, value in module.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, wanted.state_dict()[name].half().float())


def test_faults_of_all_three_kinds_are_told_with_names_and_shapes_and_nothing_is_loaded(path):
    module = network()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    state = {name: torch.full_like(value, 7.0) for name, value in before.items()}
    del state["a.bias"]
    save_file({**state, "b.weight": torch.zeros(3, 5), "z": torch.zeros(1)}, path)
    told = refusal(path, module)
    assert "3 tensors that differ" in told
    assert all(
        line in told
        for line in ("a.bias: missing, expected [3]", "b.weight: has [3, 5], expected [3, 2]", "z: extra, has [1]")
    )
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_of_many_faults_the_first_ten_are_told_and_the_others_counted(path):
    save_file({"z": torch.zeros(1)}, path)
    told = refusal(path, network())
    assert told.count("missing, expected") == 10
    assert "17 tensors that differ" in told
    assert "and 7 more" in told


def test_names_are_translated_before_they_are_compared(path):
    wanted, module = nn.Linear(2, 3), nn.Linear(2, 3)
    save_file({f"old.{name}": value for name, value in wanted.state_dict().items()} | {"table": torch.zeros(1)}, path)
    load_strictly(module, path, lambda name: name.removeprefix("old.") if name != "table" else None)
    assert torch.equal(module.weight, wanted.weight)
    assert "old.bias: extra" in refusal(path, module, rename=lambda name: name)
