"""Two courses of distillation from the same seed are compared by their latents and their gradients' norms."""

import math

import pytest
import torch

from benchmark.exactness import Course, difference, follow, gradient_norm
from mix2mix.bundles import load_bundle


def test_the_difference_by_hand():
    one = Course(torch.tensor([3.0, 5.0]), torch.tensor([2.0, 1.1]))
    other = Course(torch.tensor([3.0, 4.0]), torch.tensor([2.0, 1.0]))
    far = difference(one, other)
    assert far.x0 == pytest.approx(1 / 5)
    assert far.norm == pytest.approx(0.1)


def test_the_gradient_s_norm_is_of_all_parameters_together():
    parameters = [
        torch.nn.Parameter(torch.zeros(2)),
        torch.nn.Parameter(torch.zeros(1)),
        torch.nn.Parameter(torch.ones(1)),
    ]
    parameters[0].grad, parameters[1].grad = torch.tensor([1.0, 2.0]), torch.tensor([2.0])
    assert gradient_norm(parameters) == pytest.approx(3)


def test_on_a_cpu_both_paths_are_one(random_bundle_folder):
    bundle = load_bundle("mini", "cpu", random_bundle_folder)
    plain, fast = (follow(bundle, 2, "cpu", fast) for fast in (False, True))
    assert difference(fast, plain).x0 == difference(fast, plain).norm == 0
    assert plain.norms.shape == (2,)
    assert all(math.isfinite(norm) and norm > 0 for norm in plain.norms.tolist())
