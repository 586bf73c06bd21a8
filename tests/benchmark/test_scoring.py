"""Scoring works on the pixels that are saved."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmark.catalogue import find_edit
from benchmark.results import Metrics
from benchmark.scoring import score, to_pixels, to_tensor

MASK = find_edit("give-him-a-venetian-mask")


def test_pixels_are_rounded_to_the_nearest_level() -> None:
    views = torch.tensor([0.0, 0.5 / 255, 1.4 / 255, 1.6 / 255, 1.0, 1.00001]).reshape(1, 1, 1, 6).expand(1, 3, 1, 6)
    assert to_pixels(views)[0][0, :, 0].tolist() == [0, 0, 1, 2, 255, 255]


def test_saved_pixels_survive_the_round_trip() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(to_pixels(to_tensor(list(pixels))), pixels)


def scored(fakes: SimpleNamespace, edited: torch.Tensor) -> Metrics:
    world = fakes.WallWorld()
    scene = world.scene("face", 2)
    truth = world.truth("face", None, 2)
    return score(to_pixels(scene.images), to_pixels(edited), scene.cameras, MASK, fakes.ColourClip(), truth)


def test_unedited_views_have_full_cons_no_dir_and_no_error(fakes: SimpleNamespace) -> None:
    metrics = scored(fakes, fakes.WallWorld().scene("face", 2).images)
    assert metrics.clip_dir.values == (0.0, 0.0)
    assert metrics.clip_cons.mean == pytest.approx(1.0)
    assert metrics.reprojection is not None
    assert metrics.reprojection.relative < 1e-6


def test_a_change_of_one_view_is_an_error_of_the_subject_alone(fakes: SimpleNamespace) -> None:
    views = 0.5 * fakes.WallWorld().scene("face", 2).images
    views[1, :, 16:] += 0.25  # the subject is the lower half
    metrics = scored(fakes, views)
    assert metrics.reprojection is not None
    assert metrics.background is not None
    assert metrics.reprojection.error == pytest.approx(0.25, abs=0.01)
    assert metrics.background.error < 1e-6


def test_a_feature_that_is_not_a_number_is_refused(fakes: SimpleNamespace) -> None:
    class Broken(fakes.ColourClip):
        def image_features(self, images: torch.Tensor) -> torch.Tensor:
            return super().image_features(images) * torch.nan

    scene = fakes.WallWorld().scene("face", 2)
    pixels = to_pixels(scene.images)
    with pytest.raises(ValueError, match="finite"):
        score(pixels, pixels, scene.cameras, MASK, Broken(), None)
