"""What every method owes: views of the right shape, counts that are true, and a bundle left as it was."""

from collections import Counter
from dataclasses import dataclass, replace
from itertools import groupby

import pytest
import torch

from baselines.api import EditResult
from baselines.registry import SPECS, load_method
from mix2mix.edit import Edit
from mix2mix.mini.world import held_out_scene

SMALL = {"k": 1, "first_updates": 1, "warmup": 1, "timesteps": 2, "reference_steps": 2, "steps": 2, "f": 0.5,
         "fit_steps": 3, "edit_steps": 16, "rounds": 2, "denoising_steps": 2, "splats": 60,
         "render_size": 32}  # fmt: skip
PANDA = Edit("Turn the bear to a panda bear", "A stone bear in a garden", "A panda bear in a garden")
PHASES = {"load", "fit", "edit", "decode"}
DETERMINISTIC = {"unedited"}
NETWORKS = {"i-mix2mix": {"teacher", "student"}, "student-only": {"teacher", "student"}, "teacher-only": {"teacher"},
            "t2vz": {"teacher"}, "sdedit": {"teacher", "student"}, "coupled": {"teacher", "student"},
            "in2n": {"teacher"}, "igs2gs": {"teacher"}, "dge": {"teacher"},
            "unedited": set(), "oracle": set()}  # fmt: skip


@dataclass(frozen=True)
class Run:
    """An edit, what it told of its progress, and how often it really called the networks."""

    id: str
    result: EditResult
    progress: list[tuple[str, int, int]]
    calls: Counter[str]
    before: dict[str, object]
    after: dict[str, object]


def small_settings(method):
    return {name: value for name, value in SMALL.items() if SPECS[method].parameter(name)}


def everything(bundle, scene):
    """All that an edit could leave changed."""
    modules = [bundle.teacher.unet, bundle.teacher.editor.text_encoder, bundle.vae.module, bundle.student,
               bundle.condition_clip.module]  # fmt: skip
    weights = [value.clone() for module in modules for value in module.state_dict().values()]
    return {
        "tensors": [*weights, scene.images.clone(), torch.get_rng_state()],
        "modes": [(m.training, any(p.requires_grad for p in m.parameters())) for m in modules],
        "attention": dict(bundle.teacher.unet.attn_processors),
        "gradients": [p.grad for module in modules for p in module.parameters()],
    }


@pytest.fixture(scope="module", params=sorted(SPECS))
def run(request, bundle, face, ask):
    """The method with seed 0, its network calls counted from outside."""
    from mix2mix.student import Student

    calls, told, denoise = Counter(), [], Student.denoise

    def count_student(self, *arguments):
        calls["student"] += 1
        return denoise(self, *arguments)

    before = everything(bundle, face)
    hook = bundle.teacher.unet.register_forward_pre_hook(
        lambda _unet, arguments: calls.update({"teacher": len(arguments[0])})
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Student, "denoise", count_student)
        result = load_method(request.param).edit(
            ask(settings=small_settings(request.param), progress=lambda *call: told.append(call))
        )
    hook.remove()
    return Run(request.param, result, told, calls, before, everything(bundle, face))


def repeat(run, ask, seed):
    return load_method(run.id).edit(ask(seed, small_settings(run.id))).views


def test_every_view_comes_back_in_shape_and_range(run, face):
    views = run.result.views
    assert views.shape == face.images.shape
    assert views.dtype == torch.float32
    assert views.isfinite().all()
    assert views.min() >= 0
    assert views.max() <= 1
    assert not views.requires_grad


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(run, ask):
    assert torch.equal(repeat(run, ask, seed=0), run.result.views)
    assert torch.equal(repeat(run, ask, seed=1), run.result.views) == (run.id in DETERMINISTIC)


def test_the_counts_are_those_of_the_networks(run):
    counted = {name: count for name, count in run.result.counts.items() if name != "renders"}
    assert {name: count for name, count in counted.items() if count} == run.calls
    assert set(run.calls) == NETWORKS[run.id]


def test_it_needs_what_it_calls(run):
    assert set(run.calls) <= set(SPECS[run.id].needs)


def test_progress_rises_to_the_end_of_every_phase(run):
    phases = [(name, list(calls)) for name, calls in groupby(run.progress, key=lambda call: call[0])]
    assert phases
    assert len({name for name, _ in phases}) == len(phases)  # none is taken up again
    for _, calls in phases:
        done, totals = [call[1] for call in calls], {call[2] for call in calls}
        assert len(totals) == 1
        assert done == sorted(set(done))
        assert done[0] > 0
        assert done[-1] in totals


def test_seconds_go_by_the_known_phases(run):
    assert set(run.result.timings) <= PHASES
    assert all(seconds >= 0 for seconds in run.result.timings.values())


def test_notes_are_plain_values(run):
    assert all(type(value) in (str, int, float) for value in run.result.notes.values())


def test_bundle_scene_and_random_state_are_left_alone(run):
    assert all(torch.equal(*pair) for pair in zip(run.before["tensors"], run.after["tensors"], strict=True))
    for name in ("modes", "attention", "gradients"):
        assert run.before[name] == run.after[name], name


@pytest.mark.parametrize("views", [2, 8])
@pytest.mark.parametrize("method", sorted(SPECS))
def test_any_number_of_views_is_edited(method, views, ask):
    scene = held_out_scene("bear", views)
    request = replace(ask(settings=small_settings(method), scene=scene), edit=PANDA)
    result = load_method(method).edit(request)
    assert result.views.shape == scene.images.shape
    assert result.views.isfinite().all()


@pytest.mark.parametrize("method", [name for name in sorted(SPECS) if SPECS[name].parameter("render_size")])
def test_a_scene_of_the_very_size_that_is_fitted_is_left_alone(method, ask):
    scene = held_out_scene("bear", 2, size=SMALL["render_size"])
    before = scene.images.clone()
    load_method(method).edit(replace(ask(settings=small_settings(method), scene=scene), edit=PANDA))
    assert torch.equal(scene.images, before)


def test_the_result_does_not_share_memory_with_the_scene(run, face):
    assert run.result.views.untyped_storage().data_ptr() != face.images.untyped_storage().data_ptr()
