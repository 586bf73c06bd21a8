"""Fits are kept by what they rest on, and the oldest are let go."""

from dataclasses import replace

from baselines import fit_cache
from baselines.fit_cache import FitCache


def test_the_same_scene_and_way_give_the_same_fit_under_any_name(face):
    cache = FitCache()
    first, kept = cache.get(face, "so", object)
    assert not kept
    assert cache.get(replace(face, name="another name"), "so", object) == (first, True)


def test_another_way_or_picture_or_pose_is_another_fit(face):
    cache = FitCache()
    cache.get(face, "so", object)
    moved = replace(face.cameras, c2w=face.cameras.c2w + 0.1)
    others = [(face, "otherwise"), (replace(face, images=1 - face.images), "so"), (replace(face, cameras=moved), "so")]
    assert not any(cache.get(scene, how, object)[1] for scene, how in others)


def test_the_oldest_fit_is_let_go(face, monkeypatch):
    monkeypatch.setattr(fit_cache, "MOST_KEPT", 2)
    cache = FitCache()
    for how in "abc":
        cache.get(face, how, object)
    assert [cache.get(face, how, object)[1] for how in "cb"] == [True, True]
    assert not cache.get(face, "a", object)[1]
