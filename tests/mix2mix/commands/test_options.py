"""What the texts of options mean."""

import argparse
from collections.abc import Callable

import pytest
import torch

from mix2mix.commands.options import find_device, find_devices, guidance, integers, names, seed
from mix2mix.errors import InputError


def test_numbers_stand_between_commas() -> None:
    assert integers("3, 0,12") == (3, 0, 12)


def test_names_stand_between_commas() -> None:
    assert names("t2vz, i-mix2mix@k=20+f=0.1,") == ("t2vz", "i-mix2mix@k=20+f=0.1")


def test_guidance_is_a_number() -> None:
    assert guidance("7.5") == 7.5


def test_seeds_have_32_bits() -> None:
    assert seed(str(2**32 - 1)) == 2**32 - 1


@pytest.mark.parametrize(
    ("read", "text"),
    [
        *((integers, text) for text in ("", "1,,2", "-1", "1.5", "a")),
        *((names, text) for text in ("", " , ")),
        *((guidance, text) for text in ("strong", "-1", "nan", "inf", "101")),
        *((seed, text) for text in ("-1", "1.0", "", "one", str(2**32))),
    ],
)
def test_anything_else_is_told_with_what_was_expected(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=rf"got '{text}'; expected"):
        read(text)


@pytest.mark.parametrize(("gpus", "device"), [(0, "cpu"), (2, "cuda")])
def test_the_device_is_the_gpu_where_there_is_one(gpus: int, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    assert find_device("auto") == device


@pytest.mark.parametrize("name", ["cpu", "cuda", "cuda:0", "cuda:1"])
def test_a_device_that_is_here_is_taken_by_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert find_device(name) == name


@pytest.mark.parametrize(("gpus", "name"), [(0, "cuda"), (1, "cuda:1"), (1, "tpu")])
def test_a_device_that_is_not_here_is_bad_input(gpus: int, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    with pytest.raises(InputError, match=f"device: got '{name}'; expected one of cpu"):
        find_device(name)


@pytest.mark.parametrize(
    ("wanted", "devices"),
    [
        (["all"], ("cuda:0", "cuda:1")),
        (["cuda:1", "cuda:0"], ("cuda:1", "cuda:0")),
        (["cuda", "cuda:1"], ("cuda:0", "cuda:1")),
        (["cuda"], ("cuda",)),
        (["cpu", "cpu"], ("cpu", "cpu")),
        (["cuda", "cuda:0"], ("cuda:0", "cuda:0")),
    ],
)
def test_several_devices_are_taken_in_their_order(
    wanted: list[str], devices: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert find_devices(wanted) == devices


@pytest.mark.parametrize(
    ("gpus", "wanted", "message"),
    [
        (2, ["cuda:0", "cuda:2"], "got 'cuda:2'"),
        (0, ["all"], "expected a machine with GPUs"),
    ],
)
def test_devices_that_are_not_here_are_bad_input(
    gpus: int, wanted: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    with pytest.raises(InputError, match=message):
        find_devices(wanted)
