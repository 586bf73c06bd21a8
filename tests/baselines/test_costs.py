"""What a method says it costs at the paper's settings is what its networks are given: counted, with stubs for them."""

from collections import Counter
from dataclasses import replace

import pytest
import torch
from torch import nn

from baselines.registry import SPECS, load_method
from mix2mix.student import Student

PAPER = {"i-mix2mix": {"k": 50, "first_updates": 200, "warmup": 200, "f": 0.5}}
"""Settings whose default is the bundle's: the paper's."""


class Gain(nn.Module):
    """A student of one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(0.1))

    def blocks(self):
        return []

    def forward(self, latents, timesteps, context, pluecker, num_frames):
        return self.gain * latents[:, :4]


@pytest.fixture
def count(bundle, ask, monkeypatch):
    """Runs a method at its defaults for four views and counts what its networks were given."""

    def make(method):
        calls, denoise = Counter(), Student.denoise

        def predict(latents, *_, **__):
            calls["teacher"] += len(latents)
            return (latents[:, :4],)

        def count_student(self, *arguments):
            calls["student"] += 1
            return denoise(self, *arguments)

        monkeypatch.setattr(bundle.teacher.unet, "forward", predict)
        monkeypatch.setattr(Student, "denoise", count_student)
        request = ask(settings=PAPER.get(method, {}))
        student = Student(Gain(), bundle.student.preconditioning).requires_grad_(False)
        result = load_method(method).edit(replace(request, bundle=replace(bundle, student=student)))
        return calls, result

    return make


@pytest.mark.parametrize("method", ["i-mix2mix", "teacher-only", "student-only", "t2vz", "sdedit", "coupled"])
def test_at_the_paper_s_settings_a_method_costs_what_it_says(count, method):
    calls, result = count(method)
    assert calls == result.counts == SPECS[method].cost


def test_facts_of_the_paper_s_own_cost_table():
    """facts: teacher 300 (reference) + 25,800, student 2150 with a gradient + 39 without; Text2Video-Zero 600."""
    assert SPECS["i-mix2mix"].cost == {"teacher": 300 + 25_800, "student": 2150 + 39}
    assert SPECS["t2vz"].cost == {"teacher": 600}
