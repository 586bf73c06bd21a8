"""Space drawn into the unit cube, and depths into the unit interval: properties, and places known by hand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from baselines.points import focus
from baselines.radiance_space import FAR, NEAR, centred, contract, depths
from mix2mix.cameras import Cameras
from mix2mix.errors import InputError

COORDINATES = st.lists(st.floats(-1e4, 1e4, width=32), min_size=3, max_size=3)


@given(COORDINATES)
def test_all_of_space_lies_in_the_cube(point):
    placed = contract(torch.tensor(point))
    assert (placed >= 0).all()
    assert (placed <= 1).all()


@given(st.lists(st.floats(-1, 1, width=32), min_size=3, max_size=3))
def test_within_one_of_the_origin_it_is_linear(point):
    torch.testing.assert_close(contract(torch.tensor(point)), torch.tensor(point) / 4 + 0.5)


@given(COORDINATES, st.floats(1.01, 100))
def test_what_is_farther_out_stays_farther_out_in_the_same_direction(point, times):
    near = torch.tensor(point)
    if near.abs().max() < 1e-2:
        return
    inner, outer = ((contract(p) - 0.5).double() for p in (near, near * times))
    assert outer.abs().max() >= inner.abs().max() - 1e-6
    torch.testing.assert_close(outer / outer.norm(), inner / inner.norm(), rtol=1e-3, atol=1e-4)


def test_places_by_hand():
    """At 2 along one axis: 2 - 1/2 = 1.5 of at most 2; a point (4, 2, 0) keeps its slope."""
    assert contract(torch.tensor([2.0, 0.0, 0.0])).tolist() == [0.875, 0.5, 0.5]
    assert contract(torch.tensor([4.0, 2.0, 0.0])).tolist() == [0.5 + 1.75 / 4, 0.5 + 0.875 / 4, 0.5]


def test_nothing_jumps_where_the_linear_part_ends():
    edge = torch.tensor([1.0, -0.3, 0.7])
    torch.testing.assert_close(contract(edge * 0.9999), contract(edge * 1.0001), atol=1e-4, rtol=0)


@given(st.floats(NEAR, FAR))
def test_depths_are_even_up_to_one_and_even_in_their_inverse_beyond(depth):
    first, last = NEAR / 2, 1 - 0.5 / FAR
    bent = depth / 2 if depth < 1 else 1 - 0.5 / depth
    place = torch.tensor((bent - first) / (last - first), dtype=torch.float64)
    assert float(depths(place)) == pytest.approx(depth, rel=1e-9)


def test_depths_rise_from_near_to_far_and_half_of_them_lie_within_one():
    at = depths(torch.linspace(0, 1, 101, dtype=torch.float64))
    assert (at.diff() > 0).all()
    assert (float(at[0]), float(at[-1])) == pytest.approx((NEAR, FAR), rel=1e-3)
    assert 45 < int((at < 1).sum()) < 52


def turned(angle, radius, centre=(5.0, -2.0, 1.0)):
    """A camera on a circle about a centre, looking at it."""
    c, s = math.cos(angle), math.sin(angle)
    pose = torch.eye(4)
    pose[:3, :3] = torch.tensor([[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]])
    pose[:3, 3] = torch.tensor(centre) - radius * pose[:3, 2]
    return pose


def test_what_all_look_at_becomes_the_origin_and_the_farthest_camera_is_one_away():
    c2w = torch.stack([turned(angle, radius) for angle, radius in ((0.0, 4.0), (0.7, 3.0), (-1.0, 2.0))])
    moved = centred(Cameras(torch.eye(3).expand(3, 3, 3), c2w))
    torch.testing.assert_close(focus(moved), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(moved.origins.norm(dim=-1), torch.tensor([1.0, 0.75, 0.5]))
    assert torch.equal(moved.rotations, c2w[:, :3, :3])
    torch.testing.assert_close(c2w[0], turned(0.0, 4.0))  # the given ones are left alone


def test_views_of_no_common_place_are_refused():
    c2w = torch.stack([turned(0.0, -2.0), turned(1.0, -2.0)])
    with pytest.raises(InputError, match="views that look away from each other"):
        centred(Cameras(torch.eye(3).expand(2, 3, 3), c2w))
