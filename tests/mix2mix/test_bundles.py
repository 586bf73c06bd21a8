"""Bundles: loaded only when every file is what it was."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mix2mix.bundles import bundle_folder, bundle_info, bundle_names, load_bundle, save_bundle, verify
from mix2mix.edit import Edit
from mix2mix.errors import InputError
from mix2mix.mini.networks import save_random_bundle


@pytest.fixture(scope="module")
def bundle(random_bundle_folder):
    return load_bundle("mini", folder=random_bundle_folder)


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
    again = load_bundle("mini", folder=tmp_path)
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
    assert sum(path.stat().st_size for path in random_bundle_folder.rglob("*") if path.is_file()) <= 20_000_000


def test_a_changed_file_is_told_with_both_checksums(copy):
    path = copy / "student.safetensors"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError) as error:
        load_bundle("mini", folder=copy)
    after = hashlib.sha256(path.read_bytes()).hexdigest()
    assert all(part in str(error.value) for part in ("student.safetensors", before, after, "reinstall"))


@pytest.mark.parametrize("name", ["bundle.json", "clip/model.safetensors"])
def test_a_missing_file_is_told(copy, name):
    (copy / name).unlink()
    with pytest.raises(InputError, match=f"{name}: got no such file"):
        load_bundle("mini", folder=copy)


@pytest.mark.parametrize("sums", ["", "\n", "nonsense\n"])
def test_broken_sums_verify_nothing(copy, sums):
    (copy / "SHA256SUMS").write_text(sums)
    with pytest.raises(InputError, match="checksum"):
        load_bundle("mini", folder=copy)


def test_a_bundle_that_was_being_written_is_refused(bundle, copy, monkeypatch):
    monkeypatch.setattr("mix2mix.pretrained.halve", lambda folder: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        save_bundle(copy, bundle.teacher.editor, bundle.metric_clip, bundle.student, bundle.settings)
    with pytest.raises(InputError, match="SHA256SUMS"):
        load_bundle("mini", folder=copy)


def test_missing_weights_are_told(tmp_path):
    assert not bundle_info("mini", tmp_path).present
    with pytest.raises(InputError, match="Reinstall mix2mix"):
        load_bundle("mini", folder=tmp_path)


def test_an_unknown_bundle_is_told_with_the_known_ones():
    for ask in (load_bundle, bundle_info, bundle_folder):
        with pytest.raises(InputError, match=r"'nano'.*mini"):
            ask("nano")


def test_the_folder_is_the_argument_then_the_environment_then_the_package(monkeypatch, tmp_path):
    import mix2mix

    monkeypatch.delenv("MIX2MIX_WEIGHTS", raising=False)
    assert bundle_folder("mini") == Path(mix2mix.__file__).parent / "weights" / "mini"
    monkeypatch.setenv("MIX2MIX_WEIGHTS", str(tmp_path / "mine"))
    assert bundle_folder("mini") == tmp_path / "mine"
    assert bundle_folder("mini", tmp_path) == tmp_path


def test_guidance_is_scaled_by_the_bundles_one_factor(bundle):
    import dataclasses

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
    assert bundle_names() == ["mini"]
