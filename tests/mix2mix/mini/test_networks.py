"""Sizes and shapes of the mini bundle's networks."""

import pytest
import torch

from mix2mix.mini.networks import MiniConfig, build_networks
from mix2mix.mini.tokenizer import vocabulary

CONFIG = MiniConfig()
# As many merges as the configuration allows, of symbols that no text joins.
MERGES = [(chr(256 + i // 32), chr(256 + i % 32)) for i in range(CONFIG.vocabulary - 514)]


@pytest.fixture(scope="module")
def networks():
    return build_networks(CONFIG, MERGES)


def test_a_full_vocabulary_fits_the_shipped_size(networks):
    assert len(vocabulary(MERGES)) == CONFIG.vocabulary
    editor = networks.editor
    modules = (editor.vae.module, editor.text_encoder, editor.unet, networks.clip.module, networks.student)
    assert sum(weights.numel() for module in modules for weights in module.parameters()) <= 18_000_000


def test_the_vae_makes_16_x_16_latents_of_128_pixels(networks):
    vae = networks.editor.vae
    latents = vae.encode(torch.zeros(2, 3, 128, 128))
    assert latents.shape == (2, 4, 16, 16)
    assert vae.decode(latents).shape == (2, 3, 128, 128)


def test_the_unet_attends_to_itself_and_to_the_text_at_both_resolutions(networks):
    tokens = {}
    hooks = [
        layer.register_forward_pre_hook(
            lambda _layer, args, kwargs, name=name: tokens.update({name: args[0].shape[1]}), with_kwargs=True
        )
        for name, layer in networks.editor.unet.named_modules()
        if name.endswith(("attn1", "attn2"))
    ]
    states = networks.editor.text_states(networks.editor.tokens(["a man"]))
    noise = networks.editor.noise(torch.zeros(1, 8, 16, 16), torch.tensor(3), states)
    for hook in hooks:
        hook.remove()
    assert noise.shape == (1, 4, 16, 16)
    for kind in ("attn1", "attn2"):
        assert {count for name, count in tokens.items() if name.endswith(kind)} == {16 * 16, 8 * 8}


def test_the_text_encoder_pools_at_the_first_end_of_text(networks):
    tokens = networks.editor.tokens(["a man"])
    output = networks.editor.text_encoder(tokens)
    end = (tokens[0] == CONFIG.vocabulary - 1).nonzero()[0, 0]
    assert 0 < end < CONFIG.text_length - 1
    assert torch.equal(output.pooler_output[0], output.last_hidden_state[0, end])


def test_the_student_takes_the_clip_embedding_as_its_context(networks):
    frames = CONFIG.student_frames
    images = torch.rand(frames, 3, 128, 128)
    context = networks.clip.image_features(images)[:, None]
    latents, rays = torch.zeros(frames, 11, 16, 16), torch.zeros(frames, 6, 16, 16)
    timesteps = torch.zeros(frames, dtype=torch.int64)
    assert networks.student.network(latents, timesteps, context, rays, frames).shape == (frames, 4, 16, 16)


def test_the_seed_decides_the_weights_and_the_global_state_stays(networks):
    state = torch.random.get_rng_state()
    same, other = build_networks(CONFIG, MERGES), build_networks(CONFIG, MERGES, seed=1)
    assert torch.equal(torch.random.get_rng_state(), state)
    mine, equal, different = (n.student.network.state_dict() for n in (networks, same, other))
    assert all(torch.equal(mine[name], equal[name]) for name in mine)
    assert any(not torch.equal(mine[name], different[name]) for name in mine)
