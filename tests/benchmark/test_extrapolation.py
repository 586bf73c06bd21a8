"""A method's whole work is extrapolated from fewer of its steps, where its spec says what grows with them."""

import pytest

from baselines.in2n import SETTINGS
from baselines.radiance_fit import FITS
from baselines.registry import IN2N
from benchmark.extrapolation import extrapolation


def test_each_phase_grows_with_its_own_steps() -> None:
    made = extrapolation("in2n@edit_steps=3000+fit_steps=6000")
    assert made is not None
    assert (made.method, made.factors) == ("in2n", {"fit": 5, "edit": 5})
    made = extrapolation("in2n@edit_steps=1500+fit_steps=15000")
    assert made is not None
    assert made.seconds({"fit": 100, "edit": 10, "decode": 1}) == 10 * 10 + 1
    assert made.fit({"fit": 100, "edit": 10, "decode": 1}) == 2 * 100
    assert made.words == "I-N2N from 15000 of 30000 fit_steps, 1500 of 15000 edit_steps"


@pytest.mark.parametrize(
    "name",
    [
        "in2n",
        "in2n@edit_steps=3000",
        "in2n@edit_steps=3000+fit_steps=3000+render_size=256",
        "i-mix2mix@k=20",
        "somebody_else_s@edit_steps=3000",
    ],
)
def test_only_what_sets_all_steps_and_nothing_else_is_extrapolated(name: str) -> None:
    assert extrapolation(name) is None


def test_the_whole_is_that_of_the_paper_s_settings() -> None:
    whole = {"fit": ("fit_steps", FITS["paper"].fit_steps), "edit": ("edit_steps", SETTINGS["paper"].edit_steps)}
    assert IN2N.steps == whole
