"""Table 2: the survey's own table, the paper's figures beside it."""

import csv

import pytest

from benchmark.formats import as_csv, as_latex
from survey.analysis import analyse
from survey.comparison import Settings
from survey.paper_table import paper_table_2
from survey.results import Analysis
from survey.simulate import Design
from survey.simulated_ratings import simulate_ratings
from survey.tables import table_2


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    ratings = simulate_ratings(Design(), ["i-mix2mix", "t2vz"], seed=1)
    return analyse(ratings, settings=Settings(randomisations=100, resamples=100))


def test_every_figure_of_the_survey_is_there_unchanged(analysis: Analysis) -> None:
    ours, table = table_2(analysis), paper_table_2(analysis, ["i-mix2mix", "t2vz"])
    places = [table.head.index(heading) for heading in ours.head]
    assert tuple(tuple(row[place] for place in places) for row in table.rows) == ours.rows


def test_the_paper_s_figures_stand_beside_it(analysis: Analysis) -> None:
    table = paper_table_2(analysis, ["i-mix2mix", "t2vz"])
    (first, second) = (dict(zip(table.head, row, strict=True)) for row in table.rows)
    paper = ("#Pairs, paper", "Scene wins %, paper", "Consistent %, paper", "Inconsistent %, paper")
    assert [first[heading] for heading in paper] == ["1.34", "75", "65", "13"]
    assert [second[heading] for heading in paper] == ["-"] * 4
    assert table.number == 2


def test_csv_has_both_with_every_digit(analysis: Analysis) -> None:
    rows = list(csv.DictReader(as_csv(paper_table_2(analysis, [])).splitlines()))
    assert [float(row["mean_pairs"]) for row in rows] == [row.mean_pairs for row in analysis.table2.values()]
    assert [row["mean_pairs_paper"] for row in rows] == ["1.34", ""]


def test_a_simulation_is_labelled_in_title_and_caption(analysis: Analysis) -> None:
    table = paper_table_2(analysis, [])
    assert "(SIMULATED)" in table.title
    assert table.caption.startswith("SIMULATED: not rated by people.")
    assert r"\caption{Table 2 (SIMULATED)" in as_latex(table)


def test_what_does_not_fit_the_run_is_told(analysis: Analysis) -> None:
    notes = paper_table_2(analysis, ["i-mix2mix", "dge"]).notes
    assert "Not rated: dge." in notes
    assert "Rated, but not in this run: t2vz." in notes
    assert not any("in this run" in note for note in paper_table_2(analysis, ["i-mix2mix", "t2vz"]).notes)
