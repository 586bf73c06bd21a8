"""How far the scores of pictures agree with the truth, where it is known: tables of what the benchmark found."""

from dataclasses import dataclass

from benchmark.tables import COLUMNS
from benchmark.validity import Correlation, Fooled, MetricValidity
from reports.grids import Entry, Grid, Heading, Line, count, words
from reports.wording import NOTHING, decimal, signed, span

_TITLES = {column.key: column.title for column in COLUMNS}


@dataclass(frozen=True)
class ValiditySection:
    """Rank correlations, cases where a score was fooled (None: in none), and what they assume."""

    correlations: Grid
    fooled: Grid | None
    assumptions: tuple[str, ...]


def validity_section(validity: MetricValidity | None) -> ValiditySection | None:
    """The section; None without true geometry."""
    if validity is None:
        return None
    headings = (Heading("Score", wide=True), Heading("Scenes", wide=True), *map(Heading, ("cells", "rho", "95 %")))
    correlations = Grid("Scores against the truth", headings, tuple(map(_correlation, validity.correlations)))
    names = [Heading(text, wide=True) for text in ("Score", "It prefers", "to", "although")]
    fooled = Grid("Where a score is fooled", (*names, Heading("by")), tuple(map(_fooled, validity.fooled)))
    return ValiditySection(correlations, fooled if validity.fooled else None, validity.assumptions)


def _correlation(found: Correlation) -> Line:
    rho = Entry(signed(found.rho, 2), key=found.rho)
    scene = words(found.scene) if found.scene else Entry("all", key="")
    return Line((words(_title(found.metric)), scene, count(found.cells), rho, _span(found)), quiet=bool(found.scene))


def _span(found: Correlation) -> Entry:
    return Entry(span(found.interval, 2) or NOTHING, key=found.interval.low if found.interval else None)


def _fooled(found: Fooled) -> Line:
    cells = (name.removeprefix("cells/") for name in (found.better, found.worse))
    names = (words(text) for text in (_title(found.metric), *cells, found.why))
    return Line((*names, Entry(decimal(found.by), key=found.by)))


def _title(metric: str) -> str:
    return _TITLES.get(metric, metric)
