"""What is measured is the distillation itself: its parts make its update, its arithmetic is counted right."""

import copy
import time
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmark import speed
from benchmark.speed import Bench, Effort, Update, count_tflop, matrix_rate, measure
from benchmark.speed_report import (
    BACKWARD,
    DECODE,
    DRAWS,
    EULER,
    FORWARD,
    ITERATION,
    LOAD,
    OPTIMISER,
    REFERENCE,
    TEACHER,
    Speed,
    text,
)
from mix2mix.bundles import load_bundle
from mix2mix.compiling import compiled
from mix2mix.distill_config import distill_config
from mix2mix.edit import Edit
from mix2mix.errors import InputError
from mix2mix.mini.world import held_out_scene
from mix2mix.seva import Seva, SevaConfig
from mix2mix.student import Preconditioning, Student

EFFORT = Effort(reference=2, others=2, matrix_size=32, matrix_runs=3, matrix_dtype=torch.float32)
EDIT = Edit("Turn him into a vampire", "a man", "a vampire")


@pytest.fixture(scope="module")
def bundle(random_bundle_folder):
    """The random bundle with a smaller student and a short edit of the reference."""
    whole = load_bundle("mini", weights=random_bundle_folder)
    config = {**whole.settings.student, "model_channels": 32, "num_res_blocks": 1}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        student = Student(Seva(SevaConfig(**config)), Preconditioning(**whole.settings.preconditioning))
    settings = replace(whole.settings, distill={"reference_steps": 2}, random_weights=True)
    return replace(whole, student=student.eval().requires_grad_(False), settings=settings)


@pytest.fixture(scope="module")
def measured(bundle):
    """A measurement of an edit of three views, and what was told of it meanwhile."""
    told = []
    return measure(lambda: bundle, 3, "cpu", EFFORT, lambda *step: told.append(step)), told


# --- counting --------------------------------------------------------------------------------------------------------


def tflop(work):
    return count_tflop({"it": work})["it"]


def test_a_matrix_product_is_two_operations_a_term():
    a, b = torch.ones(3, 5), torch.ones(5, 7)
    assert tflop(lambda: a @ b) == 2 * 3 * 5 * 7 / 1e12


def test_a_convolution_is_two_operations_a_weight_and_output_pixel():
    images, layer = torch.ones(2, 4, 9, 9), nn.Conv2d(4, 6, 3, padding=1)
    assert tflop(lambda: layer(images)) == 2 * (4 * 6 * 3 * 3) * (2 * 9 * 9) / 1e12


def test_fused_attention_is_its_two_products():
    q, k, v = torch.ones(2, 3, 10, 8), torch.ones(2, 3, 6, 8), torch.ones(2, 3, 6, 8)
    assert tflop(lambda: F.scaled_dot_product_attention(q, k, v)) == 2 * (2 * 2 * 3 * 10 * 6 * 8) / 1e12


def test_each_piece_of_work_is_counted_by_itself_a_backward_pass_too():
    x, layer, kept = torch.ones(3, 5), nn.Linear(5, 7), []
    counts = count_tflop({"forward": lambda: kept.append(layer(x)), "backward": lambda: kept[0].sum().backward()})
    product = 2 * 3 * 5 * 7 / 1e12
    assert counts["forward"] == product
    assert counts["backward"] == pytest.approx(product)  # of the weights alone: x needs no gradient


class Product(nn.Module):
    def forward(self, a, b):
        return (a[:, :, None] * b[None]).sum(1) if torch.compiler.is_compiling() else a @ b


def test_what_is_compiled_is_counted_as_it_is_written(monkeypatch, programs):
    monkeypatch.setattr(speed, "shared_programs", lambda: programs)
    product, a, b = Product(), torch.ones(3, 5), torch.ones(5, 7)
    with compiled([product], programs), FlopCounterMode(display=False) as counter:
        torch.testing.assert_close(product(a, b), a @ b)
        assert counter.get_total_flops() == 2 * 3 * 5 * 7  # of the product beside it alone
    with compiled([product], programs):
        assert tflop(lambda: product(a, b)) == 2 * 3 * 5 * 7 / 1e12


def test_the_matrix_rate_is_the_product_s_arithmetic_over_its_median_time(monkeypatch):
    ticks = iter([0.0, 9.0, 10.0, 10.5, 20.0, 20.25, 30.0, 34.0])  # 9 s for the first, then 0.5, 0.25 and 4 s
    monkeypatch.setattr(time, "perf_counter", lambda: next(ticks))
    rate = matrix_rate("cpu", EFFORT)
    assert (rate.dtype, rate.size, rate.tflops) == ("float32", 32, 2 * 32**3 / 0.5 / 1e12)


# --- an update and its parts -----------------------------------------------------------------------------------------


