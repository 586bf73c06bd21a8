"""``mix2mix survey export``: what is on the disk as CSV, at any time, also while the server runs."""

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path

from benchmark.store import replace_file
from survey.ratings import write_ratings
from survey.server.checks import passed
from survey.server.records import RaterRecord, checks_of, ratings_of

CHECK_COLUMNS = ("rater_id", "set_id", "kind", "n_pairs", "first_n_pairs", "passed", "duration_s", "submitted_at")


def export_ratings(raters: Sequence[RaterRecord], output: Path) -> int:
    """Write the ratings as `survey analyze` reads them; how many there are."""
    ratings = list(ratings_of(raters))
    stream = StringIO(newline="")
    write_ratings(stream, ratings)
    replace_file(output, stream.getvalue().encode())
    return len(ratings)


def export_checks(raters: Sequence[RaterRecord], output: Path) -> int:
    """Write attention trials (`passed`) and repeats (`first_n_pairs`: pairs at the first time); how many there are."""
    stream = StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(CHECK_COLUMNS)
    rows = list(_check_rows(raters))
    writer.writerows(rows)
    replace_file(output, stream.getvalue().encode())
    return len(rows)


def _check_rows(raters: Sequence[RaterRecord]) -> Iterator[tuple[object, ...]]:
    rated = [(rater.name, task) for rater in raters for task in rater.handed_in if not task.repeat]
    first = {(name, task.shown.set_id): len(task.pairs) for name, task in rated}
    for name, task in checks_of(raters):
        set_id, count = task.shown.set_id, len(task.pairs)
        kind = "repeat" if task.repeat else task.shown.kind
        before = first[name, set_id] if task.repeat else ""
        right = "" if task.repeat else str(passed(task.shown, task.pairs)).lower()
        yield name, set_id, kind, count, before, right, round(task.seconds, 1), task.at.isoformat()
