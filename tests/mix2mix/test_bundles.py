"""Bundles: loaded only when every file is what it was."""

import dataclasses
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import mix2mix
from mix2mix.bundles import (
    bundle_folder,
    bundle_info,
    bundle_names,
    load_bundle,
    parse_weights,
    save_bundle,
    verify,
)
from mix2mix.edit import Edit
from mix2mix.errors import InputError
from mix2mix.mini.networks import save_random_bundle


@pytest.fixture(scope="module")
def bundle(random_bundle_folder):
    return load_bundle("mini", weights=random_bundle_folder)


@pytest.fixture
def copy(random_bundle_folder, tmp_path):
    return Path(shutil.copytree(random_bundle_folder, tmp_path / "bundle"))


def test_a_bundle_comes_whole_frozen_and_marked(bundle):
    modules = [bundle.teacher.unet, bundle.vae.module, bundle.student, bundle.metric_clip.module]
    assert not any(p.requires_grad for module in modules for p in module.parameters())
    assert not any(module.training for module in modules)
    assert bundle.vae.module is bundle.teacher.vae.module
    assert bundle.settings.random_weights
    assert (bundle.settings.image_size, bundle.teacher.image_size) == (128, bundle.settings.teacher_size)


def test_what_is_saved_is_what_was_loaded(bundle, tmp_path):
    save_bundle(tmp_path, bundle.teacher.editor, bundle.metric_clip, bundle.student, bundle.settings)
    again = load_bundle("mini", weights=tmp_path)
    assert again.digest == bundle.digest
    assert again.settings == bundle.settings
    mine, other = bundle.student.state_dict(), again.student.state_dict()
    assert all(torch.equal(mine[name], other[name]) for name in mine)


def test_no_file_names_the_folder_it_came_from(bundle, random_bundle_folder, tmp_path):
    save_bundle(tmp_path, bundle.teacher.editor, bundle.metric_clip, bundle.student, bundle.settings)
    texts = [path.read_text() for path in tmp_path.rglob("*.json")]
    assert len(texts) > 5
    assert not any(str(folder) in text for text in texts for folder in (random_bundle_folder, tmp_path))


def test_the_seed_decides_every_byte(random_bundle_folder, tmp_path):
    corpus = ["A man with curly hair in a grey jacket", "Turn him into a vampire"]
    save_random_bundle(tmp_path, corpus)
    assert verify(tmp_path) == verify(random_bundle_folder)
    save_random_bundle(tmp_path, corpus, seed=1)
    assert verify(tmp_path) != verify(random_bundle_folder)


def test_the_sums_cover_every_file_in_the_usual_format(random_bundle_folder):
    lines = (random_bundle_folder / "SHA256SUMS").read_text().splitlines()
    files = {path for path in random_bundle_folder.rglob("*") if path.is_file() and path.name != "SHA256SUMS"}
    listed = {random_bundle_folder / line[66:]: line[:64] for line in lines}
    assert listed == {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_card_may_be_reworded(random_bundle_folder, copy):
    (copy / "MODEL_CARD.md").write_text("words")
    assert verify(copy) == verify(random_bundle_folder)


def test_a_bundle_is_small_enough_to_ship(random_bundle_folder):
    assert sum(path.stat().st_size for path in random_bundle_folder.rglob("*") if path.is_file()) <= 36_000_000


def test_a_changed_file_is_told_with_both_checksums(copy):
    path = copy / "student.safetensors"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError) as error:
        load_bundle("mini", weights=copy)
    after = hashlib.sha256(path.read_bytes()).hexdigest()
    assert all(part in str(error.value) for part in ("student.safetensors", before, after, "reinstall"))


@pytest.mark.parametrize("name", ["bundle.json", "clip/model.safetensors"])
def test_a_missing_file_is_told(copy, name):
    (copy / name).unlink()
    with pytest.raises(InputError, match=f"{name}: got no such file"):
        load_bundle("mini", weights=copy)


@pytest.mark.parametrize("sums", ["", "\n", "nonsense\n"])
def test_broken_sums_verify_nothing(copy, sums):
    (copy / "SHA256SUMS").write_text(sums)
    with pytest.raises(InputError, match="checksum"):
        load_bundle("mini", weights=copy)


