"""Instruct-GS2GS: which views are edited when, from what, and what it costs at the published settings."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from baselines import igs2gs, partial_edit
from baselines.registry import SPECS
from baselines.splat_fit import SHORT_RATES
from baselines.splat_method import EditSettings
from mix2mix.bundles import BundleSettings

SIZE = 16


class FakeSplats:
    """Draws pictures as bright as the number of renders so far, and notes what it is asked."""

    size = SIZE

    def __init__(self):
        self.drawn, self.losses = [], []

    @property
    def renders(self):
        return len(self.drawn)

    def render(self, view):
        self.drawn.append(view)
        return torch.full((3, SIZE, SIZE), len(self.drawn) / 1e4)

    def render_all(self):
        return torch.stack([self.render(view) for view in range(4)])

    def descend(self, loss):
        self.losses.append(loss)


class FakeTeacher:
    """Counts samples; its latents are pictures of one pixel."""

    image_size = SIZE

    def __init__(self):
        self.samples = 0
        self.editor = SimpleNamespace(alphas_cumprod=torch.linspace(0.999, 0.005, 1000))
        self.vae = SimpleNamespace(scale=1.0, posterior=lambda images: [images[:, :, :1, :1]] * 2)
        self.unet = torch.nn.Module()

    def embed(self, _instruction):
        return torch.zeros(2, 1, 1)

    def condition(self, images):
        return images[:, :, :1, :1]

    def add_noise(self, z0, eps, _t):
        return z0 + eps

    def predict_noise(self, z, _t, image_latents, *_guidance):
        assert z.shape == image_latents.shape
        self.samples += 3 * len(z)
        return torch.zeros_like(z)

    def decode(self, z):
        return z.expand(-1, 3, SIZE, SIZE).clamp(0, 1)


def edit(settings, views=4, told=lambda *_: None):
    """Run the rounds on fake splats: what was drawn, and the views edited with their renders' first pixels."""
    splats, edited = FakeSplats(), []

    def edit_view(view, render):
        edited.append((view, round(float(render[0, 0, 0]) * 1e4)))
        return torch.ones(3, SIZE, SIZE)

    targets = torch.zeros(views, 3, SIZE, SIZE)
    igs2gs.edit_in_rounds(splats, targets, edit_view, settings, SimpleNamespace(seed=0, progress=told))
    return splats, edited, targets


def test_each_round_edits_the_views_in_turn_in_its_first_steps_from_the_render_of_the_moment():
    settings = EditSettings(edit_steps=18, rounds=3, denoising_steps=1, rates=SHORT_RATES)
    splats, edited, _ = edit(settings)
    assert edited == [(view, 6 * index + view + 1) for index in range(3) for view in range(4)]
    assert [splats.drawn[step] for step in (0, 1, 2, 3, 6, 7, 8, 9)] == [0, 1, 2, 3] * 2
    assert splats.renders == len(splats.losses) == 18


def test_an_edit_takes_the_place_of_its_view_s_target_and_is_fitted_at_once():
    """Targets are black, edits white, renders nearly black: the loss is high from the first step on."""
    splats, _, targets = edit(EditSettings(edit_steps=4, rounds=1, denoising_steps=1, rates=SHORT_RATES))
    assert torch.equal(targets, torch.ones_like(targets))
    assert all(loss > 0.8 for loss in splats.losses)


def test_progress_is_told_for_every_step():
    told = []
    edit(EditSettings(8, 2, 1, SHORT_RATES), told=lambda *call: told.append(call))
    assert told == [("edit", step + 1, 8) for step in range(8)]


@pytest.fixture
def published(monkeypatch, ask, face):
    """The method at the paper's settings on fakes: the request, its fakes, and the noise levels that it draws."""
    teacher, splats, levels, shown = FakeTeacher(), FakeSplats(), [], []
    request = ask()
    bundle = replace(request.bundle, name="paper", teacher=teacher, settings=BundleSettings(16, 16, {}, {}))
    monkeypatch.setattr(igs2gs, "begin", lambda _: None)
    monkeypatch.setattr(igs2gs, "training", lambda *_: splats)
    monkeypatch.setattr(igs2gs, "photo_loss", lambda image, target: image.mean())
    monkeypatch.setattr(igs2gs, "finish", lambda request, start, trained, began, teacher, notes: (teacher, notes))
    edit_render = partial_edit.edit_render

    def watched(guide, renders, image_latents, level, steps, generator):
        levels.append(level)
        shown.append(image_latents)
        return edit_render(guide, renders, image_latents, level, steps, generator)

    monkeypatch.setattr(partial_edit, "edit_render", watched)
    told, _ = igs2gs.Igs2gs().edit(replace(request, bundle=bundle))
    return SimpleNamespace(told=told, teacher=teacher, splats=splats, levels=levels, shown=shown)


def test_the_published_settings_cost_what_the_spec_says(published):
    assert published.teacher.samples == published.told == SPECS["igs2gs"].cost["teacher"] == 720
    assert published.splats.renders == SPECS["igs2gs"].cost["renders"] == 7500


def test_the_published_edits_start_from_high_noise_and_look_at_the_photos(published, face):
    assert len(set(published.levels)) > 6
    assert 700 <= min(published.levels) <= max(published.levels) <= 980
    photos = torch.cat(published.shown).view(3, 4, 3)
    torch.testing.assert_close(photos, face.images[:, :, 0, 0].expand(3, 4, 3))


def test_the_published_rounds_begin_at_steps_1_2501_and_5001(published):
    for first in (0, 2500, 5000):
        assert published.splats.drawn[first : first + 4] == [0, 1, 2, 3]
