"""The loss of looks: LPIPS as published or SSIM, asked for or the bundle's own, and told if it cannot be had."""

from dataclasses import replace
from urllib.error import URLError

import lpips
import pytest
import torch

from baselines import dge, in2n, perceptual
from baselines.losses import dssim
from baselines.perceptual import perceptual_loss
from baselines.splat_method import settings_for
from mix2mix.errors import InputError


@pytest.fixture
def paper(ask):
    """A request to the paper bundle, its weights random."""
    request = ask()
    settings = replace(request.bundle.settings, random_weights=True)
    return replace(request, bundle=replace(request.bundle, name="paper", settings=settings))


@pytest.fixture
def pictures():
    torch.manual_seed(0)
    return torch.rand(2, 3, 40, 40), torch.rand(2, 3, 40, 40)


def test_the_mini_bundle_fits_looks_by_ssim(ask):
    loss, called = perceptual_loss(dge.SETTINGS["mini"].perceptual, "vgg", ask())
    assert loss is dssim
    assert called == "1 - SSIM in the place of LPIPS (vgg)"


@pytest.mark.parametrize("module", [dge, in2n])
def test_lpips_is_the_paper_bundle_s_and_ssim_the_mini_bundle_s_unless_asked_for(module, paper):
    assert {name: own.perceptual for name, own in module.SETTINGS.items()} == {"paper": "lpips", "mini": "ssim"}
    assert settings_for(replace(paper, settings={"perceptual": "ssim"}), module.SETTINGS).perceptual == "ssim"


@pytest.mark.parametrize("trunk", ["alex", "vgg"])
def test_the_paper_bundle_fits_looks_by_lpips_of_its_own_kind_of_weights(paper, trunk):
    loss, called = perceptual_loss("lpips", trunk, paper)
    assert called == f"LPIPS ({trunk}, random weights)"
    image = torch.rand(3, 40, 40)
    assert float(loss(image, image)) == 0
    assert float(loss(image, 1 - image)) > 0


@pytest.fixture
def made(monkeypatch):
    """The package's networks as they are made."""
    networks, own = [], lpips.LPIPS
    monkeypatch.setattr(lpips, "LPIPS", lambda **options: networks.append(own(**options)) or networks[-1])
    return networks


def test_it_is_the_mean_of_the_package_s_values_for_pictures_from_0_to_1(paper, pictures, made):
    loss, _ = perceptual_loss("lpips", "alex", paper)
    (network,) = made
    expected = network(*(2 * each - 1 for each in pictures)).mean()
    torch.testing.assert_close(loss(*pictures), expected)


def test_gradients_reach_the_picture_and_leave_the_network_alone(paper, pictures, made):
    loss, _ = perceptual_loss("lpips", "alex", paper)
    image = pictures[0].requires_grad_()
    loss(image, pictures[1]).backward()
    assert image.grad.abs().sum() > 0
    assert all(weight.grad is None for weight in made[0].parameters())


def test_without_the_package_it_is_told_and_not_replaced(paper, monkeypatch):
    monkeypatch.setattr(perceptual, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"'lpips', which is not installed.*mix2mix\[perceptual\].*@perceptual=ssim"):
        perceptual_loss("lpips", "alex", paper)


def test_weights_that_cannot_be_had_are_told(paper, monkeypatch):
    def refuse(**_):
        raise URLError("no network")

    monkeypatch.setattr(lpips, "LPIPS", refuse)
    with pytest.raises(InputError, match=r"weights could not be had \(.*no network.*\).*@perceptual=ssim"):
        perceptual_loss("lpips", "alex", paper)