def test_a_bundle_that_was_being_written_is_refused(bundle, copy, monkeypatch):
    monkeypatch.setattr("mix2mix.pretrained.halve", lambda folder: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        save_bundle(copy, bundle.teacher.editor, bundle.metric_clip, bundle.student, bundle.settings)
    with pytest.raises(InputError, match="SHA256SUMS"):
        load_bundle("mini", weights=copy)


def test_missing_weights_are_told(tmp_path):
    assert not bundle_info("mini", tmp_path).present
    with pytest.raises(InputError, match="Reinstall mix2mix"):
        load_bundle("mini", weights=tmp_path)


def test_an_unknown_bundle_is_told_with_the_known_ones():
    for ask in (load_bundle, bundle_info, bundle_folder):
        with pytest.raises(InputError, match=r"'nano'.*mini, paper"):
            ask("nano")


def test_the_settings_are_those_of_a_whole_bundle_else_the_packages(random_bundle_folder, monkeypatch, tmp_path):
    shipped = Path(mix2mix.__file__).parent / "weights"
    monkeypatch.delenv("MIX2MIX_WEIGHTS", raising=False)
    assert bundle_folder("mini") == shipped / "mini"
    assert bundle_folder("mini", tmp_path) == bundle_folder("mini", "random") == shipped / "mini"
    assert bundle_folder("mini", random_bundle_folder) == random_bundle_folder


def test_the_environment_says_which_weights_where_no_argument_does(random_bundle_folder, monkeypatch, tmp_path):
    monkeypatch.setenv("MIX2MIX_WEIGHTS", str(random_bundle_folder))
    assert bundle_folder("mini") == random_bundle_folder
    assert bundle_folder("mini", tmp_path) != random_bundle_folder
    monkeypatch.setenv("MIX2MIX_WEIGHTS", "random")
    assert bundle_info("mini").random_weights
    assert bundle_info("mini").present
    assert not bundle_info("mini", tmp_path).random_weights


def test_a_bundle_that_the_environment_names_counts_for_its_own_kind(random_bundle_folder, monkeypatch):
    monkeypatch.setenv("MIX2MIX_WEIGHTS", str(random_bundle_folder))
    assert bundle_folder("paper").name == "paper"
    with pytest.raises(InputError, match=r"another one's parts.*'paper'"):
        load_bundle("paper", weights=random_bundle_folder)


@pytest.mark.parametrize("through", ["argument", "environment"])
def test_weights_in_a_folder_that_there_is_not_are_told(through, monkeypatch, tmp_path):
    missing = tmp_path / "nowhere"
    if through == "environment":
        monkeypatch.setenv("MIX2MIX_WEIGHTS", str(missing))
    with pytest.raises(InputError, match=r"nowhere', which is no folder.*a folder, or random.*MIX2MIX_WEIGHTS"):
        load_bundle("mini", weights=missing if through == "argument" else None)


def test_an_option_names_a_folder_or_random_weights():
    assert parse_weights("random") == "random"
    assert parse_weights("./random") == Path("random")
    assert parse_weights("~/weights") == Path.home() / "weights"


def test_any_bundle_can_have_random_weights():
    trained, random = load_bundle("mini"), load_bundle("mini", weights="random")
    assert random.settings == dataclasses.replace(trained.settings, random_weights=True)
    assert random.digest != trained.digest
    mine, other = random.student.network.state_dict(), trained.student.network.state_dict()
    assert {name: value.shape for name, value in mine.items()} == {name: value.shape for name, value in other.items()}
    assert not any(torch.equal(mine[name], other[name]) for name in mine if name.endswith("proj.weight"))


def test_what_was_found_of_each_part_is_told(random_bundle_folder, tmp_path):
    parts = bundle_info("mini", random_bundle_folder).parts
    assert {name: found.file.name for name, found in parts.items() if name != "teacher"} == {
        "student": "student.safetensors",
        "condition_clip": "model.safetensors",
        "metric_clip": "model.safetensors",
    }
    assert parts["teacher"].dtypes == ["float16"]
    assert set(bundle_info("mini", tmp_path).parts.values()) == {None}


def test_guidance_is_scaled_by_the_bundles_one_factor(bundle):
    settings = dataclasses.replace(bundle.settings, text_guidance_factor=0.4)
    edit = dataclasses.replace(bundle, settings=settings).guided(Edit("x", "a", "b", 7.5, 1.5))
    assert (edit.text_guidance, edit.image_guidance) == (pytest.approx(3.0), 1.5)


def test_bundles_can_be_named_and_checked_without_torch(random_bundle_folder):
    code = (
        "import sys; from pathlib import Path; from mix2mix.bundles import *;"
        "info = bundle_info(bundle_names()[0], Path(sys.argv[1])); verify(info.folder);"
        "assert info.present and info.random_weights; assert not {'torch', 'diffusers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(random_bundle_folder)], check=True)
    assert bundle_names() == ["mini", "paper"]
