"""What is known of a run before a model is loaded is what the loaded models will say."""

from pathlib import Path

import pytest

from benchmark.options import bundle_facts
from mix2mix.bundles import load_bundle
from mix2mix.errors import InputError


@pytest.mark.parametrize("random", [False, True])
def test_a_bundle_is_known_before_it_is_loaded(
    random: bool, random_bundle_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIX2MIX_WEIGHTS", "random" if random else str(random_bundle_folder))
    facts, bundle = bundle_facts("mini"), load_bundle("mini")
    assert (facts.name, facts.digest, facts.settings) == (bundle.name, bundle.digest, bundle.settings)


def test_a_bundle_whose_weights_are_not_here_is_bad_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIX2MIX_WEIGHTS", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=r"weights of bundle paper: got no .*student.*; expected all"):
        bundle_facts("paper")
