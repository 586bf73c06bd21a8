"""What the methods on splats share: settings as data, rasterisers by name, and what a result tells."""

import sys
from contextlib import nullcontext
from dataclasses import fields, replace
from importlib import import_module
from types import SimpleNamespace

import pytest
import torch
from filelock import FileLock, Timeout

from baselines import dge, igs2gs
from baselines.registry import SPECS, load_method
from baselines.splat_fit import FITS, SHORT_RATES, FitSettings
from baselines.splat_method import EditSettings, edit_settings, rasteriser, settings_for
from mix2mix.errors import InputError

SMALL = {"fit_steps": 3, "edit_steps": 8, "rounds": 2, "denoising_steps": 2, "splats": 60, "render_size": 32}
METHODS = ("igs2gs", "dge")


@pytest.fixture(scope="module")
def result(ask):
    return load_method("igs2gs").edit(ask(seed=7, settings=SMALL))


def test_the_bundle_s_settings_hold_where_the_request_gives_none(ask):
    assert settings_for(ask(), FITS) == FITS["mini"]
    given = settings_for(ask(settings={"splats": 77, "points": "triangulated", "edit_steps": 5}), FITS)
    assert given == replace(FITS["mini"], splats=77, points="triangulated")


def test_a_bundle_without_settings_is_refused(ask):
    request = replace(ask(), bundle=replace(ask().bundle, name="other"))
    with pytest.raises(InputError, match=r"got 'other'; expected one of paper, mini"):
        settings_for(request, FITS)


@pytest.mark.parametrize("method", METHODS)
def test_every_parameter_of_a_spec_is_a_field_of_its_settings(method):
    own = type(import_module(f"baselines.{method}").SETTINGS["mini"])
    names = {field.name for kind in (FitSettings, own) for field in fields(kind)}
    assert {parameter.name for parameter in SPECS[method].parameters} == names - {"rates"}


@pytest.mark.parametrize("module", [igs2gs, dge])
def test_there_are_settings_for_each_bundle(module):
    assert module.SETTINGS.keys() == FITS.keys() == {"paper", "mini"}


def test_rounds_begin_evenly_and_the_rest_is_the_last_one_s():
    settings = EditSettings(edit_steps=11, rounds=3, denoising_steps=1, rates=SHORT_RATES)
    assert [settings.round_at(step) for step in (0, 2, 3, 6, 9, 10)] == [(0, 0), (0, 2), (1, 0), (2, 0), (2, 3), (2, 4)]


def test_a_round_too_short_for_every_view_is_refused(ask):
    with pytest.raises(InputError, match=r"edit_steps: got 9 in 3 rounds; expected at least 4 steps a round"):
        edit_settings(ask(settings={"edit_steps": 9}), igs2gs.SETTINGS)


def test_gsplat_without_a_gpu_is_refused_not_replaced(ask):
    with pytest.raises(InputError, match=r"got 'gsplat', but no CUDA device.*@rasteriser=dense"):
        load_method("dge").edit(ask(settings={**SMALL, "rasteriser": "gsplat"}))
    with pytest.raises(InputError, match="gsplat"):
        rasteriser("gsplat", "cpu")


@pytest.mark.parametrize(("kernels", "refused"), [(None, True), (object(), False)])
def test_gsplat_without_compiled_kernels_is_told(kernels, refused, monkeypatch):
    """A stand-in for the package, whose backend is None where there was no compiler."""
    backend = SimpleNamespace(_C=kernels)
    names = {"gsplat": SimpleNamespace(), "gsplat.cuda": SimpleNamespace(_backend=backend)}
    for name, module in names.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, "baselines.splat_gsplat", raising=False)
    monkeypatch.setattr("baselines.splat_method.find_spec", lambda _: object())
    with pytest.raises(InputError, match=r"got no compiled kernels.*nvcc") if refused else nullcontext():
        rasteriser("gsplat", "cuda")
    monkeypatch.delitem(sys.modules, "baselines.splat_gsplat")


def test_one_process_at_a_time_compiles_them(monkeypatch, tmp_path):
    """A stand-in for the package, which looks whether anyone else could compile while it does."""

    class Package:
        @property
        def _backend(self):
            with pytest.raises(Timeout):
                FileLock(lock_path(), is_singleton=False).acquire(timeout=0)
            return SimpleNamespace(_C=object())

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name, module in {"gsplat": SimpleNamespace(), "gsplat.cuda": Package()}.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, "baselines.splat_gsplat", raising=False)
    from baselines.splat_gsplat import compile_kernels, lock_path

    compile_kernels()
    with FileLock(lock_path()).acquire(timeout=0):
        monkeypatch.delitem(sys.modules, "baselines.splat_gsplat")


def test_a_result_tells_what_drew_it_where_it_began_and_how_well_it_fitted(result):
    assert result.notes["rasteriser"] == "dense"
    assert result.notes["splats"] == 60
    assert result.notes["first_points"] == "0 triangulated, the others random in the frusta"
    assert 5 < result.notes["train-view PSNR before editing, dB"] < 40


def test_fitting_editing_and_the_last_renders_are_timed_apart(result):
    assert set(result.timings) == {"fit", "edit", "decode"}
    assert min(result.timings.values()) > 0


def test_the_second_method_begins_with_the_first_one_s_splats_and_says_so(ask, result):
    told = []
    other = load_method("dge").edit(ask(seed=7, settings=SMALL, progress=lambda *call: told.append(call)))
    assert result.notes["fit"] == "made for this edit"
    assert other.notes["fit"] == "made before in this process, its time told again"
    assert other.notes["train-view PSNR before editing, dB"] == result.notes["train-view PSNR before editing, dB"]
    assert other.timings["fit"] == result.timings["fit"]
    assert {phase for phase, _, _ in told} == {"edit"}


@pytest.mark.parametrize("method", METHODS)
def test_the_instruction_and_the_photos_reach_the_result(method, ask, face):
    request = ask(settings=SMALL)
    other = replace(request, edit=replace(request.edit, instruction="Make him bald"))
    dark = replace(request, scene=replace(face, images=0.3 * face.images))
    views, told, shown = (load_method(method).edit(r).views for r in (request, other, dark))
    assert not torch.equal(views, told)
    assert shown.mean() < views.mean()
