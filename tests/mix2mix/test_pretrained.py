"""The facades do what the libraries do, and say nothing."""

import json

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from mix2mix.bundles import load_bundle
from mix2mix.loading import fill_clip, read_clip
from mix2mix.mini.networks import MiniConfig, vae_config
from mix2mix.pretrained import DECODER_CHANNELS, halve, new_vae

STOCK_VAE = {name: value for name, value in vae_config(MiniConfig()).items() if name != DECODER_CHANNELS}


@pytest.fixture(scope="module")
def editor(random_bundle_folder):
    return load_bundle("mini", weights=random_bundle_folder).teacher.editor


@pytest.fixture(scope="module")
def clip(random_bundle_folder):
    clip = read_clip(random_bundle_folder / "clip")
    fill_clip(clip, random_bundle_folder / "clip" / "model.safetensors")
    return clip


@pytest.fixture(scope="module")
def images():
    return torch.rand(11, 3, 128, 128, generator=torch.Generator().manual_seed(0))


def test_networks_are_fp32_whatever_their_files_are(random_bundle_folder, editor, clip):
    stored = load_file(random_bundle_folder / "teacher" / "unet" / "diffusion_pytorch_model.safetensors")
    assert {value.dtype for value in stored.values()} == {torch.float16}
    for module in (editor.unet, editor.text_encoder, editor.vae.module, clip.module):
        assert {p.dtype for p in module.parameters()} == {torch.float32}


def test_loading_and_running_is_silent(random_bundle_folder, images, capfd):
    editor = load_bundle("mini", weights=random_bundle_folder).teacher.editor
    options = {"text_guidance": 7.5, "image_guidance": 1.5, "steps": 1, "on_step": lambda done: None}
    editor.run(images[:1], "a vampire", generators=[torch.Generator().manual_seed(0)], **options)
    assert capfd.readouterr() == ("", "")


def test_the_vae_scales_what_it_encodes_and_unscales_what_it_decodes(editor, images):
    vae, stock = editor.vae, editor.pipeline.vae
    with torch.no_grad():
        mode = stock.encode(images[:2] * 2 - 1).latent_dist.mode()
        assert torch.equal(vae.encode_mode(images[:2] * 2 - 1), mode)
        assert torch.equal(vae.encode(images[:2] * 2 - 1), mode * stock.config.scaling_factor)
        torch.testing.assert_close(vae.decode(mode * vae.scale), stock.decode(mode).sample, rtol=1e-3, atol=1e-4)
    assert (vae.factor, vae.scale) == (8, stock.config.scaling_factor)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # inside diffusers
def test_the_teacher_folder_is_a_stock_pipeline_but_for_the_vae_s_wider_decoder(random_bundle_folder, editor):
    from diffusers import StableDiffusionInstructPix2PixPipeline

    vae = editor.vae.module
    stock = StableDiffusionInstructPix2PixPipeline.from_pretrained(random_bundle_folder / "teacher", vae=vae)
    for name in ("unet", "text_encoder"):
        mine, theirs = getattr(editor.pipeline, name), getattr(stock, name)
        state = theirs.state_dict()
        assert state.keys() == mine.state_dict().keys()
        assert all(torch.equal(value, state[key].float()) for key, value in mine.state_dict().items())
    for part in (lambda pipeline: pipeline.unet, lambda pipeline: pipeline.scheduler):
        mine, theirs = ({k: v for k, v in part(it).config.items() if k[0] != "_"} for it in (editor.pipeline, stock))
        assert mine == theirs
    texts = ["Turn him into a vampire", ""]
    assert editor.pipeline.tokenizer(texts).input_ids == stock.tokenizer(texts).input_ids
    assert editor.pipeline.tokenizer.model_max_length == stock.tokenizer.model_max_length


def test_a_vae_with_a_decoder_like_its_encoder_is_stock(tmp_path):
    from diffusers import AutoencoderKL

    for config in (STOCK_VAE, STOCK_VAE | {DECODER_CHANNELS: None}):
        vae = new_vae(config)
        vae.module.save_pretrained(tmp_path)
        stock = AutoencoderKL.from_pretrained(tmp_path)
        assert DECODER_CHANNELS not in json.loads((tmp_path / "config.json").read_text())
        assert stock.state_dict().keys() == vae.module.state_dict().keys()
        assert all(torch.equal(stock.state_dict()[name], value) for name, value in vae.module.state_dict().items())


def test_diffusers_itself_refuses_a_vae_whose_decoder_has_widths_of_its_own(random_bundle_folder):
    from diffusers import AutoencoderKL

    with pytest.raises((ValueError, RuntimeError), match="decoder"):
        AutoencoderKL.from_pretrained(random_bundle_folder / "teacher" / "vae")


