"""The published networks by name, shape and count; and the whole paper bundle, run at a tiny size."""

import csv
import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import mix2mix
from mix2mix import bundles
from mix2mix.bundles import BundleSettings, load_bundle, write_sums
from mix2mix.distill import distill
from mix2mix.distill_config import DistillConfig
from mix2mix.edit import Edit
from mix2mix.errors import InputError
from mix2mix.loading import built_on, read_clip, read_editor, read_student, todays_name
from mix2mix.mini.world import held_out_scene
from mix2mix.schedule import UpdatePlan

PAPER = Path(mix2mix.__file__).parent / "weights" / "paper"
STUDENT = "student/modelv1.1.safetensors"
EDIT = Edit("Turn him into a knight", "a man", "a knight")


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def shapes(module):
    return {name: list(value.shape) for name, value in module.state_dict().items()}


# --- the published networks, on no device at all ------------------------------------------------------------------


@pytest.fixture(scope="module")
def settings():
    """As shipped: `PAPER` is not replaced by the tiny one."""
    return BundleSettings(**json.loads((PAPER / "bundle.json").read_text()))


@pytest.fixture(scope="module")
def published(settings):
    """Student, editor, condition CLIP and metric CLIP without memory for their weights."""
    with built_on("meta"):
        student = read_student(settings.student, settings.preconditioning)
        clips = [read_clip(PAPER / "condition_clip", texts=False), read_clip(PAPER / "metric_clip")]
        return student, read_editor(PAPER / "teacher"), *clips


def test_the_student_has_the_parameters_of_seva_by_name_and_shape(published, shared):
    manifest = json.loads((shared / "fixtures/seva/full-manifest.json").read_text())
    assert shapes(published[0].network) == manifest
    assert count(published[0].network) == 1_263_968_004


def test_the_teacher_has_the_published_sizes(published):
    editor = published[1]
    assert count(editor.unet) == 859_532_484
    assert count(editor.vae.module) == 83_653_863
    assert count(editor.text_encoder) == 123_060_480
    assert (editor.image_size, editor.latent_size, editor.vae.scale) == (512, 64, 0.18215)
    assert editor.unet.conv_in.in_channels == 8


def test_the_teacher_samples_as_stock_instructpix2pix(published):
    sampler = published[1].pipeline.scheduler
    assert type(sampler).__name__ == "EulerAncestralDiscreteScheduler"
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    torch.testing.assert_close(published[1].alphas_cumprod.double(), (1 - betas).cumprod(0), rtol=1e-5, atol=1e-8)


def test_the_metrics_clip_is_openais(published):
    metric = published[3]
    assert count(metric.module) == 427_616_513
    assert (metric.image_size, metric.width) == (224, 768)
    assert "QuickGELU" in str(metric.module)


def test_the_condition_clip_has_its_image_tower_alone(published, settings):
    condition = published[2]
    assert count(condition.module) == 632_076_800
    assert all(name.startswith("visual.") for name in condition.module.state_dict())
    assert condition.width == settings.student["context_dim"] == 1024


def test_the_tokenizers_are_clips(published, shared):
    editor, metric = published[1], published[3]
    assert len(editor.pipeline.tokenizer) == 49_408
    with (shared / "paper" / "table6.csv").open() as file:
        texts = [text for row in csv.reader(file) for text in row]
    assert torch.equal(*(ids.where(ids != 0, 49_407) for ids in (editor.tokens(texts), metric.tokens(texts))))
    known = metric.tokens(["a photo of a cat"])[0, :7].tolist()
    assert known == [49406, 320, 1125, 539, 320, 2368, 49407]


def test_settings_are_the_papers(settings):
    assert (settings.image_size, settings.teacher_size, settings.teacher_dtype) == (576, 512, "float16")
    assert settings.preconditioning == {"prediction": "epsilon", "log_sigma_shift": 2.4, "input_scale": "noisy"}
    assert settings.resting_device == "cpu"  # student and CLIPs take 9 GiB that an edit's loop can use
    assert settings.part("student").gated
    assert "Non-Commercial" in settings.licence("student")
    assert all(settings.licence(name) != "not stated" for name in settings.parts)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("decoder.mid_block.attentions.0.query.weight", "decoder.mid_block.attentions.0.to_q.weight"),
        ("encoder.mid_block.attentions.0.proj_attn.bias", "encoder.mid_block.attentions.0.to_out.0.bias"),
        ("text_model.encoder.layers.3.mlp.fc1.weight", "encoder.layers.3.mlp.fc1.weight"),
        ("text_model.embeddings.position_ids", None),
        ("down_blocks.0.attentions.1.proj_in.weight", "down_blocks.0.attentions.1.proj_in.weight"),
    ],
)
def test_names_of_the_published_checkpoints_become_todays(old, new):
    assert todays_name(old) == new


