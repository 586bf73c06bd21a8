"""What the database of a study holds, and every statement that reads or writes it.

A rater's tasks are made when they consent, a row each; an answer is a change of that row. So no rating can be there
twice, and a rating that was acknowledged is a row with a time of submission.
"""

import hashlib
import secrets
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from mix2mix.errors import InputError
from survey.server.answers import Answer, Sent
from survey.server.database import connect
from survey.study import Study, Trial

SCHEMA = """
CREATE TABLE IF NOT EXISTS study (digest TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rater (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    token_digest TEXT NOT NULL UNIQUE,
    session_digest TEXT,
    place INTEGER NOT NULL,
    consented_at REAL NOT NULL,
    seen_at REAL NOT NULL,
    completion TEXT
);
CREATE INDEX IF NOT EXISTS rater_by_place ON rater (place);
CREATE TABLE IF NOT EXISTS task (
    rater INTEGER NOT NULL REFERENCES rater (id),
    position INTEGER NOT NULL,
    token TEXT NOT NULL UNIQUE,
    set_id TEXT NOT NULL,
    repeat INTEGER NOT NULL,
    revision INTEGER NOT NULL DEFAULT 0,
    answer TEXT,
    submitted_at REAL,
    PRIMARY KEY (rater, position)
);
"""


@dataclass(frozen=True)
class Visitor:
    """Who asks to begin: digests of the token of their browser and of their session, and their participant id."""

    token_digest: str
    name: str
    session_digest: str | None


@dataclass(frozen=True)
class Rater:
    """A rater who consented; the completion code is there when all tasks are submitted."""

    id: int
    name: str
    completion: str | None


@dataclass(frozen=True)
class Task:
    """A rater's task with its answer so far; positions count from 0."""

    token: str
    position: int
    count: int
    set_id: str
    revision: int
    answer: Answer


Beginning = Literal["begun", "resumed", "taken", "full"]
Saving = Literal["saved", "conflict", "unknown"]


@dataclass(frozen=True)
class Saved:
    """How a change ended: the revision that is now kept, and whether it was the rater's last task."""

    end: Saving
    revision: int = 0
    finished: bool = False


def prepare(study: Study) -> None:
    """Make the tables; InputError where the file belongs to another plan or cannot be used."""
    try:
        connection = connect(study.database)
    except sqlite3.Error as error:
        raise _unusable(study, str(error)) from error
    try:
        connection.executescript(SCHEMA)
        connection.execute("INSERT INTO study SELECT ? WHERE NOT EXISTS (SELECT 1 FROM study)", (study.digest,))
        (digest,) = connection.execute("SELECT digest FROM study").fetchone()
    except sqlite3.Error as error:
        raise _unusable(study, str(error)) from error
    finally:
        connection.close()
    if digest != study.digest:
        raise _unusable(study, "ratings of another plan")


def digest_of(token: str) -> str:
    """What is kept of a token, so that the file does not let anyone in."""
    return hashlib.sha256(token.encode()).hexdigest()


def begin(connection: sqlite3.Connection, study: Study, visitor: Visitor, now: float) -> Beginning:
    """Give a visitor a place and its tasks, or the one they had: in the same session under the same participant id."""
    known = connection.execute("SELECT id, session_digest FROM rater WHERE name = ?", (visitor.name,)).fetchone()
    if known is not None:
        if visitor.session_digest is None or known[1] != visitor.session_digest:
            return "taken"
        connection.execute("UPDATE rater SET token_digest = ? WHERE id = ?", (visitor.token_digest, known[0]))
        return "resumed"
    place = _free_place(connection, study, now)
    if place is None:
        return "full"
    _give(connection, place, study.plan.places[place], visitor, now)
    return "begun"


def rater_of(connection: sqlite3.Connection, token_digest: str) -> Rater | None:
    """The rater whose browser holds that token."""
    row = connection.execute(
        "SELECT id, name, completion FROM rater WHERE token_digest = ?", (token_digest,)
    ).fetchone()
    return None if row is None else Rater(*row)


