"""FlashAttention 4 computes attention inside of a block, where it is installed and fits."""

import os

import pytest
import torch
from torch.nn.attention import current_flash_attention_impl, register_flash_attention_impl

from mix2mix import flash
from mix2mix.errors import InputError
from mix2mix.flash import flash_4, serves

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)


@pytest.fixture
def machine(monkeypatch):
    """Pretend that there are these packages, and a GPU of this capability."""

    def pretend(packages, capability=(9, 0)):
        monkeypatch.setattr(flash, "find_spec", lambda name: object() if name in packages else None)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)

    return pretend


@pytest.fixture
def stand_in(monkeypatch):
    """In the place of FlashAttention 4: what was put into torch's dispatcher and taken out again."""
    events = []

    class Handle:
        def remove(self):
            events.append("removed")

    def register():
        events.append("put in")
        return Handle()

    own = torch.nn.attention._registry._FLASH_ATTENTION_IMPLS["FA4"]
    register_flash_attention_impl("FA4", register_fn=register)
    monkeypatch.setattr(flash, "_try_out", lambda device: events.append(f"tried out on {device}"))
    yield events
    register_flash_attention_impl("FA4", register_fn=own)


def test_it_serves_hopper_and_blackwell_where_it_is_installed(machine):
    machine({"flash_attn", "flash_attn.cute"})
    assert serves(GPU)
    assert not serves(CPU)
    machine({"flash_attn", "flash_attn.cute"}, (10, 0))
    assert serves(GPU)
    machine({"flash_attn", "flash_attn.cute"}, (8, 0))
    assert not serves(GPU)


@pytest.mark.parametrize(("said", "kept"), [(None, "1"), ("0", "0")])
def test_its_kernels_are_kept_unless_one_says_otherwise(stand_in, monkeypatch, said, kept):
    monkeypatch.setenv(flash.KEEPS_KERNELS, said or "")
    if said is None:
        monkeypatch.delenv(flash.KEEPS_KERNELS)
    with flash_4(CPU):
        assert os.environ[flash.KEEPS_KERNELS] == kept


def test_an_older_version_is_not_it(machine):
    machine({"flash_attn"})
    assert not serves(GPU)
    machine(set())
    assert not serves(GPU)


def test_it_is_at_work_inside_of_the_block_alone(stand_in):
    with flash_4(CPU):
        assert current_flash_attention_impl() == "FA4"
        assert stand_in == ["put in", "tried out on cpu"]
    assert current_flash_attention_impl() is None
    assert stand_in[2:] == ["removed"]


def test_it_is_taken_out_when_the_work_fails(stand_in):
    with pytest.raises(ZeroDivisionError), flash_4(CPU):
        1 / 0  # noqa: B018
    assert current_flash_attention_impl() is None


def test_one_that_torch_cannot_use_is_told_and_taken_out(stand_in, monkeypatch):
    def refuse(device):
        raise ValueError("too many values to unpack")

    monkeypatch.setattr(flash, "_try_out", refuse)
    told = r"too many values to unpack.*Install another version of flash-attn-4"
    with pytest.raises(InputError, match=told), flash_4(CPU):
        pytest.fail("the work was begun")
    assert current_flash_attention_impl() is None


@pytest.mark.filterwarnings("ignore:warpgroup.OperandMajorMode is deprecated:DeprecationWarning")  # its own use of it
@pytest.mark.skipif(not (torch.cuda.is_available() and serves(GPU)), reason="needs FlashAttention 4 and its GPU")
@pytest.mark.parametrize("shape", [(1, 5, 2000, 64), (2, 3, 5184, 64)])
def test_its_gradients_are_as_near_to_fp32_as_torch_s_own(shape):
    torch.manual_seed(0)
    inputs = [torch.randn(shape, device="cuda") for _ in range(4)]
    truth = gradients(*inputs)
    halves = [each.bfloat16() for each in inputs]
    with flash_4(GPU):
        found = gradients(*halves)
    for one, other, true in zip(found, gradients(*halves), truth, strict=True):
        assert (one - true).norm() < 1.1 * (other - true).norm()


def gradients(query, key, value, weights):
    leaves = [each.detach().requires_grad_() for each in (query, key, value)]
    mixed = torch.nn.functional.scaled_dot_product_attention(*leaves)
    return torch.autograd.grad(mixed, leaves, weights)
