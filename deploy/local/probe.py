"""Asks processes of this machine whether they live, and what hinders them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit


async def is_live(url: str, within: float = 2.0) -> bool:
    """Tells whether a process answers its liveness probe with 2xx.

    Ten processes are asked ten times a second while they start: a client library would take a core for that.
    """
    try:
        async with asyncio.timeout(within), _answer_of(url, "/live") as answer:
            status = await answer.readline()
    except (OSError, TimeoutError):
        return False
    return status.split()[1:2] in ([b"200"], [b"204"])


async def hindrance(url: str, within: float = 3.0) -> str | None:
    """Returns why a process that lives does not do all its work, as `/ready` tells; else None."""
    try:
        async with asyncio.timeout(within), _answer_of(url, "/ready") as answer:
            said = json.loads((await answer.read()).partition(b"\r\n\r\n")[2])
    except (OSError, TimeoutError, ValueError):
        return None
    reason = said.get("reason") if isinstance(said, dict) else None
    return reason if isinstance(reason, str) else None


@asynccontextmanager
async def _answer_of(url: str, path: str) -> AsyncIterator[asyncio.StreamReader]:
    address = urlsplit(url)
    host, port = address.hostname or "", address.port or 80
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        yield reader
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
