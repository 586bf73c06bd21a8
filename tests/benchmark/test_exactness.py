"""Two courses of distillation from the same seed are compared by their latents and their gradients' norms."""

import math
from dataclasses import replace

import pytest
import torch

from benchmark.exactness import Course, difference, follow, main
from mix2mix.bundles import load_bundle


@pytest.fixture(scope="module")
def bundle(random_bundle_folder):
    return load_bundle("mini", "cpu", random_bundle_folder)


def test_the_difference_by_hand():
    one = Course(torch.tensor([3.0, 5.0]), torch.tensor([2.0, 1.1]))
    other = Course(torch.tensor([3.0, 4.0]), torch.tensor([2.0, 1.0]))
    far = difference(one, other)
    assert far.x0 == pytest.approx(1 / 5)
    assert far.norm == pytest.approx(0.1)


def test_on_a_cpu_both_paths_are_one(bundle):
    plain, fast = (follow(bundle, 2, "cpu", fast, views=3) for fast in (False, True))
    assert difference(fast, plain).x0 == difference(fast, plain).norm == 0
    assert plain.norms.shape == (2,)
    assert len(plain.x0) == 3
    assert all(math.isfinite(norm) and norm > 0 for norm in plain.norms.tolist())


def test_the_rates_are_those_of_trained_weights(bundle):
    """Untrained bundles learn more slowly elsewhere. The third update's latents are the first to tell."""
    trained = replace(bundle, settings=replace(bundle.settings, random_weights=False))
    one, other = (follow(either, 3, "cpu", fast=False, views=2) for either in (bundle, trained))
    assert torch.equal(one.x0, other.x0)


def test_both_differences_are_told(random_bundle_folder, capsys):
    assert main(["--weights", str(random_bundle_folder), "--device", "cpu", "--updates", "1", "--views", "2"]) == 0
    again, fast = capsys.readouterr().out.splitlines()
    assert again.startswith("plain again  clean latents 0.00e+00, gradient norms 0.00e+00")
    assert fast.startswith("fast         clean latents 0.00e+00, gradient norms 0.00e+00")
