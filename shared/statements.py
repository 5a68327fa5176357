"""Several writes in one statement: over the wire they cost one round trip, and what waits for them waits once."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

_PARAMETER = re.compile(r"\$(\d+)")


@dataclass(frozen=True, slots=True)
class Write:
    """An insert, update or delete without `returning`. Its `$1` is what all writes share, its own begin at `$2`.

    `also` are further ones of the same arguments, which are sent once. `rows`: how many `sql` must touch.
    """

    sql: str
    arguments: Sequence[Any]
    also: tuple[str, ...] = ()
    rows: int | None = None


async def write_together(connection: Any, shared: Any, writes: Sequence[Write]) -> list[int]:  # noqa: ANN401  pooled or plain
    """Does the writes as one statement; returns how many rows each `sql` has touched, and raises what asyncpg raises.

    None of them sees what another does: they must touch different rows.
    """
    if not writes:
        return []
    arguments = [argument for write in writes for argument in write.arguments]
    row = await connection.fetchrow(_as_one(_widths(writes)), shared, *arguments)
    return list(row)


async def write_at_once(connection: Any, shared: Any, writes: Sequence[Write], provided: str) -> None:  # noqa: ANN401
    """Does the writes in their order as one statement that is a transaction by itself: all of it happens, or nothing.

    Each must touch as many rows as it says, and `provided`, an expression of `$1`, must be true: it is asked before
    anything is written, and a lock that it takes is held until the end. Raises asyncpg.SerializationError if not, and
    what asyncpg raises.
    """
    arguments = [argument for write in writes for argument in write.arguments]
    meant = [write.rows for write in writes]
    await connection.execute(_at_once(_widths(writes), provided), shared, *arguments, meant)


# SQL, further SQL, and the number of arguments of each write.
_Widths: TypeAlias = tuple[tuple[str, tuple[str, ...], int], ...]


def _widths(writes: Sequence[Write]) -> _Widths:
    return tuple((write.sql, write.also, len(write.arguments)) for write in writes)


@lru_cache(maxsize=1024)
def _at_once(writes: _Widths, provided: str) -> str:
    parts, last = _parts(writes)
    return f"with {parts} select refuse_unless({provided}, array[{_counts(writes)}]::bigint[], ${last + 1}::bigint[])"


@lru_cache(maxsize=1024)
def _as_one(writes: _Widths) -> str:
    return f"with {_parts(writes)[0]} select {_counts(writes)}"


def _counts(writes: _Widths) -> str:
    """What is counted is done in the order of its counting."""
    return ", ".join(f"(select count(*) from w{place})" for place in range(len(writes)))  # noqa: S608  names of ours


def _parts(writes: _Widths) -> tuple[str, int]:
    """Returns the writes as parts of a `with`, and the number of their last parameter."""
    parts, shift = [], 0
    for place, (sql, also, width) in enumerate(writes):
        parts.append(f"w{place} as ({shifted(sql, shift)} returning 1)")
        parts += [f"w{place}_{number} as ({shifted(further, shift)})" for number, further in enumerate(also)]
        shift += width
    return ", ".join(parts), shift + 1


def shifted(sql: str, by: int) -> str:
    """Returns SQL whose parameters from `$2` on have other numbers; `$1` is what all share."""

    def renumbered(match: re.Match[str]) -> str:
        number = int(match[1])
        return "$1" if number == 1 else f"${number + by}"

    return _PARAMETER.sub(renumbered, sql)