def begin(bundle):
    bench = Bench(held_out_scene("face", 2), EDIT, bundle, distill_config(bundle, {}), "cpu", EFFORT, lambda *_: None)
    return speed._begin(bench, bench.scene.images[:1])


def weights_after(work, run, times):
    for _ in range(times):
        work.refresh()
        work.draws.lr.fill_(1e-2)
        run()
    return torch.cat([parameter.detach().flatten() for parameter in work.trajectory.parameters()])


def test_the_parts_in_turn_are_the_distillation_s_update(bundle):
    whole, parted = begin(bundle), begin(bundle)
    before = copy.deepcopy(next(iter(whole.trajectory.parameters())).detach())
    parts = Update(parted).parts().values()
    expected = weights_after(whole, whole.update, 2)
    found = weights_after(parted, lambda: [part() for part in parts], 2)
    assert not torch.equal(expected, before)
    assert torch.equal(found, expected)
    assert torch.equal(parted.trajectory.x0, whole.trajectory.x0)


def test_an_edit_is_measured_at_its_first_timestep(bundle):
    draws = begin(bundle).draws
    assert (int(draws.tau), int(draws.tau_next)) == (999, 974)


# --- a measurement ---------------------------------------------------------------------------------------------------


def test_every_phase_is_measured(measured):
    result, _ = measured
    assert [phase.name for phase in result.phases] == [LOAD, REFERENCE, ITERATION, EULER, DECODE]
    assert [part.name for part in result.parts] == [DRAWS, FORWARD, TEACHER, BACKWARD, OPTIMISER]
    assert [phase.seconds.runs for phase in result.phases] == [1, 1, 2, 2, 2]
    assert [phase.first is None for phase in result.phases] == [True, False, False, False, False]
    assert all(part.seconds.runs == 2 and part.first and part.capture is None for part in result.parts)
    assert (result.scene, result.views, result.image_size) == ("face", 3, 128)


def test_an_iteration_s_arithmetic_is_its_parts(measured):
    result, _ = measured
    counts = {phase.name: phase.tflop for phase in (*result.phases, *result.parts)}
    assert counts[ITERATION] == counts[FORWARD] + counts[TEACHER] + counts[BACKWARD] + counts[OPTIMISER]
    assert counts[EULER] == counts[FORWARD] > 0  # the same call of the student
    assert 1.8 < counts[BACKWARD] / counts[FORWARD] < 2.5
    assert counts[TEACHER] > 0
    assert counts[DECODE] > 0
    assert counts[OPTIMISER] == 0
    assert counts[LOAD] is counts[REFERENCE] is counts[DRAWS] is None


def test_shares_sums_and_the_edit_follow_from_the_medians(measured):
    result, _ = measured
    median = {phase.name: phase.seconds.median for phase in (*result.phases, *result.parts)}
    iteration = result.phases[2]
    assert iteration.share == pytest.approx(iteration.tflop / median[ITERATION] / result.matrix.tflops)
    assert result.sum_of_parts == pytest.approx(sum(median[part.name] for part in result.parts))
    assert (result.edit.updates, result.edit.euler_steps) == (2150, 39)
    expected = median[REFERENCE] + 2150 * median[ITERATION] + 39 * median[EULER] + median[DECODE]
    assert result.edit.seconds == pytest.approx(expected)


def test_it_can_be_saved_and_says_that_random_weights_are_random(measured):
    result, _ = measured
    assert Speed.model_validate_json(result.model_dump_json()) == result
    assert result.provenance.bundle.random_weights
    assert "the weights are random" in text(result)


def test_progress_is_told(measured):
    _, told = measured
    assert [step for step in told if step[1] == step[2]] == [
        ("reference", 2, 2),
        ("reference", 2, 2),
        (ITERATION, 3, 3),
        (EULER, 3, 3),
        (DECODE, 3, 3),
        ("parts of an iteration", 3, 3),
    ]


def test_views_are_brought_to_the_bundle_s_size(bundle, monkeypatch):
    seen = {}
    monkeypatch.setattr(speed, "_measure_edit", lambda bench, rate: seen.update(bench=bench) or 1 / 0)
    larger = replace(bundle, settings=replace(bundle.settings, image_size=160))
    with pytest.raises(ZeroDivisionError):
        measure(lambda: larger, 5, "cpu", EFFORT, lambda *_: None)
    assert seen["bench"].scene.images.shape == (5, 3, 160, 160)


@pytest.mark.parametrize("views", [1, 9])
def test_a_number_of_views_that_there_is_not_is_told_before_a_bundle_is_loaded(views):
    with pytest.raises(InputError, match="2 to 8"):
        measure(lambda: pytest.fail("a bundle was loaded"), views, "cpu", EFFORT, lambda *_: None)
