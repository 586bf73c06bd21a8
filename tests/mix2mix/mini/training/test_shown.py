"""What the teacher leaves of edited views: noised, denoised as the edit says, and seen as in use."""

from dataclasses import replace

import pytest
import torch

from mix2mix.mini.training.latents import encode
from mix2mix.mini.training.shown import LEVELS, STEPS, load_shown, redo, save_shown, show
from mix2mix.teacher import Teacher


@pytest.fixture
def latents(networks, dataset):
    return encode(networks.editor.vae, networks.clip, dataset)


@pytest.fixture
def all_edits(edits):
    return [edit for group in edits.values() for edit in group]


def foreseeing(teacher, clean, calls):
    """A teacher that knows the clean latents, and notes when it is asked."""

    def predict_noise(z_t, t, *told):
        calls.append((int(t), *told))
        alpha = teacher.editor.alphas_cumprod[t]
        return (z_t - alpha.sqrt() * clean) / (1 - alpha).sqrt()

    teacher.predict_noise = predict_noise
    return teacher


@pytest.mark.parametrize("start", LEVELS)
def test_a_teacher_that_foresees_the_view_leaves_it_as_it_is(networks, all_edits, start):
    clean, original, calls = torch.randn(3, 4, 16, 16), torch.randn(3, 4, 16, 16), []
    teacher = foreseeing(Teacher(networks.editor), clean, calls)
    found = redo(teacher, clean, original, all_edits[1], start, torch.Generator().manual_seed(0))
    torch.testing.assert_close(found, clean, rtol=1e-3, atol=1e-3)
    times = [t for t, *_ in calls]
    assert len(times) == STEPS
    assert times[0] == start
    assert times == sorted(times, reverse=True)
    _, seen, text, text_guidance, image_guidance = calls[0]
    assert torch.equal(seen, original)
    assert torch.equal(text, teacher.embed(all_edits[1].instruction))
    assert (text_guidance, image_guidance) == (all_edits[1].text_guidance, all_edits[1].image_guidance)


def test_every_edited_view_is_shown_in_its_place(networks, dataset, latents, all_edits, monkeypatch):
    """Left as they are, they come back through decoder and encoder."""
    monkeypatch.setattr("mix2mix.mini.training.shown.redo", lambda teacher, clean, *_: clean)
    shown = show(networks.editor, networks.clip, latents, all_edits, seed=0, batch=3)
    with torch.no_grad():
        vae = networks.editor.vae
        image = (vae.decode(latents.modes[1, 1, 2:3].float() * latents.scale) / 2 + 0.5).clamp(0, 1)
        mode, embedding = vae.encode_mode(image * 2 - 1)[0], networks.clip.embed_images(image)[0]
    assert shown.modes.shape == latents.modes[:, 1:].shape
    torch.testing.assert_close(shown.modes[1, 0, 2].float(), mode, rtol=2e-3, atol=2e-3)
    torch.testing.assert_close(shown.embeddings[1, 0, 2].float(), embedding, rtol=2e-3, atol=2e-3)


def test_each_view_is_redone_once_by_its_own_instruction(networks, dataset, latents, all_edits, monkeypatch):
    told = []

    def noted(teacher, clean, original, edit, start, generator):
        told.append((edit.instruction, clean, original, start))
        return clean

    monkeypatch.setattr("mix2mix.mini.training.shown.redo", noted)
    show(networks.editor, networks.clip, latents, all_edits, seed=0, batch=3)
    assert sum(len(clean) for _, clean, *_ in told) == latents.modes[:, 1:, :, 0, 0, 0].numel()
    assert all(LEVELS[0] <= start < LEVELS[1] for *_, start in told)
    for number, edit in enumerate(all_edits):
        mine = [(clean, original) for said, clean, original, _ in told if said == edit.instruction]
        s = int((dataset.instruction[:, 1] == number).nonzero())  # of two scenes, one has each
        assert torch.equal(torch.cat([clean for clean, _ in mine]), latents.modes[s, 1].float() * latents.scale)
        assert torch.equal(torch.cat([original for _, original in mine]), latents.modes[s, 0].float())


def test_the_same_seed_shows_the_same(networks, latents, all_edits):
    few = replace(
        latents, modes=latents.modes[:1, :, :1], embeddings=latents.embeddings[:1, :, :1],
        instruction=latents.instruction[:1],
    )  # fmt: skip
    one, same, other = (show(networks.editor, networks.clip, few, all_edits, seed) for seed in (0, 0, 1))
    assert torch.equal(one.modes, same.modes)
    assert not torch.equal(one.modes, other.modes)
    assert not torch.equal(one.modes, few.modes[:, 1:])


def test_what_is_trained_can_still_be_trained(networks, latents, all_edits, monkeypatch):
    monkeypatch.setattr("mix2mix.mini.training.shown.redo", lambda teacher, clean, *_: clean)
    show(networks.editor, networks.clip, latents, all_edits, seed=0)
    assert all(parameter.requires_grad for parameter in networks.editor.unet.parameters())


def test_it_comes_back_from_its_file_as_it_was(networks, latents, all_edits, monkeypatch, tmp_path):
    monkeypatch.setattr("mix2mix.mini.training.shown.redo", lambda teacher, clean, *_: clean)
    shown = show(networks.editor, networks.clip, latents, all_edits, seed=0)
    save_shown(shown, tmp_path / "shown.pt")
    assert [file.name for file in tmp_path.iterdir()] == ["shown.pt"]
    again = load_shown(tmp_path / "shown.pt", "cpu")
    assert torch.equal(again.modes, shown.modes)
    assert torch.equal(again.embeddings, shown.embeddings)
