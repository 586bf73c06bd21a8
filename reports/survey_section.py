"""Human ratings of a run's cells, as the survey's own analysis tells them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.store import Run
from reports.grids import Grid, text_grid
from reports.wording import plural
from survey.analysis import analyse
from survey.ratings import Rating, read_ratings
from survey.results import Analysis
from survey.tables import tables


@dataclass(frozen=True)
class SurveySection:
    """What was rated, what must be known of it, the tables with their titles, and what they assume."""

    lead: str
    simulated: bool
    notes: tuple[str, ...]
    grids: tuple[tuple[str, Grid], ...]
    assumptions: tuple[tuple[str, str], ...]


def read_survey(file: Path, run: Run) -> SurveySection:
    """Analyse a file of ratings for a run's page; a faulty file, or one that compares nothing, is an `InputError`."""
    ratings = read_ratings(file)
    analysis = analyse(ratings)
    grids = tuple((table.title, text_grid(table.title, table.head, table.rows)) for table in tables(analysis))
    notes = (*_strangers(ratings, run), *analysis.notes)
    return SurveySection(_lead(analysis), analysis.simulated, notes, grids, tuple(analysis.assumptions.items()))


def _lead(analysis: Analysis) -> str:
    data = analysis.data
    rated = f"{plural(data.n_ratings, 'rating')} by {plural(data.n_raters, 'rater')} of {plural(data.n_scenes, 'edit')}"
    return f"{rated}. Raters marked pairs of regions that do not fit together: fewer pairs are better."


def _strangers(ratings: Sequence[Rating], run: Run) -> list[str]:
    """Ratings of what this run does not hold are told, as they speak of other pictures than those below."""
    held = {(cell.result.identity.method, cell.result.edit.instruction) for cell in run.cells}
    strange = sum((rating.method, rating.edit) not in held for rating in ratings)
    if not strange:
        return []
    return [f"{strange} of {plural(len(ratings), 'rating')} are of methods or edits that this run does not hold."]
