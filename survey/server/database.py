"""One SQLite file, one thread: work that waits at the same time shares a commit, and none is done before it is on disk.

With ``synchronous=FULL`` a commit returns when the write-ahead log is on the disk. That takes milliseconds, so that
many raters could not have a commit each; sharing one keeps the waiting short and the promise whole.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
"""What is done in a transaction; an exception undoes this piece of work alone."""

BATCH = 256
BUSY_S = 10.0


@dataclass(frozen=True)
class _Job:
    work: Work[Any]
    done: "Future[Any]"


class Database:
    """The database of a study; worked on in a thread of its own."""

    def __init__(self, path: Path) -> None:
        self._connection = connect(path)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="database", daemon=True)
        self._thread.start()

    async def run(self, work: Work[T]) -> T:
        """Do a piece of work in a transaction; when this returns, what it wrote is on the disk."""
        done: Future[T] = Future()
        self._jobs.put(_Job(work, done))
        return await asyncio.wrap_future(done)

    def close(self) -> None:
        """Finish the work that waits, and let go of the file."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while batch := self._batch():
            _commit_together(self._connection, batch)
        self._connection.close()

    def _batch(self) -> list[_Job]:
        """All jobs that wait, at least one; none when the database is being closed."""
        batch: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            batch.append(job)
            if len(batch) == BATCH:
                return batch
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return batch
        if batch:
            self._jobs.put(None)  # seen again when this batch is done
        return batch


def connect(path: Path) -> sqlite3.Connection:
    """A connection for one thread at a time, in WAL mode, that waits for the disk at every commit."""
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _commit_together(connection: sqlite3.Connection, batch: list[_Job]) -> None:
    """Do a batch in one transaction and tell each its own end, after the commit; a commit that fails is told to all."""
    running = [job for job in batch if job.done.set_running_or_notify_cancel()]
    try:
        connection.execute("BEGIN IMMEDIATE")
        ends = [_attempt(connection, job.work) for job in running]
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        for job in running:
            job.done.set_exception(error)
        return
    for job, end in zip(running, ends, strict=True):
        end(job.done)


def _attempt(connection: sqlite3.Connection, work: Work[Any]) -> Callable[["Future[Any]"], None]:
    """Do one piece of work; how its future is to end. What it wrote is undone if it fails."""
    connection.execute("SAVEPOINT job")
    try:
        result = work(connection)
    except Exception as error:
        failure = error
        connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")
        return lambda done: done.set_exception(failure)
    connection.execute("RELEASE job")
    return lambda done: done.set_result(result)
