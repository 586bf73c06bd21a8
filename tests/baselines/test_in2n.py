"""Instruct-NeRF2NeRF: which view is edited when, from what, what is fitted, and what it costs as published."""

from dataclasses import fields, replace
from types import SimpleNamespace

import pytest
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from baselines import in2n
from baselines.in2n import EditSettings, draw_patches, patch_loss
from baselines.losses import dssim
from baselines.partial_edit import rungs
from baselines.radiance_fit import FITS, SHORT_RATE, Fit, FitSettings
from baselines.registry import SPECS, load_method
from mix2mix.bundles import BundleSettings
from mix2mix.errors import InputError

SIZE = 16
SMALL = {"fit_steps": 3, "edit_steps": 8, "edit_every": 4, "denoising_steps": 2, "render_size": 32}


class FakeField:
    """Draws pictures as bright as the number of renders so far, and notes what it is to be fitted to."""

    size, field = SIZE, None

    def __init__(self):
        self.drawn, self.rays, self.losses = [], [], []
        self.generator = torch.Generator().manual_seed(0)

    @property
    def renders(self):
        return len(self.drawn)

    def render(self, view):
        self.drawn.append(view)
        return torch.full((3, SIZE, SIZE), len(self.drawn) / 1e4)

    def descend(self, rays, loss):
        self.rays.append(rays)
        self.losses.append(float(loss(torch.zeros(len(rays), 3))))


class FakeTeacher:
    """Counts samples; its latents are pictures of one pixel."""

    image_size = SIZE

    def __init__(self):
        self.samples, self.shown = 0, []
        self.editor = SimpleNamespace(alphas_cumprod=torch.linspace(0.999, 0.005, 1000))
        self.vae = SimpleNamespace(scale=1.0, posterior=lambda images: [images[:, :, :1, :1]] * 2)
        self.unet = torch.nn.Module()

    def embed(self, _instruction):
        return torch.zeros(2, 1, 1)

    def condition(self, images):
        return images[:, :, :1, :1]

    def add_noise(self, z0, eps, _t):
        return z0

    def predict_noise(self, z, _t, image_latents, *_guidance):
        self.samples += 3 * len(z)
        self.shown.append(image_latents)
        return z

    def decode(self, z):
        return z.expand(-1, 3, SIZE, SIZE).clamp(0, 1)


def edit(settings, views=3, told=lambda *_: None):
    """Edit a black dataset by white pictures: the field, and the views edited with their renders' first pixels."""
    field, edited = FakeField(), []

    def edit_view(view, render):
        edited.append((view, round(float(render[0, 0, 0]) * 1e4)))
        return torch.ones(3, SIZE, SIZE)

    targets = torch.zeros(views, 3, SIZE, SIZE)
    in2n.edit_dataset(field, targets, edit_view, dssim, settings, SimpleNamespace(progress=told))
    return field, edited


def some(steps, every=10, patches=2, side=SIZE):
    return EditSettings(
        steps, every, denoising_steps=1, patches=patches, patch_size=side, rate=SHORT_RATE, perceptual="ssim"
    )


def test_a_view_is_edited_every_few_steps_each_in_its_turn_from_its_render_of_the_moment():
    field, edited = edit(some(41))
    assert edited == [(0, 1), (1, 2), (2, 3), (0, 4), (1, 5)]
    assert field.drawn == [0, 1, 2, 0, 1]
    assert len(field.losses) == 41
    assert [some(steps).edits for steps in (1, 10, 11, 41)] == [1, 1, 2, 5]


