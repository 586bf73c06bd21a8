"""Budgets are data that the catalogue and the registry understand."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from baselines import radiance_fit, splat_fit
from baselines.registry import SPECS, parse_variant
from benchmark.budgets import BUDGETS, FULL, QUICK, SMOKE, Budget, find_budget
from benchmark.catalogue import find_edit
from benchmark.cells import settings_of
from mix2mix.errors import InputError
from mix2mix.mini.world import IMAGE_SIZE


def test_full_is_the_paper_s_2150_updates_of_twenty_edits() -> None:
    assert FULL.iterations == 200 + 39 * 50 == 2150
    assert len(FULL.edits) == 20


@pytest.mark.parametrize("fits", [radiance_fit.FITS, splat_fit.FITS], ids=["radiance", "splats"])
def test_full_leaves_3d_methods_the_bundle_s_own_size_and_quick_halves_it(fits: Mapping[str, Any]) -> None:
    assert fits["mini"].render_size == IMAGE_SIZE
    assert "render_size" not in FULL.settings
    assert QUICK.settings["render_size"] == IMAGE_SIZE // 2


def test_quick_makes_about_400_updates_of_one_edit_a_scene() -> None:
    assert QUICK.iterations == 100 + 39 * 8 == 412
    assert [find_edit(edit).scene for edit in QUICK.edits] == ["face", "bear", "person"]


def test_the_warm_up_keeps_its_share_of_the_updates() -> None:
    assert QUICK.settings["warmup"] == round(FULL.settings["warmup"] * QUICK.iterations / FULL.iterations)


def test_smoke_is_next_to_nothing() -> None:
    assert SMOKE.iterations <= 5
    assert SMOKE.settings["steps"] <= 2


@pytest.mark.parametrize("budget", BUDGETS.values(), ids=lambda budget: budget.name)
def test_every_edit_method_and_setting_exists(budget: Budget) -> None:
    known = {parameter.name for spec in SPECS.values() for parameter in spec.parameters}
    assert [find_edit(edit).slug for edit in budget.edits] == list(budget.edits)
    assert set(budget.methods) <= set(SPECS)
    assert set(budget.settings) <= known


def test_the_cosine_of_the_learning_rate_has_a_length() -> None:
    for budget in BUDGETS.values():
        assert budget.settings["timesteps"] * budget.settings["k"] > budget.settings["warmup"]


def test_methods_are_offered_low_memory_only_where_it_is_asked_for() -> None:
    assert "memory" not in SMOKE.offers
    sparing = replace(SMOKE, memory="low")
    assert settings_of(parse_variant("i-mix2mix"), sparing)["memory"] == "low"
    assert settings_of(parse_variant("i-mix2mix@memory=normal"), sparing)["memory"] == "normal"
    assert "memory" not in settings_of(parse_variant("t2vz"), sparing)


def test_an_unknown_budget_is_told() -> None:
    with pytest.raises(InputError, match="got 'fast'; expected one of smoke, quick, full"):
        find_budget("fast")
