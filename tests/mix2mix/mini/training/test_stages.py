"""The stages: each leaves its weights for the next, and a run that was cut short goes on."""

import json
import math
from contextlib import nullcontext
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mix2mix.bundles import load_bundle
from mix2mix.errors import InputError
from mix2mix.mini.networks import MiniConfig
from mix2mix.mini.training import stages
from mix2mix.mini.training.__main__ import _config, _parser, main
from mix2mix.mini.training.assemble import assemble, disassemble
from mix2mix.mini.training.data import DataConfig
from mix2mix.mini.training.loop import FitConfig
from mix2mix.mini.training.ranks import Ranks
from mix2mix.mini.training.stages import NETWORKS, TrainConfig, open_workshop, train

BRIEF = FitConfig(steps=2, batch=2, lr=1e-3, warmup=1, average=0.5)
CONFIG = TrainConfig(DataConfig(2, 2), replace(MiniConfig(), student_blocks=1), BRIEF, BRIEF, BRIEF, BRIEF, BRIEF)
FOREVER = math.inf
TABLE = Path(__file__).resolve().parents[4] / "benchmark" / "table6.csv"


def open_here(folder, edits, dataset=None):
    shop = open_workshop(CONFIG, edits, folder, Ranks("cpu"))
    shop.drawn = dataset
    return shop


def state_of(shop, name):
    return {key: value.clone() for key, value in shop.module(name).state_dict().items()}


@pytest.fixture(scope="module")
def finished(tmp_path_factory, edits, dataset):
    """A workshop in which every stage has run."""
    shop = open_here(tmp_path_factory.mktemp("work"), edits, dataset)
    before, after = {name: state_of(shop, name) for name in NETWORKS}, {}
    with torch.random.fork_rng(devices=[]):
        for name in NETWORKS:
            shop.drawn = dataset
            assert train(shop, name, FOREVER)
            after[name] = state_of(shop, name)
    return shop, before, after


@pytest.mark.parametrize("name", NETWORKS)
def test_a_stage_changes_its_own_network_and_writes_it_down(finished, name):
    shop, before, after = finished
    kept = load_file(shop.folder / f"{name}.safetensors")
    assert any(not torch.equal(kept[key], value) for key, value in before[name].items())
    assert kept.keys() == after[name].keys()
    assert all(torch.equal(kept[key], after[name][key]) for key in kept)
    assert not any(part.training for part in shop.module(name).children())
    (only,) = json.loads((shop.folder / f"{name}.json").read_text())["rounds"]
    assert only.keys() == {"data", "steps", "batch", "lr", "seconds", "device"}


def test_the_decoder_begins_as_the_vae_s_and_leaves_the_encoder_as_it_was(edits, dataset, tmp_path, finished):
    earlier, *_ = finished
    shop = open_workshop(CONFIG, edits, tmp_path, Ranks("cpu"))
    shop.drawn = dataset
    vae = load_file(earlier.folder / "vae.safetensors")
    (tmp_path / "vae.safetensors").write_bytes((earlier.folder / "vae.safetensors").read_bytes())
    (tmp_path / "vae.json").write_bytes((earlier.folder / "vae.json").read_bytes())
    assert not train(shop, "decoder", until=-math.inf)
    assert all(torch.equal(vae[name], value) for name, value in load_file(tmp_path / "decoder.safetensors").items())
    assert train(shop, "decoder", FOREVER)
    now = shop.networks.editor.vae.module.state_dict()
    changed = {name.partition(".")[0] for name in vae if not torch.equal(vae[name], now[name])}
    assert changed == {"decoder", "post_quant_conv"}


def test_what_is_written_is_the_average_of_the_weights(finished):
    shop, *_ = finished
    mean = torch.load(shop.folder / "student.ckpt", weights_only=True)["mean"]
    kept = load_file(shop.folder / "student.safetensors")
    for (name, _), value in zip(shop.module("student").named_parameters(), mean, strict=True):
        assert torch.equal(kept[name], value)


def test_the_vae_s_measured_scale_goes_with_it(finished, edits):
    shop, *_ = finished
    scale = json.loads((shop.folder / "vae.json").read_text())["scale"]
    fresh = open_here(shop.folder, edits)
    assert fresh.networks.editor.vae.scale == CONFIG.networks.latent_scale != scale
    fresh.load("vae")
    assert fresh.networks.editor.vae.scale == scale


