"""Noise levels, updates, learning rate and the teacher's timestep."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mix2mix.errors import InputError
from mix2mix.schedule import (
    UpdatePlan,
    learning_rate,
    seva_sigmas,
    student_timesteps,
    teacher_density,
    teacher_timestep,
    uniform_timestep,
    updates_per_timestep,
)

SHARPNESS = [0.1, 0.5, 1.0, 2.0]


def truncated_normal(tau: float, f: float):
    """Scipy's account of the teacher's draw, before the floor."""
    return stats.truncnorm(-f, 0.0, loc=950, scale=(950 - tau) / f)


def test_sigmas_are_those_of_seva(shared: Path):
    golden = json.loads((shared / "fixtures/seva/sigmas.json").read_text())
    index = [int(tau) for tau in golden]
    torch.testing.assert_close(seva_sigmas()[index], torch.tensor(list(golden.values())), rtol=1e-5, atol=0)


def test_sigmas_follow_from_the_first_beta_and_rise():
    sigmas = seva_sigmas(log_shift=0.0)
    assert sigmas.shape == (1000,)
    assert sigmas.dtype == torch.float32
    assert sigmas[0].item() == pytest.approx(math.sqrt(5e-6 / (1 - 5e-6)))
    assert bool((sigmas.diff() > 0).all())


def test_log_shift_multiplies_every_sigma():
    torch.testing.assert_close(seva_sigmas(1.5), seva_sigmas(0.0) * math.exp(1.5))


def test_student_timesteps_fall_evenly_and_are_rounded_down():
    timesteps = student_timesteps()
    assert timesteps.dtype == torch.int64
    assert timesteps.tolist() == np.linspace(999, 25, 40).astype(int).tolist()
    assert timesteps[[0, 1, 2, -2, -1]].tolist() == [999, 974, 949, 49, 25]


@given(count=st.integers(2, 300), first=st.integers(500, 999), last=st.integers(0, 400))
def test_any_count_of_timesteps_keeps_both_ends(count: int, first: int, last: int):
    timesteps = student_timesteps(count, first, last)
    assert len(timesteps) == count
    assert timesteps[0] == first
    assert timesteps[-1] == last
    steps = timesteps.diff()
    assert steps.max() <= 0
    assert steps.max() - steps.min() <= 1


def test_one_timestep_is_refused():
    with pytest.raises(InputError, match="at least 2"):
        student_timesteps(count=1)


@pytest.mark.parametrize(("k", "total"), [(20, 980), (30, 1370), (40, 1760), (50, 2150)])
def test_the_first_timestep_gets_200_updates_and_the_others_k(k: int, total: int):
    updates = updates_per_timestep(UpdatePlan(k=k))
    assert updates[0] == 200
    assert set(updates[1:]) == {k}
    assert len(updates) == 40
    assert sum(updates) == total


def test_learning_rate_rises_linearly_falls_as_a_cosine_and_stays_flat():
    plan = UpdatePlan()
    by_hand = {0: 1e-9, 100: (1e-9 + 1e-4) / 2, 200: 1e-4, 1100: 7.5e-5, 2000: 5e-5, 2149: 5e-5}
    for step, rate in by_hand.items():
        assert learning_rate(step, plan) == pytest.approx(rate, rel=1e-12), step


def test_learning_rate_agrees_with_torch_schedulers():
    plan = UpdatePlan(count=10, k=5, first_updates=20, warmup=20)
    optimiser = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=plan.lr_max)
    linear = torch.optim.lr_scheduler.LinearLR(optimiser, plan.lr_start / plan.lr_max, total_iters=plan.warmup)
    rates = []
    for _ in range(plan.warmup):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        linear.step()
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, plan.decay, eta_min=plan.lr_min)
    for _ in range(plan.decay):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        cosine.step()
    assert [learning_rate(step, plan) for step in range(50)] == pytest.approx(rates, rel=1e-9)


def test_a_warm_up_that_leaves_no_room_for_the_decay_is_refused():
    with pytest.raises(InputError, match="warm-up"):
        UpdatePlan(count=40, k=5, warmup=200)


@pytest.mark.parametrize("f", [1e-9, *SHARPNESS, 8.0])
@pytest.mark.parametrize("tau", [25, 474, 924])
def test_teacher_timestep_is_the_floor_of_the_truncated_normal_s_quantile(tau: int, f: float):
    u = torch.linspace(0, 1, 1001, dtype=torch.float64)[:-1]
    t = teacher_timestep(u, torch.tensor(tau), f)
    uniform = tau + u.numpy() * (950 - tau)  # the limit at f = 0, where scipy itself loses the tail
    expected = uniform if f < 1e-6 else truncated_normal(tau, f).ppf(u.numpy())
    off_the_edge = np.abs(expected - np.round(expected)) > 1e-6
    assert off_the_edge.mean() > 0.9
    np.testing.assert_array_equal(t.numpy()[off_the_edge], np.floor(expected[off_the_edge]))


@pytest.mark.parametrize("f", SHARPNESS)
def test_teacher_timesteps_are_distributed_as_the_truncated_normal(f: float):
    generator = torch.Generator().manual_seed(0)
    u = torch.rand(20_000, generator=generator)
    t = teacher_timestep(u, torch.tensor(225), f) + torch.rand(20_000, generator=generator)  # undo the floor
    assert stats.kstest(t.numpy(), truncated_normal(225, f).cdf).pvalue > 0.01


def test_hand_cases_of_the_teacher_timestep():
    z = 0.4417  # from a table: half of the 68.27 % within one deviation lies within 0.4417 of it
    assert teacher_timestep(torch.tensor(0.5), torch.tensor(0), f=1.0) == math.floor(950 - 950 * z) == 530
    assert teacher_timestep(torch.tensor(0.0), torch.tensor(474), f=0.5) == 474
    assert teacher_timestep(torch.tensor(1 - 2**-24), torch.tensor(474), f=0.5) == 949
    assert teacher_timestep(torch.tensor(0.999), torch.tensor(949), f=0.5) == 949


def test_the_smallest_draw_is_tau_however_sharp():
    assert teacher_timestep(torch.tensor(0.0), torch.tensor(25), f=50.0) == 25


@pytest.mark.parametrize("tau", [950, 974, 999])
def test_a_noisy_student_leaves_the_teacher_at_its_bound(tau: int):
    assert teacher_timestep(torch.tensor([0.0, 0.5, 0.99]), torch.tensor(tau), f=0.5).tolist() == [950] * 3


@given(
    u=st.floats(0, 1, exclude_max=True),
    tau=st.integers(0, 949),
    f=st.floats(1e-6, 50),
    upper=st.integers(950, 1000),
)
def test_teacher_timestep_stays_in_its_support(u: float, tau: int, f: float, upper: int):
    t = teacher_timestep(torch.tensor(u, dtype=torch.float64), torch.tensor(tau), f, upper)
    assert t.dtype == torch.int64
    assert tau <= t < upper


@given(tau=st.integers(0, 949), f=st.floats(0.01, 10))
def test_teacher_timestep_rises_with_the_draw(tau: int, f: float):
    assert bool((teacher_timestep(torch.linspace(0, 1, 101)[:-1], torch.tensor(tau), f).diff() >= 0).all())


def test_a_sharper_draw_is_noisier():
    u = torch.linspace(0, 1, 101)[:-1]
    means = [teacher_timestep(u, torch.tensor(25), f).double().mean().item() for f in SHARPNESS]
    assert means == sorted(means)
    assert means[-1] - means[0] > 50


def test_the_teacher_timestep_never_visits_the_host():
    """A meta tensor has no value: reading one raises."""
    u, tau = torch.empty(3, device="meta"), torch.empty((), dtype=torch.int64, device="meta")
    assert teacher_timestep(u, tau, f=0.5).shape == (3,)


@pytest.mark.parametrize("f", SHARPNESS)
def test_density_is_that_of_the_truncated_normal(f: float):
    t = torch.tensor([0.0, 224.9, 225.0, 400.0, 700.5, 949.0, 950.0, 951.0])
    density = teacher_density(t, tau=225, f=f)
    np.testing.assert_allclose(density.numpy(), truncated_normal(225, f).pdf(t.double().numpy()), rtol=1e-9)


@pytest.mark.parametrize("f", [0.0, -1.0, math.nan])
def test_a_sharpness_that_is_not_positive_is_refused(f: float):
    with pytest.raises(InputError, match="sharpness f"):
        teacher_timestep(torch.tensor(0.5), torch.tensor(25), f)
    with pytest.raises(InputError, match="sharpness f"):
        teacher_density(torch.tensor(500.0), 25, f)


def test_a_certain_timestep_has_no_density():
    with pytest.raises(InputError, match="below 950"):
        teacher_density(torch.tensor(950.0), tau=974, f=0.5)


def test_the_uniform_timestep_covers_50_to_949_evenly():
    t = uniform_timestep((torch.arange(9000) + 0.5) / 9000)
    assert t.dtype == torch.int64
    values, counts = t.unique(return_counts=True)
    assert values.tolist() == list(range(50, 950))
    assert set(counts.tolist()) == {10}


def test_the_largest_uniform_draw_stays_below_the_end():
    largest = torch.tensor(1 - 2**-24)
    assert largest < 1
    assert uniform_timestep(largest).item() == 949
