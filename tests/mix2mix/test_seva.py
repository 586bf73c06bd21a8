"""The multi-view U-Net: agreement with the published network, and what each part attends to."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from mix2mix.errors import InputError
from mix2mix.seva import Seva, SevaConfig, timestep_embedding

FRAMES, SIDE = 3, 8


@pytest.fixture(scope="module")
def model() -> Seva:
    torch.manual_seed(0)
    return Seva(
        SevaConfig(
            model_channels=32,
            num_res_blocks=1,
            attention_resolutions=(2,),
            channel_mult=(1, 2),
            num_head_channels=16,
            transformer_depth=(1, 1),
            context_dim=24,
            unflatten_names=("output_ds2",),
        )
    )


@pytest.fixture
def inputs() -> dict[str, Tensor]:
    """Two scenes of three frames."""
    g, n = torch.Generator().manual_seed(1), 2 * FRAMES
    return {
        "latents": torch.randn(n, 11, SIDE, SIDE, generator=g),
        "timesteps": torch.tensor([900] * FRAMES + [40] * FRAMES),
        "context": torch.randn(n, 1, 24, generator=g),
        "pluecker": torch.randn(n, 6, SIDE, SIDE, generator=g),
    }


def test_agrees_with_the_published_network(shared: Path):
    folder = shared / "fixtures/seva"
    with safe_open(folder / "tiny.io.safetensors", "pt") as file:
        metadata = file.metadata()
    model = Seva(SevaConfig(**json.loads(metadata["params"])))
    weights = load_file(folder / "tiny.weights.safetensors")
    model.load_state_dict({name: weight.float() for name, weight in weights.items()}, strict=True)
    io = load_file(folder / "tiny.io.safetensors")
    latents = torch.cat([io["x"], io["concat"]], dim=1)
    with torch.no_grad():
        eps = model(latents, io["t"], io["crossattn"], io["dense_vector"], int(metadata["num_frames"]))
    assert (eps - io["eps"]).abs().max() < 1e-4 * io["eps"].abs().max()


def test_the_default_configuration_is_seva_1_1_to_the_name(shared: Path):
    manifest = json.loads((shared / "fixtures/seva/full-manifest.json").read_text())
    with torch.device("meta"):
        full = Seva(SevaConfig())
    assert {name: list(weight.shape) for name, weight in full.state_dict().items()} == manifest
    assert sum(weight.numel() for weight in full.parameters()) == 1_263_968_004


def test_predicts_four_channels_for_every_frame(model: Seva, inputs: dict[str, Tensor]):
    assert model(**inputs, num_frames=FRAMES).shape == (2 * FRAMES, 4, SIDE, SIDE)


def test_scenes_do_not_see_each_other(model: Seva, inputs: dict[str, Tensor]):
    both = model(**inputs, num_frames=FRAMES)
    alone = [model(**{k: v[part] for k, v in inputs.items()}, num_frames=FRAMES) for part in (slice(3), slice(3, 6))]
    torch.testing.assert_close(both, torch.cat(alone), rtol=1e-4, atol=1e-5)


def test_frames_of_a_scene_see_each_other(model: Seva, inputs: dict[str, Tensor]):
    before = model(**inputs, num_frames=FRAMES)
    inputs["latents"][2] += 1
    change = (model(**inputs, num_frames=FRAMES) - before).abs().amax(dim=(1, 2, 3))
    assert bool((change[:3] > 1e-4).all())
    assert bool((change[3:] == 0).all())


def test_the_order_of_the_frames_means_nothing_beyond_the_first_context(model: Seva, inputs: dict[str, Tensor]):
    """Frames have no positions: cameras alone tell them apart."""
    inputs["context"] = inputs["context"][:1].expand(2 * FRAMES, -1, -1)
    order = torch.tensor([2, 0, 1, 4, 5, 3])
    permuted = model(**{name: value[order] for name, value in inputs.items()}, num_frames=FRAMES)
    torch.testing.assert_close(permuted, model(**inputs, num_frames=FRAMES)[order], rtol=1e-4, atol=1e-5)


def test_every_input_matters(model: Seva, inputs: dict[str, Tensor]):
    before = model(**inputs, num_frames=FRAMES)
    for name, change in {"timesteps": 50, "context": 1.0, "pluecker": 1.0}.items():
        after = model(**inputs | {name: inputs[name] + change}, num_frames=FRAMES)
        assert (after - before).abs().max() > 1e-4, name


def test_joint_attention_is_a_property_of_the_layers_named(model: Seva):
    joint = {name for name, layer in model.named_modules() if getattr(layer, "joint", False)}
    assert joint == {"output_blocks.0.1", "output_blocks.1.1"}


def test_only_what_the_one_token_softmax_ignores_goes_without_gradient(model: Seva, inputs: dict[str, Tensor]):
    model.zero_grad()
    model(**inputs, num_frames=FRAMES).square().mean().backward()
    ignored = {name for name, weight in model.named_parameters() if weight.grad is None}
    parts = (".attn2.to_q.", ".attn2.to_k.", ".norm2.")
    assert ignored == {name for name, _ in model.named_parameters() if any(part in name for part in parts)}


def test_timestep_embedding_by_hand():
    """Frequencies 1 and 1/100 for a width of four; cosines first."""
    t = torch.tensor([3.0])
    expected = torch.stack([t.cos(), (t / 100).cos(), t.sin(), (t / 100).sin()], dim=1)
    torch.testing.assert_close(timestep_embedding(torch.tensor([3]), 4), expected)


def test_a_forward_pass_reads_no_value_on_the_host(model: Seva, inputs: dict[str, Tensor]):
    """A meta tensor has no value: reading one, or mixing in a tensor made on the host, raises."""
    with torch.device("meta"):
        twin = Seva(model.config)
    output = twin(**{name: value.to("meta") for name, value in inputs.items()}, num_frames=FRAMES)
    assert output.shape == (2 * FRAMES, 4, SIDE, SIDE)


def test_a_configuration_can_be_told_in_json(model: Seva):
    assert SevaConfig(**json.loads(json.dumps(vars(model.config)))) == model.config
    assert hash(model.config)


@pytest.mark.parametrize(
    ("field", "value"), [("model_channels", 48), ("num_head_channels", 24), ("transformer_depth", [1])]
)
def test_sizes_that_do_not_fit_together_are_refused(field: str, value: object):
    with pytest.raises(InputError, match=r"SevaConfig\."):
        SevaConfig(**{"model_channels": 64, "num_head_channels": 32, field: value})
