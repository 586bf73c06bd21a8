"""What is repeated runs once a call, and on a GPU as one graph that gives the same."""

import pytest
import torch

from mix2mix.replay import PLAIN_RUNS, Replay


def test_on_a_cpu_every_call_runs_it_once():
    total = torch.zeros(())
    again = Replay(lambda: total.add_(1), torch.device("cpu"))
    for _ in range(PLAIN_RUNS + 3):
        again()
    assert total == PLAIN_RUNS + 3


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_the_graph_goes_on_where_the_plain_runs_stopped_and_reads_what_was_changed_in_place():
    total, step = torch.zeros((), device="cuda"), torch.ones((), device="cuda")
    again = Replay(lambda: total.add_(step), torch.device("cuda"))
    for _ in range(PLAIN_RUNS + 3):
        again()
    assert total.item() == PLAIN_RUNS + 3
    step.fill_(10)
    again()
    assert total.item() == PLAIN_RUNS + 13