def test_latents_are_kept_for_the_next_run_which_draws_no_data(finished, edits, monkeypatch):
    shop, *_ = finished
    monkeypatch.setattr(stages, "draw_dataset", lambda *_: pytest.fail("data drawn"))
    again = open_here(shop.folder, edits).latents()
    assert again.scale == shop.networks.editor.vae.scale
    assert len(list(shop.folder.glob("latents-*.pt"))) == 1


def test_what_the_teacher_leaves_is_kept_likewise(finished, edits, monkeypatch):
    shop, *_ = finished
    monkeypatch.setattr(stages, "show", lambda *_: pytest.fail("shown anew"))
    again = open_here(shop.folder, edits)
    latents = again.latents()
    assert again.shown(latents).modes.shape == latents.modes[:, 1:].shape
    assert len(list(shop.folder.glob("shown-*.pt"))) == 1


def test_other_weights_or_data_have_other_latents(finished, tmp_path):
    shop, *_ = finished
    name = latents_name(shop)
    for stage in ("vae", "clip"):
        (tmp_path / f"{stage}.safetensors").write_bytes((shop.folder / f"{stage}.safetensors").read_bytes())
    assert latents_name(replace(shop, folder=tmp_path)) == name
    assert latents_name(replace(shop, config=replace(CONFIG, data=DataConfig(4, 2)))) != name
    (tmp_path / "clip.safetensors").write_bytes(b"other")
    assert latents_name(replace(shop, folder=tmp_path)) != name


def latents_name(shop):
    return shop.kept("latents", "vae", "clip").name


