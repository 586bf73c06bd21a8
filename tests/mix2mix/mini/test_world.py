"""The registry of the miniature world: held-out scenes, oracle edits, true geometry, and bad names."""

import pytest
import torch

from mix2mix.cameras import check_poses
from mix2mix.errors import InputError
from mix2mix.mini.world import FAMILIES, held_out_scene, render_edit, truth

PANDA = "Turn the bear to a panda bear"


def test_the_families_are_face_bear_and_person_with_the_edits_of_table_6():
    assert {name: len(family.instructions) for name, family in FAMILIES.items()} == {"face": 8, "bear": 4, "person": 8}
    assert all(name == family.name for name, family in FAMILIES.items())


@pytest.mark.parametrize("name", list(FAMILIES))
def test_a_held_out_scene_is_a_posed_scene_of_its_family(name):
    scene = held_out_scene(name, views=2)
    assert scene.name == name
    assert scene.images.shape == (2, 3, 128, 128)
    assert scene.images.min() >= 0
    assert scene.images.max() <= 1
    assert scene.cameras.K.shape == (2, 3, 3)
    assert scene.cameras.c2w.shape == (2, 4, 4)
    assert scene.frames == ("view_0", "view_1")
    check_poses(scene.cameras.c2w, scene.frames)


def test_a_held_out_scene_is_always_the_same():
    first, second = held_out_scene("bear", 2), held_out_scene("bear", 2)
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.cameras.c2w, second.cameras.c2w)


def test_a_seed_is_one_draw_and_another_seed_another():
    first, again, other = (render_edit("bear", PANDA, seed, views=2) for seed in (0, 0, 1))
    assert first.shape == (2, 3, 128, 128)
    assert torch.equal(first, again)
    assert (first - other).abs().mean() > 0.005


def test_the_same_scene_can_be_had_in_pictures_of_any_size():
    small, large = held_out_scene("bear", 2, size=64), held_out_scene("bear", 2, size=128)
    assert torch.equal(small.cameras.K, large.cameras.K)
    assert (small.images - torch.nn.functional.avg_pool2d(large.images, 2)).abs().mean() < 0.01
    edits = [render_edit("bear", PANDA, seed=1, views=2, size=size) for size in (64, 128)]
    assert (edits[0] - torch.nn.functional.avg_pool2d(edits[1], 2)).abs().mean() < 0.01


def test_the_truth_is_known_in_pictures_of_any_size():
    small, large = truth("bear", PANDA, views=2, size=24), truth("bear", PANDA, views=2, size=72)
    centres = slice(1, None, 3)  # of each nine pixels, the one in the middle shares its ray with the small picture's
    torch.testing.assert_close(small.depth, large.depth[:, centres, centres], rtol=1e-3, atol=1e-3)
    assert torch.equal(small.subject, large.subject[:, centres, centres])


def test_truth_marks_the_subject_and_measures_all_that_is_met():
    found = truth("bear", PANDA, views=2)
    assert found.depth.shape == found.subject.shape == (2, 128, 128)
    assert found.subject.dtype == torch.bool
    assert torch.isfinite(found.depth[found.subject]).all()
    distance = FAMILIES["bear"].rig.distance
    assert (found.depth[found.subject].median() - distance).abs() < 0.3 * distance
    assert 0.15 < found.subject.float().mean() < 0.7


def test_truth_of_an_edit_is_not_that_of_the_original():
    original, edited = truth("bear", None, views=2), truth("bear", PANDA, views=2)
    assert (original.subject != edited.subject).any()
    outside = ~original.subject & ~edited.subject
    torch.testing.assert_close(original.depth[outside], edited.depth[outside])


def test_an_edit_leaves_the_garden_as_it_is():
    edited, original = render_edit("bear", PANDA, seed=0, views=2), held_out_scene("bear", 2).images
    subject = (truth("bear", PANDA, 2).subject | truth("bear", None, 2).subject).float()
    beyond = torch.nn.functional.max_pool2d(subject[:, None], 3, 1, 1)[:, 0] == 0
    assert beyond.any()
    assert torch.equal(edited.movedim(1, -1)[beyond], original.movedim(1, -1)[beyond])


@pytest.mark.parametrize(
    "ask",
    [
        lambda: held_out_scene("cat"),
        lambda: render_edit("cat", PANDA, 0),
        lambda: truth("cat", None),
        lambda: render_edit("bear", "Turn him into a knight", 0),
        lambda: truth("bear", "Turn him into a knight"),
        lambda: held_out_scene("bear", views=1),
        lambda: held_out_scene("bear", views=9),
    ],
)
def test_what_the_world_lacks_is_a_bad_input(ask):
    with pytest.raises(InputError, match=r"got .*; expected"):
        ask()
