"""Two courses of distillation from the same seed are compared by their latents and their gradients' norms."""

import math

import pytest
import torch

from benchmark.exactness import Course, difference, follow
from mix2mix.bundles import load_bundle


def test_the_difference_by_hand():
    one = Course(torch.tensor([3.0, 5.0]), torch.tensor([2.0, 1.1]))
    other = Course(torch.tensor([3.0, 4.0]), torch.tensor([2.0, 1.0]))
    far = difference(one, other)
    assert far.x0 == pytest.approx(1 / 5)
    assert far.norm == pytest.approx(0.1)


def test_on_a_cpu_both_paths_are_one(random_bundle_folder):
    bundle = load_bundle("mini", "cpu", random_bundle_folder)
    plain, fast = (follow(bundle, 2, "cpu", fast, views=3) for fast in (False, True))
    assert difference(fast, plain).x0 == difference(fast, plain).norm == 0
    assert plain.norms.shape == (2,)
    assert len(plain.x0) == 3
    assert all(math.isfinite(norm) and norm > 0 for norm in plain.norms.tolist())
