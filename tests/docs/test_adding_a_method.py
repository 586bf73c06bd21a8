"""The page on adding a method: its example is complete, short, and a method."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from baselines.api import EditRequest
from baselines.registry import load_method, parse_variant
from mix2mix.bundles import load_bundle
from mix2mix.edit import Edit
from mix2mix.mini.world import held_out_scene

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-method.md"


@pytest.fixture
def example(monkeypatch):
    """The page's module, and its spec in the registry."""
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]
    module = ModuleType("baselines.shared_noise")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(code, str(PAGE), "exec"), vars(module))
    monkeypatch.setitem(sys.modules["baselines.registry"].SPECS, "shared-noise", module.SHARED_NOISE)
    return code


def test_it_is_complete_in_at_most_60_lines(example):
    assert len(example.splitlines()) <= 60


def test_it_edits_all_views_and_counts_truly(example, random_bundle_folder):
    variant, scene = parse_variant("shared-noise@steps=2"), held_out_scene("face", 2)
    bundle, calls, told = load_bundle("mini", weights=random_bundle_folder), [], []
    edit = Edit("Turn him into a vampire", "a man", "a vampire")
    request = EditRequest(scene, edit, bundle, 0, "cpu", lambda *call: told.append(call), variant.settings)
    hook = bundle.teacher.unet.register_forward_pre_hook(lambda _, arguments: calls.append(len(arguments[0])))
    first, second = (load_method(variant.spec.id).edit(request) for _ in range(2))
    hook.remove()
    assert first.views.shape == scene.images.shape
    assert torch.equal(first.views, second.views)
    assert first.counts == {"teacher": sum(calls) / 2} == {"teacher": 3 * 2 * 2}
    assert told[:2] == [("edit", 1, 2), ("edit", 2, 2)]


def test_the_page_s_metric_can_be_described_so():
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[-1]
    names = {}
    exec(compile(code, str(PAGE), "exec"), names)
    assert names["WARMTH"].id in PAGE.read_text().partition("mix2mix.metrics")[2].partition("\n```")[0]


def test_the_page_shows_the_external_example_as_it_is():
    text = PAGE.read_text()
    for line in (PAGE.parent / "external" / "negative.toml").read_text().splitlines():
        assert f"    {line}\n" in text
