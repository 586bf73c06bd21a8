"""EDIT: its noise levels and timesteps, and DDIM against diffusers' own."""

from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch
from diffusers import DDIMScheduler

from baselines.partial_edit import denoise, draw_level, edit_render, guide, noised, rungs
from mix2mix.errors import InputError
from mix2mix.teacher import resize


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("level", "first", "second"), [(980, 932, 883), (999, 932, 883), (300, 286, 271), (20, 20, 19)]
)
def test_the_timesteps_are_19_r_plus_1_down_to_1(level, first, second):
    times = rungs(level, 20)
    assert (len(times), times[0], times[1], times[-1]) == (20, first, second, 1)
    assert {a - b for a, b in pairwise(times)} == {level // 20}


def test_a_level_too_low_for_so_many_steps_is_refused():
    with pytest.raises(InputError, match="denoising steps: got 20; expected at most 19"):
        rungs(19, 20)


def test_levels_are_uniform_over_the_range_with_both_ends():
    stream = generator()
    drawn = [draw_level(0.7, 0.71, stream) for _ in range(300)]
    assert set(drawn) == set(range(700, 711))


def fake_teacher(alphas):
    return SimpleNamespace(editor=SimpleNamespace(alphas_cumprod=alphas))


def test_denoising_is_that_of_diffusers_without_noise():
    """Its scheduler of Stable Diffusion: scaled-linear betas, an offset of one, the last step to the table's first."""
    scheduler = DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False,
        steps_offset=1,
    )  # fmt: skip
    scheduler.set_timesteps(20)
    start = torch.randn(2, 4, 8, 8, generator=generator())

    def predict(z, t):
        return torch.tanh(z + 0.001 * t)

    expected = start
    for t in scheduler.timesteps:
        expected = scheduler.step(predict(expected, t), t, expected, eta=0.0).prev_sample
    times = rungs(1000, 20)
    assert times == scheduler.timesteps.tolist()
    torch.testing.assert_close(denoise(fake_teacher(scheduler.alphas_cumprod), start, times, predict), expected)


def test_noise_that_is_known_is_taken_away_again(bundle, face):
    """A predictor that returns the noise that was added leads back to the latents, noised to the cleanest level."""
    teacher, images = bundle.teacher, face.images[:2]
    z = noised(teacher, images, 700, generator(1))
    mean, log_variance = teacher.vae.posterior(images * 2 - 1)
    stream = generator(1)
    sample = mean + torch.exp(0.5 * log_variance) * torch.randn(mean.shape, generator=stream)
    eps = torch.randn(mean.shape, generator=stream)
    power = teacher.editor.alphas_cumprod[0]
    expected = power.sqrt() * sample * teacher.vae.scale + (1 - power).sqrt() * eps
    out = denoise(teacher, z, [700, 350, 1], lambda z, t: eps)
    torch.testing.assert_close(out, expected, rtol=1e-3, atol=1e-3)


def test_an_edit_comes_back_at_the_render_s_size_and_starts_from_the_render(ask, face):
    request = ask()
    told = guide(request)
    shown = told.teacher.condition(face.images[:1])
    renders = [resize(image[None], 48, 48) for image in (face.images[0], 1 - face.images[0])]
    edits = [edit_render(told, render, shown, 300, 2, generator()) for render in renders]
    assert edits[0].shape == (1, 3, 48, 48)
    assert 0 <= edits[0].min() <= edits[0].max() <= 1
    assert not torch.equal(*edits)


def test_the_guidance_is_the_edit_s_times_the_bundle_s_factor(ask):
    request = ask()
    told = guide(request)
    assert told.text_guidance == request.edit.text_guidance * request.bundle.settings.text_guidance_factor
    assert told.image_guidance == request.edit.image_guidance
