"""Light along a ray: slabs whose transmittance is known, sums by hand, and pairs by loops."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from baselines.radiance_rendering import composite, distortion, ray_weights

POSITIVE = arrays(np.float64, (3, 7), elements=st.floats(0, 50))


@pytest.mark.parametrize("pieces", [1, 4, 100])
def test_a_slab_lets_through_what_its_density_and_depth_say_however_it_is_cut(pieces):
    lengths = torch.rand(1, pieces, generator=torch.Generator().manual_seed(0)).double()
    lengths *= 0.7 / lengths.sum()
    through = 1 - ray_weights(torch.full_like(lengths, 2.5), lengths).sum()
    assert float(through) == pytest.approx(math.exp(-2.5 * 0.7), rel=1e-9)


def test_weights_by_hand():
    """Optical depths ln 2, 0 and ln 4: half is kept, nothing, then three quarters of the half that is left."""
    density = torch.tensor([[math.log(2), 0.0, 2 * math.log(4)]])
    weights = ray_weights(density, torch.tensor([[1.0, 3.0, 0.5]]))
    torch.testing.assert_close(weights, torch.tensor([[0.5, 0.0, 0.375]]))


@given(POSITIVE, POSITIVE)
def test_weights_are_shares_of_the_light(density, lengths):
    weights = ray_weights(torch.tensor(density), torch.tensor(lengths))
    assert (weights >= 0).all()
    assert (weights.sum(dim=-1) <= 1 + 1e-12).all()


def test_what_is_let_through_ends_on_the_last_colour():
    weights = torch.tensor([[0.5, 0.25]])
    colours = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]])
    assert composite(weights, colours).tolist() == [[0.5, 0.0, 0.5]]


@given(POSITIVE, arrays(np.float64, (3, 7), elements=st.floats(0.01, 2)))
def test_distortion_is_the_double_sum_over_pairs(weights, lengths):
    edges = np.concatenate([np.zeros((3, 1)), lengths.cumsum(axis=1)], axis=1)
    middles = (edges[:, 1:] + edges[:, :-1]) / 2
    pairs = np.einsum("ri,rj,rij->r", weights, weights, np.abs(middles[:, :, None] - middles[:, None]))
    expected = (pairs + (weights**2 * lengths).sum(axis=1) / 3).mean()
    found = float(distortion(torch.tensor(edges), torch.tensor(weights)))
    assert found == pytest.approx(expected, rel=1e-7, abs=1e-9)


def test_a_ray_that_ends_in_one_thin_interval_is_the_least_distorted():
    edges = torch.linspace(0, 1, 5)[None]
    one, two = torch.tensor([[0.0, 1.0, 0.0, 0.0]]), torch.tensor([[0.5, 0.0, 0.0, 0.5]])
    assert float(distortion(edges, one)) == pytest.approx(0.25 / 3)
    assert float(distortion(edges, two)) == pytest.approx(2 * 0.25 * 0.75 + 2 * 0.25 * 0.25 / 3)