def test_a_decoder_s_own_widths_are_in_the_folder_s_configuration_and_are_built_again(random_bundle_folder, editor):
    config = json.loads((random_bundle_folder / "teacher" / "vae" / "config.json").read_text())
    vae = editor.vae.module
    assert tuple(config[DECODER_CHANNELS]) == MiniConfig().decoder_channels == (48, 64, 96, 96)
    assert tuple(config["block_out_channels"]) == MiniConfig().vae_channels == (32, 48, 64, 64)
    assert [block.resnets[-1].conv2.out_channels for block in vae.decoder.up_blocks] == [96, 96, 64, 48]
    assert [block.resnets[-1].conv2.out_channels for block in vae.encoder.down_blocks] == [32, 48, 64, 64]


def test_a_decoder_s_own_widths_are_all_that_is_its_own():
    """Of the encoder's widths it is layer by layer what AutoencoderKL has."""
    stock = new_vae(STOCK_VAE)
    same = new_vae(STOCK_VAE | {DECODER_CHANNELS: STOCK_VAE["block_out_channels"]})
    assert str(same.module) == str(stock.module)
    assert (same.factor, same.scale) == (stock.factor, stock.scale)


def test_the_clip_folder_is_a_stock_open_clip_model(random_bundle_folder, clip, images):
    import open_clip

    name = f"local-dir:{random_bundle_folder / 'clip'}"
    model, preprocess = open_clip.create_model_from_pretrained(name)
    tokenizer = open_clip.get_tokenizer(name, bpe_path=str(random_bundle_folder / "clip" / "merges.txt.gz"))
    texts = ["A man with curly hair", "a vampire"]
    pixels = (images[0] * 255).round().byte()
    with torch.no_grad():
        image = model.encode_image(preprocess(Image.fromarray(pixels.permute(1, 2, 0).numpy()))[None])
        text = model.encode_text(tokenizer(texts))
    torch.testing.assert_close(clip.image_features(pixels[None] / 255), image, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(clip.text_features(texts), text, rtol=1e-4, atol=1e-5)


def test_other_sizes_are_resized_by_bicubic_interpolation_as_pillow_does(clip):
    ramp = torch.linspace(0, 1, 300).expand(3, 200, 300)
    pillow = Image.fromarray((ramp * 255).round().byte().permute(1, 2, 0).numpy()).resize((128, 128), Image.BICUBIC)
    expected = torch.tensor(list(pillow.tobytes())).view(128, 128, 3).permute(2, 0, 1) / 255
    features = clip.image_features(torch.stack([expected, torch.zeros(3, 128, 128)]))
    mine = clip.image_features(ramp[None])[0]
    assert (mine - features[0]).norm() < 0.01 * (features[1] - features[0]).norm()


def test_a_score_does_not_depend_on_batching(clip, images):
    together = clip.image_features(images)
    for split in (1, 3, 8):
        assert torch.equal(torch.cat([clip.image_features(part) for part in images.split(split)]), together)
    texts = [f"a man number {number}" for number in range(11)]
    assert torch.equal(torch.cat([clip.text_features([text]) for text in texts]), clip.text_features(texts))


def test_features_are_not_normalised(clip, images):
    assert clip.image_features(images).norm(dim=-1).sub(1).abs().min() > 1e-3


def test_training_sees_the_embeddings_that_scoring_sees(clip, images):
    embedded = clip.embed_images(images[:8])
    assert embedded.requires_grad
    torch.testing.assert_close(embedded.detach(), clip.image_features(images[:8]))
    tokens = clip.tokens(["a vampire"])
    torch.testing.assert_close(clip.embed_tokens(tokens).detach(), clip.text_features(["a vampire"]))


def test_halving_keeps_integers_and_rounds_the_rest(tmp_path):
    (tmp_path / "deep").mkdir()
    path = tmp_path / "deep" / "weights.safetensors"
    save_file({"weight": torch.tensor([1 / 3]), "index": torch.tensor([70000])}, path)
    halve(tmp_path)
    state = load_file(path)
    assert torch.equal(state["weight"], torch.tensor([1 / 3]).half())
    assert torch.equal(state["index"], torch.tensor([70000]))


def test_the_saved_tokenizer_is_in_clips_two_files(random_bundle_folder):
    files = {path.name for path in (random_bundle_folder / "teacher" / "tokenizer").iterdir()}
    assert files == {"vocab.json", "merges.txt", "tokenizer_config.json"}


def test_teacher_and_clip_share_their_ids(editor, clip):
    texts = ["Turn him into a vampire!", "", "don't  42"]
    ends = editor.pipeline.tokenizer.eos_token_id
    for teacher, scorer in zip(editor.tokens(texts).tolist(), clip.tokens(texts).tolist(), strict=True):
        length = teacher.index(ends) + 1
        assert teacher[:length] == scorer[:length]