def test_the_networks_are_the_same_each_time(tmp_path, edits):
    one, other = (open_here(tmp_path, edits).module("teacher").state_dict() for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_bundle_s_folder_loads_with_the_trained_weights_and_says_how_they_came_about(finished, tmp_path):
    shop, *_ = finished
    assemble(shop, tmp_path)
    bundle = load_bundle("mini", weights=tmp_path)
    for name, value in load_file(shop.folder / "student.safetensors").items():
        torch.testing.assert_close(bundle.student.state_dict()[name], value, rtol=1e-3, atol=1e-4)
    for name, value in load_file(shop.folder / "decoder.safetensors").items():
        torch.testing.assert_close(bundle.vae.module.state_dict()[name], value, rtol=1e-3, atol=1e-4)
    assert bundle.vae.scale == shop.networks.editor.vae.scale
    assert not bundle.settings.random_weights
    card = (tmp_path / "MODEL_CARD.md").read_text()
    assert all(f"| {name} |" in card for name in NETWORKS)
    assert "| 2 scenes of seed 0 | 2 | 2 | 0.001 |" in card


def test_a_bundle_taken_apart_is_what_the_stages_left_in_half_precision(finished, tmp_path):
    shop, *_ = finished
    assemble(shop, tmp_path / "bundle")
    disassemble(tmp_path / "bundle", tmp_path / "apart")
    again = open_workshop(CONFIG, shop.edits, tmp_path / "work", Ranks("cpu"), start=tmp_path / "apart")
    for name in ("clip", "decoder", "teacher", "student"):
        left, apart = (load_file(folder / f"{name}.safetensors") for folder in (shop.folder, tmp_path / "apart"))
        assert left.keys() == apart.keys()
        assert all(torch.allclose(left[key].float(), apart[key].float(), rtol=1e-3, atol=1e-4) for key in left)
        assert again.log(name) == shop.log(name)
    again.load("vae")
    assert again.networks.editor.vae.scale == shop.networks.editor.vae.scale


def test_the_command_begins_with_the_shipped_bundle(tmp_path, dataset, monkeypatch):
    monkeypatch.setattr(stages, "draw_dataset", lambda *_: dataset)
    options = ["--edits", str(TABLE), "--work", str(tmp_path), "--device", "cpu", "--scale", "0.0001"]
    shipped = resources.files("mix2mix") / "weights" / "mini"
    assert main([*options, "--stages", "clip", "--initial", str(shipped), "--minutes", "0"]) == 3
    first, second = json.loads((tmp_path / "clip.json").read_text())["rounds"]
    assert (first["steps"], second["steps"]) == (4000, 0)


def test_weights_of_another_size_are_refused(finished, edits, tmp_path):
    earlier, *_ = finished
    narrow = replace(CONFIG.networks, decoder_channels=CONFIG.networks.vae_channels)
    shop = open_workshop(replace(CONFIG, networks=narrow), edits, tmp_path, Ranks("cpu"), start=earlier.folder)
    for name in ("vae", "decoder"):
        with pytest.raises(InputError, match=f"{name}.safetensors of a network of another size.*--stages {name}"):
            shop.load(name)


@pytest.mark.parametrize("name", NETWORKS)
def test_teacher_and_student_alone_are_compiled_and_on_a_gpu_alone(finished, monkeypatch, name):
    shop, *_ = finished
    parts = []
    monkeypatch.setattr(stages, "compiled", lambda given: parts.extend(given) or nullcontext())
    with stages._compilation(shop, name):
        assert not parts
    with stages._compilation(replace(shop, ranks=Ranks("cuda")), name):
        assert len(parts) == (name in {"teacher", "student"})
    assert all(part in list(shop.module(name).modules()) for part in parts)


def test_the_command_trains_the_stages_asked_for_and_reports_time_that_is_up(tmp_path, dataset, monkeypatch, capsys):
    drawn = []

    def draw(config, edits, ranks):
        drawn.append(config)
        return dataset

    monkeypatch.setattr(stages, "draw_dataset", draw)
    table = tmp_path / "table.csv"
    table.write_text(
        "scene,original_prompt,edit_prompt,edited_prompt,text_cfg,image_cfg\nFace,a man,Age him,an old man,7,1\n"
    )
    options = ["--edits", str(table), "--work", str(tmp_path), "--device", "cpu", "--scale", "0.0001"]
    assert main([*options, "--stages", "vae", "--minutes", "0"]) == 3
    assert "vae: time is up" in capsys.readouterr().out
    assert json.loads((tmp_path / "vae.json").read_text())["rounds"][0]["steps"] == 0
    assert main([*options, "--stages", "vae"]) == 0
    assert json.loads((tmp_path / "vae.json").read_text())["rounds"][0]["steps"] == 2
    assert {config.scenes for config in drawn} == {20}
    assert not (tmp_path / "clip.safetensors").exists()


def test_the_command_takes_the_number_of_scenes_and_of_steps_the_batch_and_the_rate():
    words = ["--edits", str(TABLE), "--scenes", "64", "--steps", "7", "--batch", "12", "--lr", "1e-4"]
    config = _config(_parser().parse_args(words))
    assert config.data.scenes == 64
    fits = [getattr(config, name) for name in NETWORKS]
    assert {(fit.steps, fit.batch, fit.lr) for fit in fits} == {(7, 12, 1e-4)}


def test_steps_batch_and_rate_may_be_said_stage_by_stage(capsys):
    words = ["--edits", str(TABLE), "--batch", "12", "student=24", "--lr", "decoder=1e-4"]
    config, usual = _config(_parser().parse_args(words)), TrainConfig()
    assert {name: getattr(config, name).batch for name in NETWORKS} == dict.fromkeys(NETWORKS, 12) | {"student": 24}
    assert (config.decoder.lr, config.student.lr) == (1e-4, usual.student.lr)
    with pytest.raises(SystemExit):
        _parser().parse_args([*words, "--steps", "judge=3"])
    assert "no stage 'judge': choose from vae, clip, decoder, teacher, student" in capsys.readouterr().err


def test_a_stage_before_those_that_it_needs_is_told(tmp_path, capsys):
    words = ["--edits", str(TABLE), "--stages", "student", "--device", "cpu", "--work", str(tmp_path)]
    assert main([*words, "--scale", "0.001"]) == 2
    assert "Run --stages vae." in capsys.readouterr().err


def test_a_run_begins_with_the_weights_of_the_one_it_starts_from_and_takes_what_it_does_not_train(
    finished, edits, dataset, tmp_path
):
    earlier, *_ = finished
    shop = open_workshop(CONFIG, edits, tmp_path, Ranks("cpu"), start=earlier.folder)
    shop.drawn = dataset
    assert not train(shop, "student", until=-math.inf)  # no time: what is written is what it began with
    kept, began = (load_file(folder / "student.safetensors") for folder in (tmp_path, earlier.folder))
    assert all(torch.equal(kept[name], began[name]) for name in began)
    rounds = json.loads((tmp_path / "student.json").read_text())["rounds"]
    assert [round_["steps"] for round_ in rounds] == [BRIEF.steps, 0]
    assemble(shop, tmp_path / "bundle")
    card = (tmp_path / "bundle" / "MODEL_CARD.md").read_text()
    assert "| student, further |  | 2 scenes of seed 0 | 0 |" in card
    shop.load("teacher")
    teacher = load_file(earlier.folder / "teacher.safetensors")
    assert all(torch.equal(shop.module("teacher").state_dict()[name], value) for name, value in teacher.items())
