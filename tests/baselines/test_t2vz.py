"""Text2Video-Zero: the first view's picture reaches all others, and no other view's does."""

from dataclasses import replace

import pytest
import torch

from baselines.registry import load_method


def changed_views(method, ask, face, view):
    """Views of the result that change when the picture of one view does."""
    images = face.images.clone()
    images[view] = images[view].flip(-1)
    requests = [ask(settings={"steps": 2}, scene=scene) for scene in (face, replace(face, images=images))]
    before, after = (load_method(method).edit(request).views for request in requests)
    difference = (before - after).abs().flatten(1).amax(dim=1)
    return (difference > 1e-4).nonzero().flatten().tolist()


@pytest.mark.parametrize(("view", "reached"), [(0, [0, 1, 2, 3]), (2, [2])])
def test_only_the_anchor_s_picture_changes_the_other_views(ask, face, view, reached):
    assert changed_views("t2vz", ask, face, view) == reached


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
    assert load_method("t2vz").edit(ask(settings={"steps": 1})).notes == {"anchor": 0}
