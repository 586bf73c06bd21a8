"""Tables as data: what each field is sorted by."""

import pytest

from reports.grids import count, text_grid, words


def test_names_are_sorted_without_regard_to_capitals() -> None:
    assert words("DGE").key == "dge"


def test_counts_are_sorted_as_numbers() -> None:
    assert (count(1200).text, count(1200).key) == ("1,200", 1200)


@pytest.mark.parametrize(
    ("text", "key"),
    [("0.25 ± 0.03", 0.25), ("−0.07", -0.07), ("+1.5", 1.5), ("1,200", 1200), ("22 min", 22), ("-", None), ("", None)],
)
def test_texts_of_numbers_are_sorted_by_the_number_they_begin_with(text: str, key: float | None) -> None:
    grid = text_grid("A table", ("Name", "Value"), [("a", text)])
    assert grid.lines[0].entries[1].key == key


def test_as_many_columns_are_names_as_are_said_to_be() -> None:
    grid = text_grid("A table", ("Name", "Kind", "Value"), [("a", "7b", "2")], texts=2)
    assert [heading.wide for heading in grid.headings] == [True, True, False]
    assert [entry.key for entry in grid.lines[0].entries] == ["a", "7b", 2]
