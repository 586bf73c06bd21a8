"""Several processes: each has its share of the data, and all end with the same weights."""

import os
import subprocess
import sys

import pytest
import torch
from torch.distributed.run import get_args_parser

from mix2mix.mini.training.__main__ import _parser
from mix2mix.mini.training.ranks import Ranks, join

WORKER = """
import sys, time, torch
from pathlib import Path
from torch.nn.functional import mse_loss
from mix2mix.mini.training.loop import Fit, FitConfig
from mix2mix.mini.training.ranks import join, leave

ranks = join("cpu")
torch.manual_seed(0)
model = torch.nn.Linear(3, 1)
x = torch.randn(8, 3)
mine = x[ranks.index :: ranks.count]
config, path = FitConfig(60, 8, lr=0.05, warmup=1), Path(sys.argv[1])
fit = Fit(model, lambda: mse_loss(model(mine), mine.sum(1, keepdim=True)), config, path, ranks)
done = fit.run(time.monotonic() + (600 if ranks.first else -600))
torch.save({"done": done, "weights": model.state_dict()}, f"{sys.argv[1]}.{ranks.index}of{ranks.count}")
ranks.meet()
leave(ranks)
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The same regression by one process and by two, in the second case one whose clock says that time is up."""
    folder = tmp_path_factory.mktemp("ranks")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    (folder / "worker.py").write_text(WORKER)
    for name, launcher in (("one", []), ("two", ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"])):
        subprocess.run([sys.executable, *launcher, folder / "worker.py", folder / name], env=environment, check=True)
    return {path.name: torch.load(path, weights_only=True) for path in folder.glob("*.*of*")}


def test_two_processes_with_half_the_data_each_learn_what_one_learns_with_all(trained):
    alone, *pair = (trained[name]["weights"] for name in ("one.0of1", "two.0of2", "two.1of2"))
    for name, value in alone.items():
        assert torch.equal(pair[0][name], pair[1][name])
        torch.testing.assert_close(pair[0][name], value, rtol=1e-4, atol=1e-5)


def test_the_first_process_s_clock_counts(trained):
    assert all(result["done"] for result in trained.values())


def test_shares_are_disjoint_and_together_all():
    shares = [list(Ranks("cpu", index, 3).share_of(range(10))) for index in range(3)]
    assert shares == [[0, 3, 6, 9], [1, 4, 7], [2, 5, 8]]


def test_alone_nothing_is_exchanged(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    ranks = join("cpu")
    assert ranks == Ranks("cpu")
    assert ranks.first
    tensor = torch.ones(2)
    ranks.average_([tensor])
    ranks.meet()
    assert tensor.tolist() == [1, 1]
    assert not ranks.first_decides(answer=False)


def test_the_launcher_takes_no_option_of_the_training_for_one_of_its_own():
    """It reads what begins one of its own options as that option, and refuses what begins two."""
    own, trainings = (
        {option for action in parser._actions for option in action.option_strings}
        for parser in (get_args_parser(), _parser())
    )
    assert not [(a, b) for a in trainings - {"-h", "--help"} for b in own if b.startswith(a)]
