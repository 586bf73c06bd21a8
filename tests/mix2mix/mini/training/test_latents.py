"""The training set as latents: every image in its place, and kept whole or not at all."""

from types import SimpleNamespace

import pytest
import torch

from mix2mix.mini.training.latents import encode, latent_scale, load_latents, save_latents


@pytest.fixture
def latents(networks, dataset):
    return encode(networks.editor.vae, networks.clip, dataset, batch=5)


def test_every_image_is_encoded_in_its_place(networks, dataset, latents):
    assert latents.modes.shape == (*dataset.images.shape[:3], 4, 16, 16)
    assert latents.embeddings.shape == (*dataset.images.shape[:3], networks.clip.width)
    image = dataset.images[1, 0, 2:3].float() / 255
    with torch.no_grad():
        mode, embedding = networks.editor.vae.encode_mode(image * 2 - 1)[0], networks.clip.embed_images(image)[0]
    torch.testing.assert_close(latents.modes[1, 0, 2].float(), mode, rtol=2e-3, atol=2e-3)
    torch.testing.assert_close(latents.embeddings[1, 0, 2].float(), embedding, rtol=2e-3, atol=2e-3)
    assert latents.scale == networks.editor.vae.scale


def test_latents_come_back_from_their_file_as_they_were(latents, tmp_path):
    path = tmp_path / "latents.pt"
    save_latents(latents, path)
    assert [file.name for file in tmp_path.iterdir()] == ["latents.pt"]
    again = load_latents(path, "cpu")
    for name in ("modes", "embeddings", "instruction"):
        assert torch.equal(getattr(again, name), getattr(latents, name))
    assert torch.equal(again.cameras.K, latents.cameras.K)
    assert torch.equal(again.cameras.c2w, latents.cameras.c2w)
    assert (again.scale, again.instructions) == (latents.scale, latents.instructions)


def test_a_file_half_written_is_not_there(latents, tmp_path, monkeypatch):
    def full_disk(state, path):
        path.write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(OSError, match="no space"):
        save_latents(latents, tmp_path / "latents.pt")
    assert not (tmp_path / "latents.pt").exists()


@pytest.mark.parametrize("deviation", [0.1, 4.0])
def test_the_scale_gives_latents_unit_deviation(dataset, deviation):
    vae = SimpleNamespace(encode_mode=lambda images: deviation * (images - images.mean()) / images.std())
    assert latent_scale(vae, dataset) == pytest.approx(1 / deviation, rel=1e-3)
