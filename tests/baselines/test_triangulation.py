"""Triangulated points: refused without pycolmap; with it, points that the views agree on."""

from importlib.util import find_spec

import pytest
import torch

from baselines import triangulation
from baselines.points import initial_points
from baselines.triangulation import triangulated_points
from mix2mix.cameras import project
from mix2mix.errors import InputError
from mix2mix.scene import load_scene

needs_pycolmap = pytest.mark.skipif(find_spec("pycolmap") is None, reason="pycolmap, an optional extra, is absent")


def test_without_pycolmap_it_is_refused_not_replaced(face, monkeypatch):
    monkeypatch.setattr(triangulation, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"pycolmap is not installed.*@points=random"):
        initial_points(face, 10, "triangulated", torch.Generator())


@needs_pycolmap
def test_points_of_the_real_photos_lie_in_front_of_all_cameras_and_in_their_pictures(shared):
    scene = load_scene(shared / "data" / "in2n-sparse" / "face", size=576)
    points = triangulated_points(scene)
    assert len(points) > 20
    pixels, depth = project(points, scene.cameras, 1, 1)
    seen = (depth > 0) & (pixels > 0).all(-1) & (pixels < 1).all(-1)
    assert (seen.sum(dim=0) >= 2).all()


@needs_pycolmap
def test_what_is_not_triangulated_is_filled_at_random(shared):
    scene = load_scene(shared / "data" / "in2n-sparse" / "face", size=576)
    points, colours, found = initial_points(scene, 2000, "triangulated", torch.Generator().manual_seed(0))
    assert points.shape == colours.shape == (2000, 3)
    assert 0 < found < 2000
