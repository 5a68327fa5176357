"""Several writes in one statement: over the wire they cost one round trip, and what waits for them waits once."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_PARAMETER = re.compile(r"\$(\d+)")


@dataclass(frozen=True, slots=True)
class Write:
    """An insert, update or delete without `returning`. Its `$1` is what all writes share, its own begin at `$2`.

    `also` are further ones of the same arguments, which are sent once.
    """

    sql: str
    arguments: Sequence[Any]
    also: tuple[str, ...] = ()


async def write_together(connection: Any, shared: Any, writes: Sequence[Write]) -> list[int]:  # noqa: ANN401  pooled or plain
    """Does the writes as one statement; returns how many rows each `sql` has touched, and raises what asyncpg raises.

    None of them sees what another does: they must touch different rows.
    """
    if not writes:
        return []
    arguments = [argument for write in writes for argument in write.arguments]
    widths = tuple((write.sql, write.also, len(write.arguments)) for write in writes)
    row = await connection.fetchrow(_as_one(widths), shared, *arguments)
    return list(row)


@lru_cache(maxsize=1024)
def _as_one(writes: tuple[tuple[str, tuple[str, ...], int], ...]) -> str:
    parts, shift = [], 0
    for place, (sql, also, width) in enumerate(writes):
        parts.append(f"w{place} as ({_shifted(sql, shift)} returning 1)")
        parts += [f"w{place}_{number} as ({_shifted(further, shift)})" for number, further in enumerate(also)]
        shift += width
    counts = ", ".join(f"(select count(*) from w{place})" for place in range(len(writes)))  # noqa: S608  names of ours
    return f"with {', '.join(parts)} select {counts}"


def _shifted(sql: str, by: int) -> str:
    def renumbered(match: re.Match[str]) -> str:
        number = int(match[1])
        return "$1" if number == 1 else f"${number + by}"

    return _PARAMETER.sub(renumbered, sql)
