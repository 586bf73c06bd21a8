"""The losses that pictures are fitted by, against another implementation and by hand."""

import math

import pytest
import torch
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

from baselines.losses import dssim, l1, psnr


def pictures(height=20, width=31, noise=0.2):
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(3, height, width, generator=generator)
    return image, (image + noise * torch.randn(3, height, width, generator=generator)).clamp(0, 1)


@pytest.mark.parametrize(("height", "width", "noise"), [(11, 11, 0.2), (20, 31, 0.05), (64, 64, 0.5)])
def test_the_structural_difference_is_that_of_torchmetrics_where_windows_lie_within(height, width, noise):
    image, target = pictures(height, width, noise)
    _, full = structural_similarity_index_measure(image[None], target[None], data_range=1.0, return_full_image=True)
    reference = full[..., 5 : height - 5, 5 : width - 5].mean()
    torch.testing.assert_close(1 - dssim(image, target), reference, rtol=1e-4, atol=1e-5)


def test_equal_pictures_differ_by_nothing():
    image, _ = pictures()
    assert l1(image, image) == 0
    assert abs(float(dssim(image, image))) < 1e-6


def test_the_absolute_difference_is_a_mean_over_all_values():
    assert l1(torch.tensor([[[0.0, 1.0]]]), torch.tensor([[[0.5, 0.75]]])) == 0.375


def test_psnr_counts_all_pictures_together():
    image, target = pictures()
    reference = peak_signal_noise_ratio(image, target, data_range=1.0)
    assert math.isclose(psnr(image, target), float(reference), rel_tol=1e-5)
    assert math.isclose(psnr(torch.zeros(2, 3, 4, 4), torch.full((2, 3, 4, 4), 0.1)), 20, rel_tol=1e-5)
