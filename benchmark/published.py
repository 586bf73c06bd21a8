"""The paper's tables of methods as data: which variant each row is, and what it scored there (arXiv 2511.14899).

A table's matrix is its rows, by the names that `--methods` takes, and what is run beside them here. Tables 3 and 5 are
of six of the twenty edits in the paper, which six is not known: they are run on all.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from baselines.api import Published
from mix2mix.errors import InputError


@dataclass(frozen=True)
class Row:
    """A row: the variant by name, its CLIP scores, and minutes an edit on an L40S; None where the table has none."""

    method: str
    cons: float | None = None
    sim: float | None = None
    dir: float | None = None
    minutes: float | None = None


@dataclass(frozen=True)
class Table:
    """A table of the paper; ``beside`` are the variants that are run with its rows without being in it."""

    number: int
    caption: str
    rows: tuple[Row, ...]
    beside: tuple[str, ...] = ()

    @property
    def methods(self) -> tuple[str, ...]:
        """The whole matrix, each variant once."""
        return tuple(dict.fromkeys([*(row.method for row in self.rows), *self.beside]))

    def row(self, method: str) -> Row | None:
        """The row of that variant."""
        return next((row for row in self.rows if row.method == method), None)


FULL = Row("i-mix2mix", 0.337, 0.263, 0.178, 22)
"""The whole method on the six edits of Tables 3 and 5; also their k = 50 and f = 0.5."""

TABLE_1 = Table(
    number=1,
    caption="methods, 20 edits, N = 4",
    rows=(
        Row("in2n", 0.034, 0.196, 0.105),
        Row("igs2gs", 0.314, 0.253, 0.169),
        Row("t2vz", 0.310, 0.251, 0.159),
        Row("dge", 0.287, 0.256, 0.182),
        Row("i-mix2mix", 0.342, 0.258, 0.173),
    ),
    beside=("teacher-only", "student-only", "sdedit@noise=0.25", "sdedit", "sdedit@noise=0.75", "coupled", "unedited"),
)

TABLE_3 = Table(
    number=3,
    caption="ablations",
    rows=(
        Row("student-only", 0.014, 0.212, 0.161),
        Row("teacher-only", 0.228, 0.252, 0.184),
        Row("i-mix2mix@reference=unedited", 0.326, 0.264, 0.174),
        Row("i-mix2mix@latent_mapping=learned", 0.287, 0.259, 0.180),
        Row("i-mix2mix@teacher_time=uniform", 0.363, 0.260, 0.146),
        Row("i-mix2mix@teacher_time=matched", 0.435, 0.231, 0.107),
        Row("i-mix2mix@attention=plain", 0.230, 0.260, 0.175),
        FULL,
    ),
)

TABLE_4 = Table(
    number=4,
    caption="minutes per edit",
    rows=(
        Row("in2n", minutes=107),
        Row("i-mix2mix", minutes=22),
        Row("igs2gs", minutes=8),
        Row("dge", minutes=5),
        Row("t2vz", minutes=0.5),
    ),
)

TABLE_5 = Table(
    number=5,
    caption="updates per timestep k, sharpness f of the teacher's timesteps",
    rows=(
        Row("i-mix2mix@k=20", 0.108, 0.246, 0.186, 10),
        Row("i-mix2mix@k=30", 0.225, 0.250, 0.176, 14),
        Row("i-mix2mix@k=40", 0.318, 0.261, 0.174, 18),
        FULL,
        Row("i-mix2mix@f=0.1", 0.346, 0.259, 0.158),
        Row("i-mix2mix@f=1.0", 0.306, 0.263, 0.179),
        Row("i-mix2mix@f=2.0", 0.212, 0.251, 0.186),
    ),
)

TABLES: Mapping[int, Table] = MappingProxyType({t.number: t for t in (TABLE_1, TABLE_3, TABLE_4, TABLE_5)})


def find_table(number: int) -> Table:
    """The table of that number; another is an `InputError`."""
    if number not in TABLES:
        expected = f"one of {', '.join(map(str, TABLES))}"
        raise InputError("table of the paper", got=number, expected=expected, fix="Choose one of them.")
    return TABLES[number]


def find_published(method: str) -> Published | None:
    """What the paper prints for a variant by that name: of the first table with scores for it."""
    for table in TABLES.values():
        row = table.row(method)
        if row and row.cons is not None and row.sim is not None and row.dir is not None:
            return Published(f"Table {table.number}", row.cons, row.sim, row.dir, row.minutes)
    return None


def split_known(table: Table, known: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The table's variants of the known methods, and those of methods that are not there (yet)."""
    there = tuple(method for method in table.methods if method.partition("@")[0] in known)
    return there, tuple(method for method in table.methods if method not in there)
