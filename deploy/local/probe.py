"""Asks processes of this machine whether they live."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit


async def is_live(url: str, within: float = 2.0) -> bool:
    """Tells whether a process answers its liveness probe with 2xx.

    Ten processes are asked ten times a second while they start: a client library would take a core for that.
    """
    address = urlsplit(url)
    try:
        async with asyncio.timeout(within):
            status = await _status_of(address.hostname or "", address.port or 80, "/live")
    except (OSError, TimeoutError):
        return False
    return status.split()[1:2] in ([b"200"], [b"204"])


async def _status_of(host: str, port: int, path: str) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        return await reader.readline()
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
