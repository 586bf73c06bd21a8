"""`list methods`: what each is, needs, scored and costs; and no torch for it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mix2mix.cli import main

EXTERNAL = Path(__file__).parents[3] / "docs" / "external"


@pytest.fixture(autouse=True)
def no_external_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    """None but those of the test."""
    monkeypatch.delenv("MIX2MIX_METHODS", raising=False)


def methods(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    assert main(["list", "methods", "--json"]) == 0
    return {row["id"]: row for row in json.loads(capsys.readouterr().out)}


def test_a_method_is_told_with_its_paper_its_scores_and_its_cost(capsys: pytest.CaptureFixture[str]) -> None:
    row = methods(capsys)["i-mix2mix"]
    assert (row["paper"], row["year"]) == ("arXiv 2511.14899", 2025)
    assert row["published"] == {"source": "Table 1", "cons": 0.342, "sim": 0.258, "dir": 0.173, "minutes": 22.0}
    assert row["cost"] == {"teacher": 26_100, "student": 2189}
    assert row["needs"] == ["teacher", "student"]


def test_the_table_has_it_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "methods"]) == 0
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split() == ["id", "paper", "year", "published", "needs", "cost", "origin", "description"]
    (row,) = (row for row in rows if row.startswith("t2vz "))
    for part in (" 2023 ", "Table 1: cons 0.31, sim 0.251, dir 0.159, minutes 0.5 ", " teacher 600 "):
        assert part in row


def test_external_methods_are_listed_behind(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MIX2MIX_METHODS", str(EXTERNAL))
    assert list(methods(capsys))[-1] == "negative"


def test_a_folder_that_is_not_there_is_bad_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MIX2MIX_METHODS", "nowhere")
    assert main(["list", "methods"]) == 2
    assert "MIX2MIX_METHODS: got 'nowhere'" in capsys.readouterr().err


def test_listing_methods_does_not_import_torch() -> None:
    code = "import sys; from mix2mix.commands.listing import methods; methods(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
