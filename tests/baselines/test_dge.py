"""DGE: its rounds, its joint edit, and what it costs at the published settings."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from baselines import dge, dge_editing
from baselines.dge_editing import draw_keys, edit_jointly
from baselines.losses import dssim
from baselines.partial_edit import guide
from baselines.registry import SPECS
from baselines.splat_fit import SHORT_RATES
from baselines.splat_method import EditSettings

SIZE = 16


class FakeSplats:
    """Black pictures, counted."""

    size = SIZE

    def __init__(self):
        self.renders, self.losses = 0, []

    def render(self, _view):
        self.renders += 1
        return torch.zeros(3, SIZE, SIZE)

    def render_all(self):
        return torch.stack([self.render(view) for view in range(4)])

    def descend(self, loss):
        self.losses.append(float(loss))


def run(settings, edit_all):
    splats = FakeSplats()
    dge.edit_and_fit(splats, edit_all, dssim, settings, SimpleNamespace(seed=0, progress=lambda *_: None))
    return splats


def test_each_round_edits_all_renders_together_from_its_own_noise_level():
    calls = []

    def edit_all(renders, _, level):
        calls.append((len(renders), level))
        return renders

    splats = run(EditSettings(16, 4, 1, SHORT_RATES), edit_all)
    assert calls == [(4, 999), (4, 300), (4, 300), (4, 300)]
    assert splats.renders == 16 + 16


def test_the_editor_looks_at_the_renders_before_any_edit_in_every_round():
    """Splats that brighten with each step: what is edited is of the moment, what is looked at is black."""
    seen = []

    def edit_all(renders, unedited, _):
        seen.append((float(renders.mean()), float(unedited.mean())))
        return renders

    splats = FakeSplats()
    splats.render = lambda _view: torch.full((3, SIZE, SIZE), len(splats.losses) / 100)
    dge.edit_and_fit(
        splats, edit_all, dssim, EditSettings(12, 3, 1, SHORT_RATES), SimpleNamespace(seed=0, progress=print)
    )
    assert seen == [(0.0, 0.0), (pytest.approx(0.04), 0.0), (pytest.approx(0.08), 0.0)]


def test_the_edits_are_what_is_fitted_by_ten_times_both_losses():
    """Black renders against grey edits of 0.5: L1 is 0.5, and SSIM of two flat pictures C1 / (0.25 + C1)."""
    splats = run(EditSettings(4, 1, 1, SHORT_RATES), lambda renders, *_: torch.full_like(renders, 0.5))
    c1 = 0.01**2
    assert splats.losses == pytest.approx([10 * 0.5 + 10 * (1 - c1 / (0.25 + c1))] * 4, rel=1e-4)


class Watched:
    """The teacher, its passes noted: timestep and number of views."""

    def __init__(self, told):
        self._told, self.teacher, self.passes = told, told.teacher, []

    def noise(self, z, t, image_latents):
        self.passes.append((int(t), len(z)))
        return self._told.noise(z, t, image_latents)


@pytest.fixture(scope="module")
def renders(face):
    return face.images.clone()


def jointly(ask, renders, face, level=300, steps=3, seed=0):
    watched = Watched(guide(ask()))
    edited = edit_jointly(watched, renders, renders, face.cameras, level, steps, 2, torch.Generator().manual_seed(seed))
    return edited, watched.passes


def test_every_step_passes_a_key_of_each_group_and_then_all_views(ask, renders, face):
    edited, passes = jointly(ask, renders, face)
    assert edited.shape == renders.shape
    assert passes == [(t, views) for t in (199, 100, 1) for views in (2, 4)]


def test_renders_are_noised_to_the_timestep_below_the_level(ask, renders, face, monkeypatch):
    levels, noised = [], dge_editing.noised
    monkeypatch.setattr(dge_editing, "noised", lambda *asked: (levels.append(asked[2]), noised(*asked))[1])
    jointly(ask, renders, face, level=300)
    assert levels == [299]


def test_the_teacher_s_attention_is_its_own_again_afterwards(ask, renders, face):
    before = dict(ask().bundle.teacher.unet.attn_processors)
    jointly(ask, renders, face)
    assert ask().bundle.teacher.unet.attn_processors == before


def test_keys_reach_all_views_while_joint_and_none_below_100(ask, renders, face, monkeypatch):
    """One view's render changed: others change when views copy from keys (it is one), not in plain attention."""
    monkeypatch.setattr(dge_editing, "draw_keys", lambda groups, _: [group[0] for group in groups])
    key = dge_editing.groups_by_angle(face.cameras, 2)[0][0]
    other = renders.clone()
    other[key] = other[key].flip(-1)

    def changed(level, steps):
        first, second = (jointly(ask, pictures, face, level, steps)[0] for pictures in (renders, other))
        return {int(view) for view in ((first - second).abs().flatten(1).amax(1) > 1e-4).nonzero()}

    assert len(changed(level=999, steps=2)) > 1
    assert changed(level=90, steps=1) == {key}


def test_keys_are_drawn_one_of_each_group():
    stream = torch.Generator().manual_seed(0)
    drawn = {tuple(draw_keys([[3, 1], [0, 2]], stream)) for _ in range(50)}
    assert drawn == {(3, 0), (3, 2), (1, 0), (1, 2)}


def test_the_published_settings_cost_what_the_spec_says(ask, monkeypatch, face):
    samples, splats = [], FakeSplats()
    request = ask()
    paper = replace(request, bundle=replace(request.bundle, name="paper"))
    told = guide(request)
    counted = SimpleNamespace(teacher=told.teacher, noise=lambda z, t, _: (samples.append(3 * len(z)), z)[1])
    monkeypatch.setattr(dge, "begin", lambda _: None)
    monkeypatch.setattr(dge, "training", lambda *_: splats)
    monkeypatch.setattr(dge, "guide", lambda _: counted)
    monkeypatch.setattr(dge, "perceptual_loss", lambda *_: (lambda image, target: image.mean(), "LPIPS"))
    monkeypatch.setattr(dge, "finish", lambda request, start, trained, began, teacher, notes: (teacher, notes))
    counts, notes = dge.Dge().edit(paper)
    assert sum(samples) == counts == SPECS["dge"].cost["teacher"] == 1080
    assert splats.renders == SPECS["dge"].cost["renders"] == 1512
    assert notes["views_per_key"] == 2
    assert "LPIPS" in notes["perceptual_loss"]
