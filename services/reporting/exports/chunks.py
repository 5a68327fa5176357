"""Rows by the hundreds: so many are written at once, and so many are in memory."""

from collections.abc import AsyncIterator

from services.reporting.exports.report import Row

ROWS = 200  # some ten milliseconds: so long the loop serves nobody else


async def chunks(rows: AsyncIterator[Row]) -> AsyncIterator[list[Row]]:
    """Yields the rows in lists of at most ROWS, none of them empty."""
    chunk: list[Row] = []
    async for row in rows:
        chunk.append(row)
        if len(chunk) == ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
