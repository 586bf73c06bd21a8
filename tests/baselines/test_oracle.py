"""The oracle: views of one edited scene, and only where its geometry is known."""

from dataclasses import replace

import pytest
import torch

from baselines.registry import load_method
from benchmark.reprojection import reprojection
from mix2mix.errors import InputError
from mix2mix.mini.world import held_out_scene, truth


def draw(ask, **options):
    return load_method("oracle").edit(ask(**options)).views


def relative_error(ask, face, views):
    geometry = truth("face", ask().edit.instruction)
    scored = reprojection(views, face.cameras, geometry.depth, geometry.subject)
    assert scored is not None
    return scored.relative


@pytest.fixture(scope="module")
def views(ask):
    return draw(ask)


def test_all_views_show_one_scene(ask, face, views):
    assert relative_error(ask, face, views) < 0.1


def test_views_of_different_draws_do_not(ask, face, views):
    other = draw(ask, seed=1)
    mixed = torch.stack([views[0], other[1], views[2], other[3]])
    assert relative_error(ask, face, mixed) > 2 * relative_error(ask, face, views)


def test_it_shows_the_edit(face, views):
    assert (views - face.images).abs().mean() > 0.01


@pytest.mark.parametrize("name", ["garden", "face"])
def test_a_scene_of_photos_is_refused_even_under_a_built_in_name(ask, face, name):
    elsewhere = face.cameras.c2w.clone()
    elsewhere[:, 0, 3] += 0.5
    photos = replace(face, name=name, cameras=replace(face.cameras, c2w=elsewhere))
    with pytest.raises(InputError, match=rf"scene of the oracle: got '{name}'.*face, bear, person.*another method"):
        draw(ask, scene=photos)


def test_all_built_in_scenes_are_its_own(ask):
    bear = held_out_scene("bear", 2)
    request = ask(scene=bear)
    request = replace(request, edit=replace(request.edit, instruction="Turn the bear to a polar bear"))
    result = load_method("oracle").edit(request)
    assert result.views.shape == bear.images.shape
    assert result.counts == {"renders": 2}


def test_its_views_are_of_the_scene_s_size(ask):
    assert draw(ask, scene=held_out_scene("face", 2, size=24)).shape == (2, 3, 24, 24)
