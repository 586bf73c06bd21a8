"""The field: harmonics by their orthonormality, fog and a wall whose look is known, and where gradients go."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from baselines.radiance_field import FIRST_DENSITY, GEOMETRY, FieldShape, Proposal, RadianceField, harmonics, perceptron
from baselines.radiance_hash import GridShape
from baselines.radiance_rendering import distortion
from baselines.radiance_sampling import interlevel
from baselines.radiance_space import depths

GRID = GridShape(levels=3, coarsest=4, finest=16, log2_entries=10)
SHAPE = FieldShape(GRID, width=8, samples=12, proposals=(Proposal(GRID, 24), Proposal(GRID, 16)))


def make(seed=0, shape=SHAPE):
    return RadianceField(shape, torch.Generator().manual_seed(seed))


def rays(count=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    directions = torch.randn(count, 3, generator=generator)
    return torch.randn(count, 3, generator=generator) * 0.3, directions / directions.norm(dim=-1, keepdim=True)


def still(count=5, levels=3):
    return torch.full((count, levels), 0.5)


def test_the_harmonics_are_orthonormal_over_the_sphere():
    """Gauss-Legendre in z and even steps around it integrate products of degree 6 exactly."""
    z, weight = np.polynomial.legendre.leggauss(8)
    around = 2 * np.pi * np.arange(16) / 16
    radius = np.sqrt(1 - z**2)[:, None]
    directions = np.stack(np.broadcast_arrays(radius * np.cos(around), radius * np.sin(around), z[:, None]), axis=-1)
    basis = harmonics(torch.tensor(directions)).flatten(0, 1)
    area = torch.tensor(np.repeat(weight, 16) * 2 * np.pi / 16)
    torch.testing.assert_close((basis * area[:, None]).mT @ basis, torch.eye(16).double(), atol=1e-12, rtol=0)


def test_intervals_are_as_many_as_asked_and_rise_within_the_ray():
    traced = make()(*rays(), still())
    assert [edges.shape for edges, _ in traced.passes] == [(5, 25), (5, 17), (5, 13)]
    assert [weights.shape for _, weights in traced.passes] == [(5, 24), (5, 16), (5, 12)]
    for edges, weights in traced.passes:
        assert (edges.diff(dim=-1) > 0).all()
        assert (edges.min() >= 0, edges.max() <= 1, weights.sum(dim=-1).max() <= 1 + 1e-5) == (True, True, True)
    assert ((traced.colours > 0) & (traced.colours < 1)).all()


def test_a_field_that_nothing_was_fitted_to_is_nearly_clear():
    density, features = make().density(torch.randn(50, 3))
    torch.testing.assert_close(density, torch.full((50,), FIRST_DENSITY), rtol=0.01, atol=0)
    assert features.shape == (50, GEOMETRY)


class Wall(nn.Module):
    """Clear before x = 0, of a given density behind it."""

    def __init__(self, density):
        super().__init__()
        self.density, self.asked = density, []

    def forward(self, points):
        self.asked.append(points)
        return self.density * (points[:, 0] > 0), torch.zeros(len(points), GEOMETRY)


def towards_wall(field, density):
    field.proposals = nn.ModuleList(Wall(density) for _ in field.proposals)
    field.density = Wall(density)
    return field(torch.tensor([[-0.8, 0.0, 0.0]]), torch.tensor([[1.0, 0.0, 0.0]]), still(1))


def test_fog_lets_through_what_its_density_and_the_intervals_say():
    """All intervals lie in the fog when the camera does."""
    field = make()
    field.proposals = nn.ModuleList(Wall(0.02) for _ in field.proposals)
    field.density = Wall(0.02)
    traced = field(torch.tensor([[0.1, 0.0, 0.0]]), torch.tensor([[1.0, 0.0, 0.0]]), still(1))
    for edges, weights in traced.passes:
        ends = depths(edges)
        expected = 1 - math.exp(-0.02 * float(ends[0, -1] - ends[0, 0]))
        assert float(weights.sum()) == pytest.approx(expected, rel=1e-4)


def test_proposals_lead_the_field_to_where_the_wall_begins():
    """The wall is 0.8 away: that is where the light comes from, and where the field is asked most closely."""
    field = make()
    traced = towards_wall(field, 200.0)
    edges, weights = traced.passes[-1]
    ends = depths(edges)
    middles = (ends[:, 1:] + ends[:, :-1]) / 2
    assert float((weights * middles).sum()) == pytest.approx(0.8, abs=0.03)
    assert int(((middles - 0.8).abs() < 0.05).sum()) >= 8
    assert (field.density.asked[0][:, 1:] == 0).all()


def test_each_pass_is_jittered_by_itself():
    field, (origins, directions) = make(), rays()
    plain = field(origins, directions, still())
    for level in range(3):
        jitter = still()
        jitter[:, level] = 0.9
        moved = field(origins, directions, jitter)
        same = [torch.equal(a, b) for (a, _), (b, _) in zip(plain.passes, moved.passes, strict=True)]
        assert same == [before < level for before in range(3)]


def test_the_picture_teaches_the_field_and_the_bound_its_proposals():
    def taught(loss):
        field = make()
        with torch.no_grad():  # so that there is something to see
            field.density.network[-1].bias[0] = 6.0
            field.proposals[0].network[-1].bias[0] = 3.0
        loss(field(*rays(), still())).backward()
        return {name.split(".")[0] for name, p in field.named_parameters() if p.grad is not None and p.grad.any()}

    assert taught(lambda traced: traced.colours.square().sum()) == {"density", "colour"}
    assert taught(lambda traced: distortion(*traced.passes[-1])) == {"density"}
    assert taught(lambda traced: interlevel(*traced.passes[-1], *traced.passes[0])) == {"proposals"}


def test_the_colour_depends_on_the_direction_of_view():
    field, features = make(), torch.randn(2, 3, GEOMETRY)
    one, other = (field._colours(features, torch.tensor([axis] * 2)) for axis in ([1.0, 0, 0], [0, 0, 1.0]))
    assert one.shape == (2, 3, 3)
    assert not torch.allclose(one, other)


def test_weights_come_from_the_generator_alone():
    state = torch.get_rng_state()
    first, same, other = (torch.cat([p.flatten() for p in make(seed).parameters()]) for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_a_perceptron_has_a_relu_between_its_layers_and_none_at_its_end():
    network = perceptron([4, 6, 5, 2], torch.Generator().manual_seed(0))
    assert [type(layer).__name__ for layer in network] == ["Linear", "ReLU", "Linear", "ReLU", "Linear"]
    assert [tuple(p.shape) for p in network.parameters()] == [(6, 4), (6,), (5, 6), (5,), (2, 5), (2,)]
