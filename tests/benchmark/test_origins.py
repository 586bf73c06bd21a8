"""Origins: what is told where two of them differ, and what may be compared."""

from typing import Any

import pytest

from benchmark.origins import Origin, differences, origin_of, same_draws, same_hardware, settings_digest
from benchmark.results import CellResult


def changed(example: CellResult, **changes: Any) -> Origin:
    """The origin of the example, were its provenance otherwise."""
    return origin_of([example.model_copy(update={"provenance": example.provenance.model_copy(update=changes)})])


def on(example: CellResult, **changes: Any) -> Origin:
    """The origin of the example, were its hardware otherwise."""
    return changed(example, hardware=example.provenance.hardware.model_copy(update=changes))


def with_sources(example: CellResult, commit: str, **changes: str) -> Origin:
    """The origin of the example, were it made by other code."""
    identity = example.identity.model_copy(update={"sources": example.identity.sources.model_copy(update=changes)})
    origin = example.provenance.model_copy(update={"commit": commit, "dirty": True})
    return origin_of([example.model_copy(update={"identity": identity, "provenance": origin})])


def test_alike_cells_have_one_origin_and_nothing_to_tell(example: CellResult) -> None:
    origin = origin_of([example, example])
    assert len(origin.bundles) == len(origin.hardware) == len(origin.code) == 1
    assert list(differences(origin, origin_of([example]))) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"catalogue": "e" * 64}, "catalogue differs: cccccccccccc before, eeeeeeeeeeee after"),
        ({"budget": "full"}, "budget differs: tiny before, full after"),
        ({"packages": {"python": "3.11.7", "torch": "2.15.0"}}, "package torch differs: 2.11.0 before, 2.15.0 after"),
        ({"packages": {"python": "3.11.7"}}, "package torch differs: 2.11.0 before, none after"),
    ],
)
def test_what_differs_is_told(example: CellResult, changes: dict[str, Any], told: str) -> None:
    assert list(differences(origin_of([example]), changed(example, **changes))) == [told]


def test_another_bundle_is_told(example: CellResult) -> None:
    other = changed(example, bundle=example.provenance.bundle.model_copy(update={"digest": "b" * 64}))
    assert next(differences(origin_of([example]), other)).startswith(
        "bundle differs: mini dddddddddddd before, mini bbb"
    )


def test_other_code_is_told_with_its_commit_and_another_commit_of_the_same_code_is_not(example: CellResult) -> None:
    before = origin_of([example])
    (told,) = differences(before, with_sources(example, "f" * 40, metrics="9" * 64))
    assert told == (
        "code of metrics differs: commit 0123456789ab before, commit ffffffffffff with uncommitted changes after"
    )
    assert list(differences(before, with_sources(example, "f" * 40))) == []


def test_times_may_be_compared_on_one_kind_of_processor_and_device(example: CellResult) -> None:
    here = origin_of([example])
    assert same_hardware(here, on(example, platform="Linux, patched", memory=1))
    assert not same_hardware(here, on(example, cpu="Another processor"))
    assert not same_hardware(here, on(example, gpus=("A GPU",), device="cuda"))


def test_a_seed_draws_alike_on_one_kind_of_device(example: CellResult) -> None:
    assert same_draws(origin_of([example]), on(example, cpu="Another processor"))
    assert same_draws(on(example, device="cuda"), on(example, device="cuda:1"))
    assert not same_draws(origin_of([example]), on(example, device="cuda"))


def test_settings_are_told_apart_whatever_their_order(example: CellResult) -> None:
    turned = example.identity.model_copy(update={"config": dict(reversed(example.identity.config.items()))})
    longer = example.identity.model_copy(update={"config": {**example.identity.config, "settings": {"steps": 8}}})
    assert settings_digest(turned) == settings_digest(example.identity) != settings_digest(longer)