def test_an_edit_takes_the_place_of_its_view_s_target_and_the_others_stay():
    """Patches are whole views: a step's loss is the share of white ones times (1 + 1 - SSIM of black and white)."""
    field, _ = edit(some(9, every=3, patches=1))
    whole = 2 - 1e-4 / (1 + 1e-4)
    for step, (rays, loss) in enumerate(zip(field.rays, field.losses, strict=True)):
        view = int(rays[0]) // SIZE**2
        assert loss == pytest.approx(whole if view <= step // 3 else 0, abs=1e-3)
    assert len({int(rays[0]) for rays in field.rays}) == 3


def test_progress_is_told_for_every_step():
    told = []
    edit(some(8), told=lambda *call: told.append(call))
    assert told == [("edit", step + 1, 8) for step in range(8)]


def test_patches_are_squares_within_pictures_anywhere_in_any_view():
    rays = draw_patches(3000, 5, torch.Size([4, 3, 8, 8]), torch.Generator().manual_seed(0))
    assert rays.shape == (3000, 5, 5)
    view, row, column = rays // 64, rays // 8 % 8, rays % 8
    assert (view == view[:, :1, :1]).all()
    assert (row == row[:, :1, :1] + torch.arange(5)[:, None]).all()
    assert (column == column[:, :1, :1] + torch.arange(5)).all()
    corners = torch.stack([view, row, column])[:, :, 0, 0]
    assert corners.unique(dim=1).shape[1] == 4 * 4 * 4
    assert (corners.amin(dim=1).tolist(), corners.amax(dim=1).tolist()) == ([0, 0, 0], [3, 3, 3])


def test_the_loss_of_patches_is_that_of_torchmetrics():
    generator = torch.Generator().manual_seed(0)
    wanted = torch.rand(3, 16, 16, 3, generator=generator)
    colours = (wanted + 0.2 * torch.randn(3, 16, 16, 3, generator=generator)).clamp(0, 1)
    channels_first = [patches.permute(0, 3, 1, 2) for patches in (colours, wanted)]
    _, full = structural_similarity_index_measure(*channels_first, data_range=1.0, return_full_image=True)
    expected = (colours - wanted).abs().mean() + 1 - full[..., 5:11, 5:11].mean()
    torch.testing.assert_close(patch_loss(colours.view(-1, 3), wanted, dssim), expected, rtol=1e-4, atol=1e-5)


@pytest.fixture(scope="module")
def published(ask, face):
    """The method at the paper's settings on fakes: the result, its fakes, and the noise levels that it drew."""
    teacher, field, levels = FakeTeacher(), FakeField(), []
    request = ask()
    bundle = replace(request.bundle, name="paper", teacher=teacher, settings=BundleSettings(16, 16, {}, {}))

    def watched(level, steps):
        levels.append(level)
        return rungs(level, steps)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(in2n, "fitted", lambda *_: (Fit(None, 20.0, 1.0), False))
        patch.setattr(in2n, "training", lambda *_: field)
        patch.setattr(in2n, "draw_patches", lambda *_: torch.zeros(1, 1, 1, dtype=torch.int64))
        patch.setattr(in2n, "perceptual_loss", lambda *_: (None, "LPIPS"))
        patch.setattr(in2n, "patch_loss", lambda colours, wanted, look: colours.sum())
        patch.setattr(in2n, "draw_views", lambda *_: face.images)
        patch.setattr("baselines.partial_edit.rungs", watched)
        result = in2n.In2n().edit(replace(request, bundle=bundle))
    return SimpleNamespace(result=result, teacher=teacher, field=field, levels=levels)


def test_the_published_settings_cost_what_the_spec_says(published):
    cost = SPECS["in2n"].cost
    assert published.teacher.samples == published.result.counts["teacher"] == cost["teacher"] == 90_000
    assert published.field.renders == published.result.counts["renders"] == cost["renders"] == 1500
    assert len(published.field.rays) == 15_000


def test_the_published_patches_are_sixteen_of_32_pixels():
    settings = in2n.SETTINGS["paper"]
    assert settings.patches * settings.patch_size**2 == 16_384


def test_the_published_edits_start_from_any_noise_and_look_at_their_own_view_s_photo(published, face):
    assert 20 <= min(published.levels) < 40
    assert 960 < max(published.levels) <= 980
    assert 480 < sum(published.levels) / 1500 < 520
    shown = torch.cat(published.teacher.shown).view(1500, 20, 3)
    photos = face.images[:, :, 0, 0].repeat(375, 1)
    torch.testing.assert_close(shown, photos[:, None].expand(1500, 20, 3))


def test_every_parameter_of_the_spec_is_a_field_of_its_settings():
    names = {field.name for kind in (FitSettings, EditSettings) for field in fields(kind)}
    assert {parameter.name for parameter in SPECS["in2n"].parameters} <= names
    assert in2n.SETTINGS.keys() == FITS.keys() == {"paper", "mini"}


def test_no_more_denoising_steps_may_be_asked_for_than_the_lowest_level_has_room():
    steps = SPECS["in2n"].parameter("denoising_steps")
    assert len(rungs(round(1000 * in2n.LEVELS[0]), int(steps.maximum))) == steps.maximum == 20


def test_renders_smaller_than_a_patch_are_refused(ask):
    with pytest.raises(InputError, match=r"render_size: got 8; expected at least 16, a patch's side"):
        load_method("in2n").edit(ask(settings={**SMALL, "render_size": 8}))


def test_a_result_tells_how_well_it_fitted_before_the_edit_and_what_stands_for_lpips(ask):
    told = []
    result = load_method("in2n").edit(ask(seed=7, settings=SMALL, progress=lambda *call: told.append(call)))
    assert 3 < result.notes["train-view PSNR before editing, dB"] < 40
    assert result.notes["perceptual_loss"] == "1 - SSIM in the place of LPIPS (alex)"
    assert set(result.timings) == {"fit", "edit", "decode"}
    assert told == [("fit", i, 3) for i in (1, 2, 3)] + [("edit", i, 8) for i in range(1, 9)]


def test_the_second_edit_of_a_scene_begins_with_the_first_one_s_field(ask):
    request = ask(seed=8, settings=SMALL)
    first = load_method("in2n").edit(request)
    told = []
    second = load_method("in2n").edit(replace(request, progress=lambda *call: told.append(call)))
    assert (first.notes["fit"], {phase for phase, _, _ in told}) == ("made for this edit", {"edit"})
    assert second.notes["fit"] == "made before in this process, its time told again"
    assert second.timings["fit"] == first.timings["fit"]
    assert torch.equal(first.views, second.views)


def test_the_instruction_and_the_photos_reach_the_result(ask, face):
    request = ask(settings=SMALL)
    other = replace(request, edit=replace(request.edit, instruction="Make him bald"))
    dark = replace(request, scene=replace(face, images=0.3 * face.images))
    views, told, shown = (load_method("in2n").edit(r).views for r in (request, other, dark))
    assert not torch.equal(views, told)
    assert not torch.equal(views, shown)
