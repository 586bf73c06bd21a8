"""Work in one thread: together on the disk, apart in failure, acknowledged after the commit."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from survey.server.database import Database

Insert = Callable[[sqlite3.Connection], int]


def insert(value: int) -> Insert:
    def work(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO number VALUES (?)", (value,))
        return value

    return work


def insert_and_fail(connection: sqlite3.Connection) -> int:
    connection.execute("INSERT INTO number VALUES (-1)")
    raise LookupError("no")


def numbers(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        return [value for (value,) in connection.execute("SELECT value FROM number ORDER BY value")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "numbers.sqlite")) as connection:
        connection.execute("CREATE TABLE number (value INTEGER UNIQUE)")
    return tmp_path / "numbers.sqlite"


def test_what_was_acknowledged_is_seen_by_others(path: Path) -> None:
    async def use() -> list[int]:
        database = Database(path)
        assert await database.run(insert(7)) == 7
        seen = numbers(path)
        database.close()
        return seen

    assert asyncio.run(use()) == [7]


def test_many_at_once_are_all_done_and_each_gets_its_own_result(path: Path) -> None:
    async def use() -> list[int]:
        database = Database(path)
        results = await asyncio.gather(*(database.run(insert(value)) for value in range(600)))
        database.close()
        return list(results)

    assert asyncio.run(use()) == list(range(600)) == numbers(path)


def test_work_that_fails_is_undone_alone(path: Path) -> None:
    async def use() -> list[object]:
        database = Database(path)
        work: list[Insert] = [insert(1), insert_and_fail, insert(2), insert(1)]
        ends = await asyncio.gather(*(database.run(one) for one in work), return_exceptions=True)
        database.close()
        return [type(end) if isinstance(end, Exception) else end for end in ends]

    assert asyncio.run(use()) == [1, LookupError, 2, sqlite3.IntegrityError]
    assert numbers(path) == [1, 2]


def test_a_commit_that_fails_is_told_to_all_and_the_next_one_works(path: Path) -> None:
    def spoil(connection: sqlite3.Connection) -> int:
        connection.execute("ROLLBACK")
        return 0

    async def use() -> list[object]:
        database = Database(path)
        ends = await asyncio.gather(database.run(insert(1)), database.run(spoil), return_exceptions=True)
        ends.append(await database.run(insert(2)))
        database.close()
        return [type(end) if isinstance(end, Exception) else end for end in ends]

    *failed, last = asyncio.run(use())
    assert failed[-1] is sqlite3.OperationalError
    assert last == 2
    assert 2 in numbers(path)


def test_closing_waits_for_what_was_asked(path: Path) -> None:
    async def use() -> None:
        database = Database(path)
        waiting = [asyncio.ensure_future(database.run(insert(value))) for value in range(50)]
        await asyncio.sleep(0)
        database.close()
        await asyncio.gather(*waiting)

    asyncio.run(use())
    assert numbers(path) == list(range(50))


def test_the_disk_is_waited_for(path: Path) -> None:
    async def use() -> tuple[object, object]:
        database = Database(path)
        pragmas = await database.run(
            lambda connection: (
                connection.execute("PRAGMA journal_mode").fetchone()[0],
                connection.execute("PRAGMA synchronous").fetchone()[0],
            )
        )
        database.close()
        return pragmas

    assert asyncio.run(use()) == ("wal", 2)
