"""Exams: scenes that training never draws, with their truth."""

import pytest
import torch

from mix2mix.edit import Edit
from mix2mix.mini import exam as module
from mix2mix.mini.exam import draw_exams
from mix2mix.mini.training.data import DataConfig, plan

EDITS = {
    "face": [Edit("Turn him into a vampire", "a man", "a vampire"), Edit("Turn him into batman", "a man", "batman")]
}


@pytest.fixture(scope="module")
def exams():
    """Four small ones: a picture of full size takes half a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "IMAGE_SIZE", 24)
        yield list(draw_exams(EDITS, individuals=2, views=3))


def test_every_edit_is_examined_on_so_many_individuals(exams):
    assert [exam.edit.instruction for exam in exams] == [edit.instruction for edit in EDITS["face"] for _ in range(2)]
    first = [exam.original.images for exam in exams]
    assert not any(torch.equal(a, b) for i, a in enumerate(first) for b in first[:i])


def test_views_and_truth_have_the_same_size(exams):
    for state in (exams[0].original, exams[0].edited):
        assert state.images.shape == (3, 3, 24, 24)
        assert state.truth.depth.shape == state.truth.subject.shape == (3, 24, 24)
        assert state.truth.subject.any()
        assert state.truth.depth[state.truth.subject].isfinite().all()


def test_the_edit_changes_the_picture_and_not_the_cameras(exams):
    exam = exams[0]
    assert not torch.equal(exam.original.images, exam.edited.images)
    scenes = [exam.scene(state) for state in (exam.original, exam.edited)]
    assert scenes[0].cameras is scenes[1].cameras
    assert len(scenes[0].frames) == 3


def test_they_are_the_same_each_time(exams):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "IMAGE_SIZE", 24)
        again = next(draw_exams(EDITS, individuals=2, views=3))
    assert torch.equal(again.edited.images, exams[0].edited.images)


def test_some_of_them_are_those_of_all(exams):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "IMAGE_SIZE", 24)
        some = list(draw_exams(EDITS, individuals=2, views=3, every=3))
    assert len(some) == len(exams[::3])
    for one, other in zip(some, exams[::3], strict=True):
        assert torch.equal(one.edited.images, other.edited.images)


def test_no_seed_of_training_is_an_exam_s():
    seeds = [chunk.seed for chunk in plan(DataConfig(), {"face": EDITS["face"] * 4})]
    assert max(seeds) < module._FIRST_SEED
