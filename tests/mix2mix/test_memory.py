"""Too little memory is told before any work, with what is needed and what would help."""

from types import SimpleNamespace

import pytest
from torch import nn

from mix2mix import memory
from mix2mix.bundles import BundleSettings
from mix2mix.distill_config import DistillConfig
from mix2mix.errors import InputError
from mix2mix.memory import GIB, check_memory, needed_memory

NORMAL, LOW = DistillConfig(), DistillConfig(memory="low")


@pytest.fixture
def bundle():
    """A student of 2^30 weights that have no memory, and whose frames take 2 GiB, or half of one."""
    settings = BundleSettings(16, 16, {}, {}, compiled=True, activation_gib={"normal": 2.0, "low": 0.5})
    student = nn.Linear(2**15, 2**15, bias=False, device="meta")
    return SimpleNamespace(name="large", student=student, settings=settings)


@pytest.fixture
def free(monkeypatch):
    """Says how many GiB of a GPU are free."""
    return lambda gib: monkeypatch.setattr(memory, "free_memory", lambda device: int(gib * GIB))


def test_what_is_needed_by_hand(bundle):
    assert needed_memory(bundle, 4, NORMAL) == (11 + 5 * 2) * GIB
    assert needed_memory(bundle, 4, LOW) == (11 + 5 * 0.5) * GIB


def test_enough_is_enough(bundle, free):
    free(24)
    check_memory(bundle, 4, NORMAL, "cuda")


def test_low_memory_is_the_way_out_where_it_is_one(bundle, free):
    free(20.9)
    with pytest.raises(InputError) as told:
        check_memory(bundle, 4, NORMAL, "cuda:1")
    assert str(told.value) == (
        "free memory of cuda:1: got 20.9 GiB; expected 21.0 GiB for 4 views with bundle large. "
        "Add --memory low: 13.5 GiB are enough then, for more time."
    )
    check_memory(bundle, 4, LOW, "cuda:1")


@pytest.mark.parametrize("config", [NORMAL, LOW], ids=["normal", "low"])
def test_where_it_is_none_fewer_views_are(bundle, free, config):
    free(8)
    with pytest.raises(InputError, match=r"got 8.0 GiB.*choose fewer views or another GPU"):
        check_memory(bundle, 4, config, "cuda")


def test_a_cpu_is_not_checked(bundle, free):
    free(0)
    check_memory(bundle, 4, NORMAL, "cpu")
