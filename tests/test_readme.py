"""README's figures are those of the references that come with the package."""

import csv
import json
from pathlib import Path
from statistics import fmean

import pytest

from benchmark.published import TABLE_1, TABLE_3, TABLE_4, TABLE_5, Table

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "benchmark" / "reference"
SIX = {
    "I-Mix2Mix": "i-mix2mix",
    "teacher only": "teacher-only",
    "student only": "student-only",
    "Text2Video-Zero": "t2vz",
    "unedited": "unedited",
    "oracle": "oracle",
}
METHODS = {
    "I-Mix2Mix": ("i-mix2mix",),
    "coupled diffusion sampling": ("coupled",),
    "SDEdit-style fusion, noise 0.25, 0.5, 0.75": ("sdedit@noise=0.25", "sdedit", "sdedit@noise=0.75"),
    "student only": ("student-only",),
    "Text2Video-Zero": ("t2vz",),
    "I-N2N": ("in2n",),
    "I-GS2GS": ("igs2gs",),
    "teacher only": ("teacher-only",),
    "DGE": ("dge",),
}
RUNTIMES = ("I-N2N", "I-Mix2Mix", "I-GS2GS", "DGE", "Text2Video-Zero")
VARIANTS = {
    "as it is: k = 50, f = 0.5": ("i-mix2mix",),
    "no random cross-view attention": ("i-mix2mix@attention=plain",),
    "teacher's times matched to the student's": ("i-mix2mix@teacher_time=matched",),
    "teacher's times uniform": ("i-mix2mix@teacher_time=uniform",),
    "unedited reference": ("i-mix2mix@reference=unedited",),
    "learned latent mapping": ("i-mix2mix@latent_mapping=learned",),
    "k = 10, 20": ("i-mix2mix@k=10", "i-mix2mix@k=20"),
    "k = 30, 40": ("i-mix2mix@k=30", "i-mix2mix@k=40"),
    "f = 0.1": ("i-mix2mix@f=0.1",),
    "f = 1": ("i-mix2mix@f=1.0",),
    "f = 2": ("i-mix2mix@f=2.0",),
}


def readme_table(heading: str) -> dict[str, list[str]]:
    """The fields of every row of README's first table after its heading's first words, by the row's label."""
    lines = iter((ROOT / "README.md").read_text(encoding="utf-8").partition(heading)[2].splitlines())
    rows = []
    for line in lines:
        if line.startswith("| "):
            rows.append([field.strip() for field in line.strip("| ").split("|")])
        elif rows:
            break
    return {row[0]: row[1:] for row in rows if not row[0].startswith(("---", "method", "minutes", "variant"))}


def committed(table: str) -> dict[str, dict[str, str]]:
    """The rows of a table of a committed run, by method."""
    with (REFERENCE / table).open(newline="", encoding="utf-8") as file:
        return {row["method"]: row for row in csv.DictReader(file)}


def shown(methods: tuple[str, ...], tables: tuple[Table, ...], columns: tuple[str, ...]) -> list[str]:
    """``0.857 (0.342)``, as README writes the values of one method or several, the paper's in brackets."""
    rows = committed("mini-full-tables/every-method.csv")
    paper = {row.method: row for table in tables for row in table.rows}
    fields = []
    for column in columns:
        values = ", ".join(f"{float(rows[method][column]):.3f}" for method in methods)
        known = [getattr(paper.get(method), column.removeprefix("clip_"), None) for method in methods]
        told = ", ".join("-" if value is None else f"{value:.3f}" for value in known)
        fields.append(f"{values} ({told})" if any(known) else values)
    return fields


@pytest.mark.parametrize("label", SIX)
def test_means_over_five_seeds_are_the_reference_s(label: str) -> None:
    cells = json.loads((REFERENCE / "mini-full.json").read_text())["cells"]
    mine = [cell["metrics"] for cell in cells if cell["method"] == SIX[label]]
    keys = ("clip_cons", "clip_sim", "clip_dir", "relative_error")
    expected = [f"{fmean(metrics[key]['mean'] for metrics in mine):.3f}" for key in keys]
    assert readme_table("All twenty edits of the paper")[label] == expected


@pytest.mark.parametrize("label", METHODS)
def test_table_1_is_the_committed_one(label: str) -> None:
    keys = ("clip_cons", "clip_sim", "clip_dir", "relative_error")
    assert readme_table("## The paper's tables")[label] == shown(METHODS[label], (TABLE_1,), keys)


@pytest.mark.parametrize("label", VARIANTS)
def test_tables_3_and_5_are_the_committed_ones(label: str) -> None:
    keys = ("clip_cons", "clip_dir", "relative_error")
    assert readme_table("| variant of I-Mix2Mix")[label] == shown(VARIANTS[label], (TABLE_3, TABLE_5), keys)


@pytest.mark.parametrize("label", RUNTIMES)
def test_table_4_is_the_committed_one(label: str) -> None:
    """Minutes an edit, extrapolated where it is, and to fit the scene; and the paper's."""
    (method,) = METHODS[label]
    rows = {name.partition("@")[0]: row for name, row in committed("paper-full-tables/table-4.csv").items()}
    row, paper = rows[method], {row.method: row.minutes for row in TABLE_4.rows}
    seconds = (row["seconds_extrapolated"] or row["seconds"], row["seconds_fit"])
    found = [f"{float(value) / 60:.2f}" if value else "-" for value in seconds]
    assert readme_table("| minutes an edit")[label] == [*found, f"{paper[method]:g}"]


def test_a_row_says_what_it_is_of() -> None:
    assert readme_table("| minutes an edit").keys() == set(RUNTIMES)
    assert readme_table("All twenty edits of the paper").keys() == SIX.keys()
    assert readme_table("## The paper's tables").keys() == METHODS.keys()
    assert readme_table("| variant of I-Mix2Mix").keys() == VARIANTS.keys()
