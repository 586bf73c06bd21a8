"""An analysis as tables."""

import csv

import pytest

from survey.analysis import analyse
from survey.comparison import Settings
from survey.results import Analysis
from survey.simulate import Design
from survey.simulated_ratings import simulate_ratings
from survey.tables import as_csv, as_latex, as_markdown, as_text, p_value


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
    assert r"d_g\|e" in markdown
    assert r"d\_g\textbar{}e &" in latex
    assert "SIMULATED" in markdown
    assert r"\caption{Table 2 (SIMULATED)." in latex
    assert latex.count(r" \\") == 1 + 2


def test_p_values_have_the_digits_that_the_paper_prints() -> None:
    shown = [p_value(p) for p in (0.0206947, 0.0034052857, 1.92e-5, 1, None)]
    assert shown == ["0.020695", "0.003405", "1.92e-05", "1.000000", "-"]
