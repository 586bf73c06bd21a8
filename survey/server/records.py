"""Everything that was handed in, read back from the database: for the export and for the operator."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

from mix2mix.errors import InputError
from survey.ratings import Rating
from survey.server.answers import Answer
from survey.server.checks import Handed, attention_passed
from survey.server.database import BUSY_S
from survey.study import Study


@dataclass(frozen=True)
class HandedIn(Handed):
    """A task that was handed in, with its duration in seconds and its time."""

    seconds: float
    at: datetime


@dataclass(frozen=True)
class RaterRecord:
    """A rater with what they have handed in, in order."""

    name: str
    place: int
    tasks: int
    seen: datetime
    completion: str | None
    handed_in: tuple[HandedIn, ...]

    @property
    def finished(self) -> bool:
        """Whether all tasks are handed in; the completion code was given then."""
        return self.completion is not None


def read_raters(connection: sqlite3.Connection, study: Study) -> list[RaterRecord]:
    """All raters, in the order in which they came."""
    handed_in: dict[int, list[HandedIn]] = {}
    for rater, set_id, repeat, text, at in connection.execute(
        "SELECT rater, set_id, repeat, answer, submitted_at FROM task WHERE submitted_at IS NOT NULL "
        "ORDER BY rater, position"
    ):
        answer = Answer.model_validate_json(text)
        shown = study.plan.by_id[set_id]
        record = HandedIn(shown, bool(repeat), answer.whole_pairs, answer.seconds, _moment(at))
        handed_in.setdefault(rater, []).append(record)
    rows = connection.execute("SELECT id, name, place, seen_at, completion FROM rater ORDER BY id")
    return [
        RaterRecord(
            name=name,
            place=place,
            tasks=len(study.plan.places[place]),
            seen=_moment(seen),
            completion=completion,
            handed_in=tuple(handed_in.get(rater, ())),
        )
        for rater, name, place, seen, completion in rows
    ]


def ratings_of(raters: Sequence[RaterRecord]) -> Iterator[Rating]:
    """The ratings to be analysed; trials and repeats are none, they only tell of a rater."""
    for rater in raters:
        attention = attention_passed(rater.handed_in)
        for task in rater.handed_in:
            if task.shown.kind == "rating" and not task.repeat:
                yield _rating(rater.name, task, attention)


def checks_of(raters: Sequence[RaterRecord]) -> Iterator[tuple[str, HandedIn]]:
    """Attention trials and repeats, each with its rater's name."""
    for rater in raters:
        for task in rater.handed_in:
            if task.shown.kind != "rating" or task.repeat:
                yield rater.name, task


def saved_raters(study: Study) -> list[RaterRecord]:
    """The raters as they are on the disk, also while the server runs; InputError where nobody has begun."""
    address = f"{study.database.resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_S)) as connection:
            return read_raters(connection, study)
    except sqlite3.Error as error:
        fix = "Start it with `mix2mix survey serve`."
        expected = "the database of a study that was started"
        raise InputError(f"ratings {study.database}", got=str(error), expected=expected, fix=fix) from error


def _rating(name: str, task: HandedIn, attention: bool | None) -> Rating:
    return Rating(
        set_id=task.shown.set_id,
        scene=task.shown.scene,
        edit=task.shown.edit,
        method=task.shown.method,
        rater_id=name,
        n_pairs=len(task.pairs),
        pairs=task.pairs,
        duration_s=round(task.seconds, 1),
        attention_passed=attention,
        submitted_at=task.at,
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
