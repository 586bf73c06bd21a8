"""The registry: methods are described and parsed without torch, and a wrong name says what was meant."""

import subprocess
import sys
from pathlib import Path

import pytest

from baselines.api import MethodSpec
from baselines.registry import SPECS, all_specs, find_spec, load_method, parse_variant
from baselines.unedited import Unedited
from mix2mix.errors import InputError


def test_every_spec_is_found_under_its_own_id() -> None:
    assert {name: find_spec(name).id for name in SPECS} == {name: name for name in SPECS}


def test_describing_the_methods_does_not_import_torch() -> None:
    code = "import sys, baselines.registry; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_method_is_made_from_its_id() -> None:
    assert isinstance(load_method("unedited"), Unedited)


def test_an_unknown_method_is_told_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"got 'i-mix2mx'.*Did you mean 'i-mix2mix'"):
        find_spec("i-mix2mx")


def test_a_plain_id_is_a_variant_without_settings() -> None:
    variant = parse_variant("t2vz")
    assert (variant.name, variant.spec, dict(variant.settings)) == ("t2vz", SPECS["t2vz"], {})


def test_settings_are_typed_and_named_in_the_order_of_the_spec() -> None:
    variant = parse_variant("i-mix2mix@f=0.1+k=20")
    assert dict(variant.settings) == {"k": 20, "f": 0.1}
    assert variant.name == "i-mix2mix@k=20+f=0.1"


def test_the_name_of_a_variant_parses_to_the_same_variant() -> None:
    variant = parse_variant("i-mix2mix@f=0.25+k=5+warmup=27")
    assert parse_variant(variant.name) == variant


def test_words_and_numbers_are_joined() -> None:
    variant = parse_variant("i-mix2mix@attention=extended+k=20+teacher_time=matched")
    assert dict(variant.settings) == {"k": 20, "teacher_time": "matched", "attention": "extended"}
    assert variant.name == "i-mix2mix@k=20+teacher_time=matched+attention=extended"


def test_the_choices_are_the_distiller_s() -> None:
    from mix2mix.distill_config import CHOICES

    told = {p.name: p.choices for p in SPECS["i-mix2mix"].parameters if p.kind is str}
    assert told == dict(CHOICES)


@pytest.mark.parametrize("spec", SPECS.values(), ids=lambda spec: spec.id)
def test_defaults_and_needs_are_of_their_kind(spec: MethodSpec) -> None:
    for parameter in spec.parameters:
        assert parameter.default is None or type(parameter.default) is parameter.kind
        assert (parameter.kind is str) == bool(parameter.choices)
        if parameter.default is not None:
            text = f"{spec.id}@{parameter.name}={parameter.default}"
            assert parse_variant(text).settings == {parameter.name: parameter.default}
    assert all(need in ("teacher", "student", "truth", "gpu") or need.startswith("extra ") for need in spec.needs)
    assert (spec.paper is None) == (spec.year is None)


def test_external_methods_stand_behind_those_that_come_with_mix2mix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIX2MIX_METHODS", str(Path(__file__).parents[2] / "docs" / "external"))
    assert list(all_specs()) == [*SPECS, "negative"]
    assert find_spec("negative").title == "Negative"
    assert parse_variant("negative").name == "negative"
    assert type(load_method("negative")).__name__ == "External"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("i-mix2mix@kk=3", "got 'kk'.*Did you mean 'k'"),
        ("i-mix2mix@k=many", "got 'many'; expected an integer of at least 1"),
        ("i-mix2mix@k=0", "got '0'; expected an integer of at least 1"),
        ("i-mix2mix@f=nan", "got 'nan'; expected a number"),
        ("i-mix2mix@f=inf", "got 'inf'; expected a number"),
        ("i-mix2mix@k=1+k=2", "got it twice"),
        ("i-mix2mix@attention=none", "got 'none'; expected one of random, plain, extended"),
        ("i-mix2mix@reference=", "got ''; expected one of edited, unedited"),
        ("coupled@weight=0.7", "got '0.7'; expected a number from 0 to 0.5"),
        ("t2vz@anchor=-1", "got '-1'; expected an integer of at least 0"),
        ("i-mix2mix@", "got ''"),
        ("unedited@k=1", "setting of unedited: got 'k'; expected one of none"),
    ],
)
def test_a_wrong_setting_is_told(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_variant(text)