def current_task(connection: sqlite3.Connection, rater: int) -> Task | None:
    """The first task that the rater has not submitted."""
    row = connection.execute(
        "SELECT token, position, (SELECT count(*) FROM task WHERE rater = :rater), set_id, revision, answer FROM task "
        "WHERE rater = :rater AND submitted_at IS NULL ORDER BY position LIMIT 1",
        {"rater": rater},
    ).fetchone()
    if row is None:
        return None
    token, position, count, set_id, revision, answer = row
    kept = Answer() if answer is None else Answer.model_validate_json(answer)
    return Task(token, position, count, set_id, revision, kept)


def set_of(connection: sqlite3.Connection, token_digest: str, task: str) -> str | None:
    """The set that a task shows, if it is one of the rater's whose browser holds that token."""
    row = connection.execute(
        "SELECT set_id FROM task JOIN rater ON rater.id = task.rater WHERE task.token = ? AND rater.token_digest = ?",
        (task, token_digest),
    ).fetchone()
    return None if row is None else str(row[0])


def save(connection: sqlite3.Connection, sent: Sent, now: float, completion: str | None) -> Saved:
    """Keep a change; with a completion code also hand the task in, and give the code if it was the last.

    A change that is already there is acknowledged again; one made on another revision than the kept one is a conflict.
    """
    row = connection.execute(
        "SELECT rater, revision, answer, submitted_at IS NOT NULL FROM task WHERE token = ?", (sent.task,)
    ).fetchone()
    if row is None:
        return Saved("unknown")
    rater, *kept = row
    text, submit = sent.answer.model_dump_json(), completion is not None
    if kept != [sent.revision + 1, text, submit]:
        if kept[0] != sent.revision or kept[2]:
            return Saved("conflict")
        connection.execute(
            "UPDATE task SET answer = ?, revision = revision + 1, submitted_at = ? WHERE token = ?",
            (text, now if submit else None, sent.task),
        )
        connection.execute("UPDATE rater SET seen_at = ? WHERE id = ?", (now, rater))
    finished = completion is not None and _finish(connection, rater, completion)
    return Saved("saved", sent.revision + 1, finished)


def _finish(connection: sqlite3.Connection, rater: int, completion: str) -> bool:
    """Give the completion code when no task is left."""
    if current_task(connection, rater) is not None:
        return False
    connection.execute("UPDATE rater SET completion = coalesce(completion, ?) WHERE id = ?", (completion, rater))
    return True


def _give(connection: sqlite3.Connection, place: int, trials: Iterable[Trial], visitor: Visitor, now: float) -> None:
    """Note the rater and their tasks, each under a token of its own."""
    rater = connection.execute(
        "INSERT INTO rater (name, token_digest, session_digest, place, consented_at, seen_at) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (visitor.name, visitor.token_digest, visitor.session_digest, place, now, now),
    ).lastrowid
    connection.executemany(
        "INSERT INTO task (rater, position, token, set_id, repeat) VALUES (?, ?, ?, ?, ?)",
        [
            (rater, position, secrets.token_urlsafe(16), trial.set_id, trial.repeat)
            for position, trial in enumerate(trials)
        ],
    )


def _free_place(connection: sqlite3.Connection, study: Study, now: float) -> int | None:
    """The first place that nobody has; when all are taken, one whose raters stopped, the least often given first."""
    idle_since = now - 60 * study.settings.participants.idle_minutes
    rows = connection.execute(
        "SELECT place, count(*), sum(completion IS NOT NULL OR seen_at > ?) FROM rater GROUP BY place", (idle_since,)
    )
    had = {place: (raters, busy) for place, raters, busy in rows}
    given = [(*had.get(place, (0, 0)), place) for place in range(len(study.plan.places))]
    free = [(raters, place) for raters, busy, place in given if not busy]
    return min(free)[1] if free else None


def _unusable(study: Study, got: str) -> InputError:
    expected, fix = "the database of this study", "Restore it, or make a new study with `mix2mix survey create`."
    return InputError(f"ratings {study.database}", got=got, expected=expected, fix=fix)