# --- the same code path at a tiny size --------------------------------------------------------------------------------

TINY = {
    "bundle.json": {"image_size": 128, "teacher_size": 64},
    "teacher/unet/config.json": {
        "sample_size": 8, "block_out_channels": [32, 32, 64, 64], "layers_per_block": 1, "cross_attention_dim": 32,
    },
    "teacher/vae/config.json": {"block_out_channels": [32, 32, 32, 32], "layers_per_block": 1},
    "teacher/text_encoder/config.json": {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4,
    },
}  # fmt: skip
TOWER = {"width": 32, "head_width": 16, "layers": 1, "image_size": 28}


def shrink(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory):
    """The paper bundle's folder with small sizes in its configurations, and nothing else changed."""
    folder = Path(shutil.copytree(PAPER, tmp_path_factory.mktemp("tiny") / "paper"))
    for name, changes in TINY.items():
        shrink(folder / name, **changes)
    student = json.loads((folder / "bundle.json").read_text())["student"]
    small = {"model_channels": 32, "num_head_channels": 32, "num_res_blocks": 1, "context_dim": 32}
    shrink(folder / "bundle.json", student=student | small)
    for name, texts in (("condition_clip", {}), ("metric_clip", {"width": 32, "heads": 2, "layers": 1})):
        path = folder / name / "open_clip_config.json"
        model = json.loads(path.read_text())["model_cfg"]
        vision, text = model["vision_cfg"] | TOWER, model["text_cfg"] | texts
        shrink(path, model_cfg=model | {"embed_dim": 32, "vision_cfg": vision, "text_cfg": text})
    write_sums(folder)
    return folder


@pytest.fixture(scope="module", autouse=True)
def tiny(tiny_folder):
    """In place of the paper bundle that mix2mix ships, the tiny one; no network."""
    shipped = bundles._shipped
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundles, "_shipped", lambda name: tiny_folder if name == "paper" else shipped(name))
        patch.setattr("mix2mix.hub.offline", lambda: True)
        yield


@pytest.fixture(scope="module")
def random(tiny):
    """The tiny bundle with random weights; not to be changed."""
    return load_bundle("paper", weights="random")


@pytest.fixture(scope="module")
def checkpoints(random, tmp_path_factory):
    """A folder of checkpoints for the tiny networks, under the names that the published ones have; not to be changed.

    Their values differ from the random bundle's by 1/4: what is loaded must be the files'.
    """
    folder = tmp_path_factory.mktemp("published")
    text = {f"text_model.{name}": value for name, value in random.teacher.editor.text_encoder.state_dict().items()}
    text["text_model.embeddings.position_ids"] = torch.arange(77)[None]
    vae = {
        name.replace(".to_q.", ".query.").replace(".to_out.0.", ".proj_attn."): value
        for name, value in random.vae.module.state_dict().items()
    }
    states = {
        STUDENT: random.student.network.state_dict(),
        "teacher/unet/diffusion_pytorch_model.safetensors": random.teacher.unet.state_dict(),
        "teacher/vae/diffusion_pytorch_model.safetensors": vae,
        "teacher/text_encoder/model.safetensors": text,
        "condition_clip/open_clip_model.safetensors": {
            **random.condition_clip.module.state_dict(), "text_projection": torch.zeros(4, 4),
        },
        "metric_clip/open_clip_model.safetensors": random.metric_clip.module.state_dict(),
    }  # fmt: skip
    for name, state in states.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        moved = {key: value + 0.25 if value.is_floating_point() else value for key, value in state.items()}
        save_file(moved, folder / name)
    return folder


@pytest.fixture(scope="module")
def spare(tiny):
    """Another, for tests that fill it with anything."""
    return load_bundle("paper", weights="random")


@pytest.fixture
def copy(checkpoints, tmp_path):
    return Path(shutil.copytree(checkpoints, tmp_path / "copy"))


def networks(bundle):
    return {
        "student": bundle.student.network,
        "unet": bundle.teacher.unet,
        "vae": bundle.vae.module,
        "text": bundle.teacher.editor.text_encoder,
        "condition": bundle.condition_clip.module,
        "metric": bundle.metric_clip.module,
    }


