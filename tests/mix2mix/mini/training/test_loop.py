"""The training loop: it learns, stops anywhere, and goes on as if it had not stopped."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

from mix2mix.mini.training import loop
from mix2mix.mini.training.loop import Fit, FitConfig, learning_rate
from mix2mix.mini.training.ranks import Ranks

CONFIG = FitConfig(steps=40, batch=16, lr=0.05, warmup=5, average=0.9)
INPUTS = torch.randn(64, 3, generator=torch.Generator().manual_seed(0))
TRUTH = torch.tensor([[1.0, -2.0, 0.5]])
FOREVER, NO_TIME = math.inf, -math.inf


def linear() -> nn.Linear:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return nn.Linear(3, 1)


def fit_of(path, config=CONFIG, model=None, draw=False, watch=lambda model: None) -> Fit:
    """A regression; with `draw` on random batches, else always on all points."""
    model = model or linear()

    def loss():
        watch(model)
        x = INPUTS[torch.randint(len(INPUTS), (config.batch,))] if draw else INPUTS
        return mse_loss(model(x), x @ TRUTH.T)

    return Fit(model, loss, config, path / "toy.ckpt", Ranks("cpu"))


@pytest.fixture
def clock(monkeypatch):
    """A clock that counts steps, so that a run can be told after which one to stop."""

    class Clock(SimpleNamespace):
        steps = 0

        def monotonic(self) -> float:
            return float(self.steps)

        def tick(self, _model) -> None:
            self.steps += 1

    clock = Clock()
    monkeypatch.setattr(loop, "time", clock)
    return clock


def everything(path):
    return torch.load(path / "toy.ckpt", weights_only=True)


def same(one, other):
    torch.testing.assert_close(one, other, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("step", "rate"), [(0, 0.25), (1, 0.5), (3, 1.0), (4, 1.0), (7, 0.505), (10, 0.01), (12, 0.01)]
)
def test_the_rate_rises_linearly_and_falls_as_a_cosine_to_a_hundredth(step, rate):
    assert learning_rate(step, FitConfig(steps=10, batch=1, lr=1.0, warmup=4)) == pytest.approx(rate)


def test_a_run_shorter_than_its_warm_up_only_warms_up():
    assert [learning_rate(step, FitConfig(2, 1, lr=1.0, warmup=4)) for step in range(2)] == [0.25, 0.5]


def test_it_converges(tmp_path):
    fit = fit_of(tmp_path, FitConfig(steps=400, batch=16, lr=0.1, warmup=10, average=0.9), draw=True)
    assert fit.run(FOREVER)
    assert fit.step == 400
    torch.testing.assert_close(fit.model.weight, TRUTH, rtol=0, atol=0.02)
    assert fit.last_loss < 1e-3


def test_the_seed_decides_the_weights(tmp_path):
    weights = []
    for number, seed in enumerate((0, 0, 1)):
        fit = fit_of(tmp_path / str(number), FitConfig(20, 4, lr=0.05, warmup=2, seed=seed), draw=True)
        fit.run(FOREVER)
        weights.append(fit.model.weight.detach())
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_it_stops_when_the_time_is_up_and_says_so(tmp_path, clock):
    fit = fit_of(tmp_path, watch=clock.tick)
    assert not fit.run(until=7)
    assert fit.step == clock.steps == 7
    assert not fit.run(NO_TIME)
    assert fit.step == 7


def test_a_stopped_run_is_restored_exactly(tmp_path, clock):
    stopped = fit_of(tmp_path, watch=clock.tick)
    stopped.run(until=7)
    before = everything(tmp_path)
    resumed = fit_of(tmp_path, model=nn.Linear(3, 1))
    resumed.run(NO_TIME)
    assert resumed.step == 7
    same(list(resumed.model.parameters()), list(stopped.model.parameters()))
    same(resumed.mean, stopped.mean)
    same(everything(tmp_path), before)
    assert before["moments"]["step"] == [torch.tensor(7.0)] * 2


def test_where_batches_are_not_random_stopping_leaves_no_trace(tmp_path, clock):
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    fit_of(unbroken, watch=clock.tick).run(FOREVER)
    clock.steps = 0
    for until in (7, 8, 30, FOREVER):
        done = fit_of(broken, model=None if until == 7 else nn.Linear(3, 1), watch=clock.tick).run(until)
        assert done == (until == FOREVER)
    same(everything(broken), everything(unbroken))


def test_where_they_are_the_stream_is_seeded_anew_by_the_step(tmp_path, clock):
    runs = []
    for name in ("one", "other"):
        clock.steps = 0
        fit_of(tmp_path / name, draw=True, watch=clock.tick).run(until=7)
        fit_of(tmp_path / name, draw=True, watch=clock.tick).run(FOREVER)
        runs.append(everything(tmp_path / name))
    same(*runs)


def test_the_rate_goes_on_where_it_stopped(tmp_path, clock):
    rates, fits = [], []

    def watch(model):
        clock.tick(model)
        rates.append(fits[-1].lr.item())

    for until in (7, FOREVER):
        fits.append(fit_of(tmp_path, watch=watch))
        fits[-1].run(until)
    assert rates == pytest.approx([learning_rate(step, CONFIG) for step in range(CONFIG.steps)])
    assert fits[-1].optimiser.param_groups[0]["lr"] is fits[-1].lr


def test_a_finished_run_is_not_trained_further(tmp_path):
    fit_of(tmp_path).run(FOREVER)
    before = everything(tmp_path)
    again = fit_of(tmp_path)
    assert again.run(FOREVER)
    same(everything(tmp_path), before)
    same([p.detach() for p in again.model.parameters()], before["parameters"])


def test_a_checkpoint_is_replaced_whole_or_not_at_all(tmp_path, clock, monkeypatch):
    fit = fit_of(tmp_path, watch=clock.tick)
    fit.run(until=7)
    before = everything(tmp_path)

    def full_disk(state, path):
        path.write_bytes(b"half")
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full_disk)
        with pytest.raises(OSError, match="no space"):
            fit.run(until=9)
    same(everything(tmp_path), before)


def test_the_average_is_an_exponential_mean_of_the_weights_and_can_be_put_in_place(tmp_path):
    visited = []
    fit = fit_of(tmp_path, watch=lambda model: visited.append(model.weight.detach().clone()))
    fit.run(FOREVER)
    mean = visited[0]
    for weight in [*visited[1:], fit.model.weight.detach()]:
        mean = 0.9 * mean + 0.1 * weight
    torch.testing.assert_close(fit.mean[0], mean)
    fit.use_average()
    torch.testing.assert_close(fit.model.weight.detach(), mean)


def test_the_gradient_is_clipped(tmp_path):
    fit = fit_of(tmp_path, FitConfig(steps=1, batch=1, lr=0.1, gradient_clip=0.25))
    fit.run(FOREVER)
    norm = torch.stack([p.grad.norm() for p in fit.parameters]).norm()
    assert norm.item() == pytest.approx(0.25, rel=1e-4)


def test_frozen_and_idle_parameters_survive_a_checkpoint(tmp_path, clock):
    def model():
        module = nn.ModuleDict({"used": linear(), "idle": linear(), "frozen": linear().requires_grad_(False)})
        module.forward = lambda x: module["used"](x) + module["frozen"](x)
        return module

    for until in (7, FOREVER):
        fit = fit_of(tmp_path, model=model(), watch=clock.tick)
        fit.run(until)
        for name in ("idle", "frozen"):
            same(fit.model[name].weight, linear().weight.requires_grad_(name == "idle"))
    assert len(everything(tmp_path)["parameters"]) == 4
    assert fit.last_loss < 1
