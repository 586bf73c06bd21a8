"""A widened decoder makes the images that the narrow one makes, and can become another."""

import math
from dataclasses import replace

import pytest
import torch

from mix2mix.mini.networks import MiniConfig, vae_config
from mix2mix.mini.training.widening import is_half_as_wide, widen
from mix2mix.pretrained import new_vae

CONFIG = MiniConfig()
NARROW = CONFIG.vae_channels
QUERY = "decoder.mid_block.attentions.0.to_q.weight"


def vae_of(decoder_channels):
    """Every weight awake, biases and norms among them, and an attention that looks somewhere."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        vae = new_vae(vae_config(replace(CONFIG, decoder_channels=decoder_channels)))
        with torch.no_grad():
            for name, weights in vae.module.named_parameters():
                weights.add_(0.1 * torch.randn_like(weights))
                if ".to_q." in name or ".to_k." in name:
                    weights.mul_(3)
    return vae


@pytest.fixture(scope="module")
def narrow():
    return vae_of(NARROW)


@pytest.fixture
def wide(narrow):
    vae = vae_of(CONFIG.decoder_channels)
    vae.module.load_state_dict(widen(narrow.module.state_dict(), vae.module.state_dict()))
    return vae


@pytest.fixture(scope="module")
def latents():
    return torch.randn(2, 4, 16, 16, generator=torch.Generator().manual_seed(1))


def decoded(vae, latents):
    with torch.no_grad():
        return vae.decode(latents)


def test_images_stay_the_same(narrow, wide, latents):
    images = decoded(narrow, latents)
    error = (decoded(wide, latents) - images).abs().max() / images.abs().max()
    assert error < 1e-5


def test_that_depends_on_the_attention_s_queries(narrow, wide, latents):
    state = wide.module.state_dict()
    state[QUERY].mul_(math.sqrt(2))
    images = decoded(narrow, latents)
    assert (decoded(wide, latents) - images).abs().max() / images.abs().max() > 1e-3


def test_the_encoder_stays_as_it_is(narrow, wide):
    state = wide.module.state_dict()
    others = {name: value for name, value in narrow.module.state_dict().items() if not name.startswith("decoder.")}
    assert {name.partition(".")[0] for name in others} == {"encoder", "quant_conv", "post_quant_conv"}
    assert all(torch.equal(state[name], value) for name, value in others.items())


def test_what_reads_a_channel_and_its_copy_takes_of_both_unevenly_what_it_took(narrow, wide):
    before = narrow.module.decoder.conv_out.weight
    pairs = wide.module.decoder.conv_out.weight.unflatten(1, (-1, 2))
    torch.testing.assert_close(pairs.sum(2), before)
    uneven = (pairs[:, :, 0] - pairs[:, :, 1]).std() / 2 / before.std()
    assert 0.1 < uneven < 0.3


def test_copies_are_equal_at_first_and_part_with_the_first_step(wide, latents):
    weights = wide.module.decoder.conv_in.weight
    assert torch.equal(weights[0::2], weights[1::2])
    torch.nn.functional.mse_loss(wide.decode(latents), torch.zeros(2, 3, 128, 128)).backward()
    torch.optim.AdamW(wide.module.parameters(), lr=1e-3).step()
    parted = (weights[0::2] - weights[1::2]).flatten(1).abs().amax(1)
    assert (parted > 0).float().mean() > 0.9


def test_the_same_seed_widens_alike(narrow, wide):
    target, state = wide.module.state_dict(), narrow.module.state_dict()
    same, other = widen(state, target), widen(state, target, seed=1)
    assert all(torch.equal(same[name], target[name]) for name in target)
    assert not torch.equal(other[QUERY], target[QUERY])


def test_a_decoder_by_itself_is_widened_as_within_its_vae(narrow, wide):
    whole = wide.module.state_dict()
    state, target = (
        {name: v for name, v in vae.module.state_dict().items() if name.startswith(("decoder.", "post_quant_conv."))}
        for vae in (narrow, wide)
    )
    assert is_half_as_wide(state, target)
    assert all(torch.equal(value, whole[name]) for name, value in widen(state, target).items())


def test_only_a_decoder_of_exactly_half_the_width_is_one(narrow, wide):
    state, target = narrow.module.state_dict(), wide.module.state_dict()
    assert is_half_as_wide(state, target)
    assert not is_half_as_wide(target, target)
    assert not is_half_as_wide(target, state)
    for channels in ((32, 48, 64, 128), (64, 96, 64, 64), (16, 32, 32, 32), (128, 192, 256, 256)):
        assert not is_half_as_wide(vae_of(channels).module.state_dict(), target)
    assert not is_half_as_wide({name: value for name, value in state.items() if name != QUERY}, target)
    assert not is_half_as_wide({}, {})
