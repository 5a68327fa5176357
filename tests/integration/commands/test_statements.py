"""Several writes in one statement."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from shared.statements import Write, write_together
from tests.infrastructure.databases import Database

_TABLES = """
create temp table parts (owner int, id int primary key, name text) on commit drop;
create temp table sums (owner int, name text primary key, total bigint) on commit drop
"""
_INSERT = Write("insert into parts select $1, * from unnest($2::int[], $3::text[]) on conflict do nothing", ())
_ADD = (
    "insert into sums as s select $1, * from unnest($2::text[], $3::bigint[]) "
    "on conflict (name) do update set total = s.total + excluded.total"
)
_RENAME = "update parts set name = $3 where owner = $1 and id = $2"


@asynccontextmanager
async def _scratch(database: Database) -> AsyncIterator[Any]:
    """The superuser's: nobody else may make tables, not even temporary ones."""
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        async with connection.transaction():
            await connection.execute(_TABLES)
            yield connection
    finally:
        await connection.close()


async def test_each_write_has_its_own_parameters_and_tells_what_it_touched(database: Database) -> None:
    async with _scratch(database) as connection:
        first = [Write(_INSERT.sql, [[1, 2], ["a", "b"]]), Write(_ADD, [["x", "y"], [5, 7]])]
        assert await write_together(connection, 9, first) == [2, 2]
        second = [
            Write(_INSERT.sql, [[2, 3], ["c", "d"]]),
            Write(_ADD, [["y"], [1]]),
            Write(_RENAME, [1, "e"]),
        ]
        assert await write_together(connection, 9, second) == [1, 1, 1]
        rows = await connection.fetch("select owner, id, name from parts order by id")
        assert [tuple(row) for row in rows] == [(9, 1, "e"), (9, 2, "b"), (9, 3, "d")]
        assert await connection.fetchval("select sum(total)::int from sums") == 13


async def test_further_writes_of_the_same_arguments_touch_rows_that_nobody_counts(database: Database) -> None:
    longer = "insert into parts select $1, id + 10, name || $4 from unnest($2::int[], $3::text[]) as p (id, name)"
    insert = "insert into parts select $1, * from unnest($2::int[], $3::text[]) where $4 <> ''"
    async with _scratch(database) as connection:
        writes = [
            Write(_ADD, [["x"], [5]]),
            Write(insert, [[1, 2], ["a", "b"], "!"], (longer,)),
            Write(_ADD, [["y"], [7]]),
        ]
        assert await write_together(connection, 9, writes) == [1, 2, 1]
        rows = await connection.fetch("select owner, id, name from parts order by id")
        assert [tuple(row) for row in rows] == [(9, 1, "a"), (9, 2, "b"), (9, 11, "a!"), (9, 12, "b!")]
        assert await connection.fetchval("select sum(total)::int from sums") == 12


async def test_none_is_done_where_one_is_refused(database: Database) -> None:
    async with _scratch(database) as connection:
        with pytest.raises(asyncpg.NotNullViolationError):
            async with connection.transaction():
                await write_together(connection, 9, [Write(_INSERT.sql, [[1], ["a"]]), Write(_ADD, [[None], [1]])])
        assert await connection.fetchval("select count(*) from parts") == 0


async def test_nothing_to_write_asks_nothing() -> None:
    assert await write_together(None, 1, []) == []