def test_random_networks_are_marked_frozen_and_the_same_each_time(random):
    state = torch.get_rng_state()
    again = load_bundle("paper", weights="random")
    assert torch.equal(torch.get_rng_state(), state)
    assert random.settings.random_weights
    assert again.digest == random.digest
    for name, network in networks(random).items():
        other = networks(again)[name].state_dict()
        assert all(torch.equal(value, other[key]) for key, value in network.state_dict().items())
        assert not any(parameter.requires_grad for parameter in network.parameters())
        assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


def test_an_edit_runs_from_the_configurations_alone(random):
    config = DistillConfig(UpdatePlan(count=2, k=1, first_updates=1, warmup=1), reference_steps=2)
    scene = held_out_scene("person", views=2)
    result = distill(scene, EDIT, random, config, 0, "cpu", lambda *_: None)
    assert result.counts["student"] == 3  # two updates and the step between them
    assert result.views.shape == scene.images.shape
    assert result.views.isfinite().all()


def test_the_published_checkpoints_fill_the_networks(random, checkpoints):
    told = []
    bundle = load_bundle("paper", weights=checkpoints, tell=told.append)
    assert told == []
    assert not bundle.settings.random_weights
    assert bundle.digest != random.digest
    for name, network in networks(bundle).items():
        before = networks(random)[name].state_dict()
        for key, value in network.state_dict().items():
            torch.testing.assert_close(value, before[key] + 0.25, msg=f"{name}: {key}")


def test_other_weights_of_half_the_precision_are_converted_with_a_line_and_have_another_digest(checkpoints, copy):
    state = load_file(copy / STUDENT)
    save_file({name: value.half() for name, value in state.items()}, copy / STUDENT)
    told = []
    bundle = load_bundle("paper", weights=copy, tell=told.append)
    assert told == [
        "paper student: in float16, published in float32; converted to the precision that the network runs in"
    ]
    loaded = bundle.student.network.state_dict()
    assert all(torch.equal(loaded[name], value.half().float()) for name, value in state.items())
    assert bundle.digest != load_bundle("paper", weights=checkpoints).digest


@pytest.mark.parametrize(
    ("file", "tensor"),
    [
        (STUDENT, "time_embed.0.weight"),
        ("metric_clip/open_clip_model.safetensors", "ln_final.weight"),
        ("condition_clip/open_clip_model.safetensors", "visual.proj"),
        ("teacher/unet/diffusion_pytorch_model.safetensors", "conv_in.weight"),
        ("teacher/vae/diffusion_pytorch_model.safetensors", "encoder.conv_in.weight"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_told_tensor_by_tensor(spare, copy, monkeypatch, file, tensor):
    monkeypatch.setattr(bundles, "_build", lambda *_: spare)
    state = load_file(copy / file)
    save_file({name: value for name, value in state.items() if name != tensor}, copy / file)
    with pytest.raises(InputError, match=rf"(?s){file}.*1 tensors that differ.*\n  {tensor}: missing, expected"):
        load_bundle("paper", weights=copy)


def test_what_is_missing_is_told_before_a_network_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(bundles, "_build", lambda *_: pytest.fail("work was begun"))
    with pytest.raises(InputError, match=r"(?s)no teacher, no student, no condition_clip, no metric_clip.*hf download"):
        load_bundle("paper", weights=tmp_path)


def test_a_teacher_in_half_precision_speaks_fp32():
    teacher, scene = load_bundle("paper", weights="random").teacher, held_out_scene("person", views=2)
    latents = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))

    def answers():
        condition, text = teacher.condition(scene.images), teacher.embed("a knight")
        noise = teacher.predict_noise(latents, torch.tensor(500), condition, text, 2.0, 1.0)
        edited = teacher.edit(scene.images[:1], EDIT, 2, [torch.Generator().manual_seed(0)], lambda done: None)
        return {
            "condition": condition,
            "text": text,
            "noise": noise,
            "decoded": teacher.decode(latents),
            "edit": edited,
        }

    full = answers()
    teacher.editor.to("cpu", torch.float16)
    assert {parameter.dtype for parameter in teacher.unet.parameters()} == {torch.float16}
    for name, half in answers().items():
        assert half.dtype == torch.float32
        assert (half - full[name]).norm() < 0.15 * full[name].norm(), name  # a CPU adds up halves coarsely
