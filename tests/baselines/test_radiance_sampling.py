"""New intervals by the inverse distribution function, and the bound that coarse weights are taught by."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from baselines.radiance_sampling import PADDING, interlevel, resample

WEIGHTS = arrays(np.float64, 6, elements=st.floats(0, 5))


def edges_of(lengths):
    reached = np.concatenate([[0.0], np.cumsum(lengths)])
    return torch.tensor(reached / reached[-1])[None]


def at(jitter):
    return torch.tensor([[jitter]], dtype=torch.float64)


def test_by_hand_where_one_interval_weighs_three_times_the_other():
    """Padded weights 0.25 and 0.75 over [0, 0.5] and [0.5, 1]; the values 1/8, 3/8, 5/8, 7/8."""
    edges = torch.tensor([[0.0, 0.5, 1.0]])
    weights = torch.tensor([[0.25 - PADDING, 0.75 - PADDING]])
    found = resample(edges, weights, 3, torch.tensor([[0.5]]))
    torch.testing.assert_close(found, torch.tensor([[0.25, 0.5 + 1 / 12, 0.75, 0.5 + 5 / 12]]))


@given(WEIGHTS, arrays(np.float64, 6, elements=st.floats(0.1, 3)), st.floats(0, 0.999))
def test_they_are_numpy_s_interpolation_of_the_inverse(weights, lengths, jitter):
    edges = edges_of(lengths)
    reached = np.concatenate([[0.0], np.cumsum(weights + PADDING)])
    values = (np.arange(9) + jitter) / 9 * reached[-1]
    expected = np.interp(values, reached, edges[0].numpy())
    found = resample(edges, torch.tensor(weights)[None], 8, at(jitter))[0].numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
    assert (np.diff(found) > 0).all()


def test_one_interval_is_cut_evenly_and_the_jitter_moves_every_cut():
    whole, one = torch.tensor([[0.0, 1.0]]), torch.ones(1, 1)
    torch.testing.assert_close(resample(whole, one, 4, torch.zeros(1, 1)), torch.arange(5)[None] / 5)
    moved = resample(whole, one, 4, torch.full((1, 1), 0.75))
    torch.testing.assert_close(moved, (torch.arange(5)[None] + 0.75) / 5)


def test_no_gradient_passes_to_the_old_weights():
    weights = torch.rand(2, 4, requires_grad=True)
    assert not resample(torch.linspace(0, 1, 5).expand(2, 5), weights, 3, torch.full((2, 1), 0.5)).requires_grad


def bound_by_loops(edges, weights, coarse_edges, coarse_weights):
    total = 0.0
    for i, weight in enumerate(weights):
        meets = [
            coarse_weights[j]
            for j in range(len(coarse_weights))
            if coarse_edges[j + 1] > edges[i] and coarse_edges[j] < edges[i + 1]
        ]
        total += max(0.0, weight - sum(meets)) ** 2 / (weight + 1e-7)
    return total / len(weights)


@given(WEIGHTS, WEIGHTS, arrays(np.float64, 6, elements=st.floats(0.1, 3)))
def test_the_bound_is_that_of_loops_over_overlapping_intervals(weights, coarse, lengths):
    edges, even = edges_of(lengths) * 0.9 + 0.02, torch.linspace(0, 1, 7, dtype=torch.float64)[None]
    found = interlevel(edges, torch.tensor(weights)[None], even, torch.tensor(coarse)[None])
    expected = bound_by_loops(edges[0].tolist(), weights, even[0].tolist(), coarse)
    assert float(found) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_weights_bound_themselves():
    edges, weights = edges_of(np.ones(4)), torch.tensor([[0.1, 0.5, 0.2, 0.0]], dtype=torch.float64)
    assert float(interlevel(edges, weights, edges, weights)) == pytest.approx(0, abs=1e-15)


def test_coarse_intervals_alone_are_taught_and_only_where_they_weigh_too_little():
    edges = torch.linspace(0, 1, 3)[None]
    fine, coarse = (torch.tensor([w], requires_grad=True) for w in ([0.9, 0.1], [0.2, 0.5]))
    interlevel(edges, fine, edges, coarse).backward()
    assert fine.grad is None
    assert coarse.grad[0, 0] < 0
    assert coarse.grad[0, 1] == 0
