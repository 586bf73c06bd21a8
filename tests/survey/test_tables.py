"""An analysis as tables."""

import csv

import pytest

from survey.analysis import analyse
from survey.comparison import Settings
from survey.results import Analysis
from survey.simulate import Design
from survey.simulated_ratings import simulate_ratings
from survey.tables import Table, as_csv, as_latex, as_markdown, as_text, markdown_table, p_value, text_table


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    """Of a simulated study, with a method's name that needs escaping."""
    ratings = simulate_ratings(Design(careless=0.2), ["i-mix2mix@k=20", "d_g|e"], seed=1)
    return analyse(ratings, settings=Settings(randomisations=100, resamples=100))


def test_the_terminal_tells_everything(analysis: Analysis) -> None:
    text = as_text(analysis)
    for title in ("Notes", "Table 2 (SIMULATED)", "tests on 20 scenes", "effect sizes", "Agreement", "Sensitivity"):
        assert title in text
    for name, line in analysis.assumptions.items():
        assert f"* {name}: {line}" in text
    assert p_value(analysis.tests.sign_flip.p_two_sided) in text
    assert text.index("SIMULATED") < text.index("Table 2")


def test_csv_has_full_precision_and_the_label(analysis: Analysis) -> None:
    rows = list(csv.DictReader(as_csv(analysis).splitlines()))
    assert [row["method"] for row in rows] == analysis.methods
    for row, shown in zip(rows, analysis.table2.values(), strict=True):
        assert float(row["mean_pairs"]) == shown.mean_pairs
        assert row["simulated"] == "true"


def test_markdown_and_latex_escape_names_and_keep_the_label(analysis: Analysis) -> None:
    markdown, latex = as_markdown(analysis), as_latex(analysis)
    assert r"d\_g\|e" in markdown
    assert "| d_g" not in markdown
    assert r"d\_g|e &" in latex
    assert "SIMULATED" in markdown
    assert "Simulated, not rated by people" in latex
    assert latex.count(r" \\") == 1 + 2 + 1


def test_p_values_have_the_digits_that_the_paper_prints() -> None:
    shown = [p_value(p) for p in (0.0206947, 0.0034052857, 1.92e-5, 1, None)]
    assert shown == ["0.020695", "0.003405", "1.92e-05", "1.000000", "-"]


def test_columns_are_aligned() -> None:
    table = Table("Title", ("name", "value"), (("a", "1.5"), ("long name", "10")))
    assert text_table(table) == "Title\n----------------\nname       value\na            1.5\nlong name     10"
    assert markdown_table(table).splitlines()[2:4] == ["| name | value |", "| --- | ---: |"]
