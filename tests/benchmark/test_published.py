"""The paper's tables as data: every row is a variant that can be asked for, with the paper's numbers."""

import pytest

from baselines.api import Published
from baselines.registry import SPECS, parse_variant
from benchmark.published import TABLES, Table, find_published, find_table, split_known
from mix2mix.errors import InputError

EVERY_TABLE = pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: f"table-{table.number}")


@EVERY_TABLE
def test_every_variant_of_a_known_method_parses_and_goes_by_its_own_name(table: Table) -> None:
    there, _ = split_known(table, SPECS)
    assert [parse_variant(method).name for method in there] == list(there)


@EVERY_TABLE
def test_a_variant_is_named_once(table: Table) -> None:
    assert len({row.method for row in table.rows}) == len(table.rows)
    assert len(set(table.methods)) == len(table.methods) == len({*table.methods, *table.beside})


@EVERY_TABLE
def test_rows_agree_with_what_the_methods_say_of_themselves(table: Table) -> None:
    for spec in SPECS.values():
        row, published = table.row(spec.id), spec.published
        if row and published and published.source == f"Table {table.number}":
            assert (row.cons, row.sim, row.dir) == (published.cons, published.sim, published.dir)
        if row and published and table.number == 4:
            assert row.minutes == published.minutes


def test_the_ablations_take_away_one_part_each() -> None:
    variants = [parse_variant(method) for method in find_table(3).methods]
    ours = [dict(variant.settings) for variant in variants if variant.spec.id == "i-mix2mix"]
    assert sorted(len(settings) for settings in ours) == [0, 1, 1, 1, 1, 1]


def test_table_5_is_of_k_and_f_around_the_paper_s_50_and_a_half() -> None:
    asked = [dict(parse_variant(method).settings) for method in find_table(5).methods]
    assert asked == [{"k": 20}, {"k": 30}, {"k": 40}, {}, {"f": 0.1}, {"f": 1.0}, {"f": 2.0}]


def test_in_the_paper_more_updates_make_the_views_agree_and_without_shared_attention_they_do_not() -> None:
    table = find_table(5)
    cons = [table.row(method).cons for method in table.methods[:4]]  # type: ignore[union-attr]
    assert cons == sorted(cons)  # type: ignore[type-var]
    without = find_table(3).row("i-mix2mix@attention=plain")
    assert without is not None
    assert (without.cons, without.sim, without.dir) == (0.230, 0.260, 0.175)


def test_methods_that_are_not_there_are_told_apart() -> None:
    there, absent = split_known(find_table(4), {"t2vz", "i-mix2mix"})
    assert (there, absent) == (("i-mix2mix", "t2vz"), ("in2n", "igs2gs", "dge"))


@pytest.mark.parametrize(
    ("method", "published"),
    [
        ("i-mix2mix@k=20", Published("Table 5", 0.108, 0.246, 0.186, 10)),
        ("i-mix2mix@teacher_time=matched", Published("Table 3", 0.435, 0.231, 0.107)),
        ("dge", Published("Table 1", 0.287, 0.256, 0.182)),
        ("i-mix2mix@k=21", None),
        ("unedited", None),
    ],
)
def test_a_variant_s_published_scores_are_found_by_its_name(method: str, published: Published | None) -> None:
    assert find_published(method) == published


def test_an_unknown_table_is_told() -> None:
    with pytest.raises(InputError, match="got 2; expected one of 1, 3, 4, 5"):
        find_table(2)
