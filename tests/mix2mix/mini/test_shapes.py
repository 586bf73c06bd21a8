"""The sculptor's kit: rotations, nested frames, and batches of primitives."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mix2mix.mini.shapes import Material, Sculptor, spread, turn, vector

RED = Material((1.0, 0.0, 0.0))
angles = st.floats(-360, 360)


@pytest.mark.parametrize(
    ("axis", "start", "end"),
    [("x", (0, 1, 0), (0, 0, 1)), ("y", (0, 0, 1), (1, 0, 0)), ("z", (1, 0, 0), (0, 1, 0))],
)
def test_a_quarter_turn_about_each_axis(axis, start, end):
    turned = turn(1, **{axis: 90.0})[0] @ torch.tensor(start, dtype=torch.float32)
    torch.testing.assert_close(turned, torch.tensor(end, dtype=torch.float32), atol=1e-6, rtol=0)


def test_turns_are_about_x_then_y_then_z():
    torch.testing.assert_close(turn(1, x=20.0, y=-50.0, z=70.0), turn(1, z=70.0) @ turn(1, y=-50.0) @ turn(1, x=20.0))


@given(angles, angles, angles)
def test_turns_are_rotations(x, y, z):
    rotation = turn(1, x, y, z)[0]
    torch.testing.assert_close(rotation @ rotation.T, torch.eye(3), atol=1e-5, rtol=0)
    assert float(torch.linalg.det(rotation)) == pytest.approx(1.0, abs=1e-5)


def test_a_turn_may_differ_from_scene_to_scene():
    turned = turn(2, y=torch.tensor([0.0, 90.0]))
    torch.testing.assert_close(turned[0], torch.eye(3))
    torch.testing.assert_close(turned[1], turn(1, y=90.0)[0])


def test_numbers_and_vectors_spread_over_the_batch():
    assert spread(2.0, 3).tolist() == [2.0, 2.0, 2.0]
    assert spread(torch.tensor([1.0, 2.0]), 2).tolist() == [1.0, 2.0]
    assert vector((1.0, torch.tensor([2.0, 3.0]), 4.0), 2).tolist() == [[1.0, 2.0, 4.0], [1.0, 3.0, 4.0]]
    assert vector(torch.tensor([1.0, 2.0, 3.0]), 2).tolist() == [[1.0, 2.0, 3.0]] * 2


def test_a_frame_within_a_frame_moves_and_turns_with_it():
    sculptor = Sculptor(1)
    shoulder = sculptor.frame((1.0, 2.0, 0.0), z=90.0)
    elbow = sculptor.frame((0.5, 0.0, 0.0), shoulder, z=-90.0)
    torch.testing.assert_close(elbow.origin, torch.tensor([[1.0, 2.5, 0.0]]))
    torch.testing.assert_close(elbow.rotation, torch.eye(3)[None], atol=1e-6, rtol=0)


def test_a_primitive_takes_its_place_in_its_frame():
    sculptor = Sculptor(1)
    sculptor.add("ellipsoid", (0, 0, 1), (1, 2, 3), RED, frame=sculptor.frame((5, 0, 0), y=90.0), z=30.0)
    built = sculptor.build()
    torch.testing.assert_close(built.centre[0, 0], torch.tensor([6.0, 0.0, 0.0]))
    torch.testing.assert_close(built.rotation[0, 0], (turn(1, y=90.0) @ turn(1, z=30.0))[0])
    assert built.size[0, 0].tolist() == [1.0, 2.0, 3.0]


def test_quadrics_come_before_boxes_with_their_own_materials():
    sculptor = Sculptor(2)
    sculptor.add("box", (0, 0, 0), (1, 1, 1), Material((0, 0, 1), pattern="stripes"), subject=False)
    sculptor.add("cylinder", (0, 0, 0), (1, 1, 1), RED)
    built = sculptor.build()
    assert built.conic.tolist() == [[0.0, 1.0]]
    assert built.colour[0].tolist() == [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    assert built.pattern.tolist() == [0, 1]
    assert built.subject.tolist() == [True, False]
    assert built.size.shape == (2, 2, 3)


def test_scenes_of_a_batch_have_their_own_measures():
    sculptor = Sculptor(2)
    width = torch.tensor([1.0, 2.0])
    material = Material(torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), frequency=width)
    sculptor.add("box", (0, width, 0), (width, 1, 1), material)
    built = sculptor.build()
    assert built.centre[:, 0, 1].tolist() == [1.0, 2.0]
    assert built.size[:, 0, 0].tolist() == [1.0, 2.0]
    assert built.frequency[:, 0].tolist() == [1.0, 2.0]
    assert built.colour[1, 0].tolist() == [0.0, 1.0, 0.0]


def test_a_cone_is_one_nappe_below_its_apex():
    sculptor = Sculptor(1)
    sculptor.add("cone", (0, 0, 0), (1, 1, 1), RED)
    assert sculptor.build().high[0, 0].tolist() == [1.0, 0.0, 1.0]


def test_angles_are_degrees():
    assert float(turn(1, x=30.0)[0, 2, 1]) == pytest.approx(math.sin(math.pi / 6))
