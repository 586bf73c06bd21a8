"""Text2Video-Zero: the first view's picture reaches all others, and no other view's does."""

from dataclasses import replace

import pytest
import torch

from baselines.registry import load_method
from mix2mix.errors import InputError


def changed_views(method, ask, face, view, **settings):
    """Views of the result that change when the picture of one view does."""
    images = face.images.clone()
    images[view] = images[view].flip(-1)
    requests = [ask(settings={"steps": 2, **settings}, scene=scene) for scene in (face, replace(face, images=images))]
    before, after = (load_method(method).edit(request).views for request in requests)
    difference = (before - after).abs().flatten(1).amax(dim=1)
    return (difference > 1e-4).nonzero().flatten().tolist()


@pytest.mark.parametrize(("view", "reached"), [(0, [0, 1, 2, 3]), (2, [2])])
def test_only_the_anchor_s_picture_changes_the_other_views(ask, face, view, reached):
    assert changed_views("t2vz", ask, face, view) == reached


@pytest.mark.parametrize(("view", "reached"), [(0, [0]), (2, [0, 1, 2, 3])])
def test_another_anchor_is_another_view_that_reaches_all(ask, face, view, reached):
    assert changed_views("t2vz", ask, face, view, anchor=2) == reached


def test_another_anchor_changes_the_other_views(ask):
    """A widely used processor was reported to have no effect."""
    first, second = (load_method("t2vz").edit(ask(settings={"steps": 2, "anchor": i})).views for i in (0, 1))
    assert ((first - second).abs().flatten(1).amax(dim=1) > 1e-3).all()


def test_an_anchor_that_the_scene_has_not_is_refused(ask):
    with pytest.raises(InputError, match="anchor of t2vz: got 4; expected an index from 0 to 3"):
        load_method("t2vz").edit(ask(settings={"steps": 1, "anchor": 4}))


def test_without_the_shared_attention_no_view_changes_another(ask, face):
    assert changed_views("teacher-only", ask, face, view=0) == [0]


def test_the_shared_attention_is_all_that_sets_it_apart_from_the_plain_teacher(ask, face):
    """One view alone looks at itself: both methods make the same picture of it."""
    alone = replace(face, images=face.images[:1], cameras=face.cameras[:1], frames=face.frames[:1])
    crossed, plain = (
        load_method(m).edit(ask(settings={"steps": 2}, scene=alone)).views for m in ("t2vz", "teacher-only")
    )
    torch.testing.assert_close(crossed, plain, rtol=1e-3, atol=1e-4)


def test_the_anchor_is_recorded(ask):
    for settings, anchor in (({}, 0), ({"anchor": 3}, 3)):
        assert load_method("t2vz").edit(ask(settings={"steps": 1, **settings})).notes == {"anchor": anchor}
