"""Checks of a method's output (how failures end is shown with the runner)."""

from pathlib import Path

import pytest
import torch

import benchmark
from benchmark.execution import BadOutputError, Outcome, check_views, failure
from mix2mix.errors import InputError

SHAPE = (2, 3, 8, 8)


def views() -> torch.Tensor:
    return torch.rand(SHAPE, generator=torch.Generator().manual_seed(0))


def test_good_views_pass() -> None:
    check_views(views(), SHAPE, untrained=False)


def test_rounding_beyond_the_range_passes() -> None:
    check_views(views() * 1.00001, SHAPE, untrained=False)


def test_a_dark_view_with_one_bright_spot_is_not_blank() -> None:
    dark = torch.zeros(SHAPE)
    dark[:, 0, 0, 0] = 1.0
    check_views(dark, SHAPE, untrained=False)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_one_level_is_blank_in_any_colour(level: float) -> None:
    flat = views()
    flat[1] = torch.tensor([level, 0.2, 0.7])[:, None, None]
    with pytest.raises(BadOutputError, match="view 1 is blank"):
        check_views(flat, SHAPE, untrained=False)


def test_what_untrained_networks_paint_may_be_blank() -> None:
    check_views(torch.full(SHAPE, 0.5), SHAPE, untrained=True)


def test_an_infinite_value_is_told() -> None:
    broken = views()
    broken[0, 0, 0, 0] = torch.inf
    with pytest.raises(BadOutputError, match="1 values are NaN or infinite"):
        check_views(broken, SHAPE, untrained=False)


def test_a_traceback_names_no_folder_of_the_machine() -> None:
    def fail() -> None:
        torch.zeros(2).view(3)

    try:
        fail()
    except RuntimeError as error:
        outcome = failure(error)
    assert str(Path(benchmark.__file__).parents[1]) not in outcome.traceback
    assert "test_execution.py" in outcome.traceback


def test_a_bad_input_needs_no_traceback() -> None:
    error = InputError("views", got="1", expected="2", fix="Add one.")
    assert failure(error) == Outcome("failed", "views: got 1; expected 2. Add one.")
