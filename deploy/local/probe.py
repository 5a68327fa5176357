"""Asks processes of this machine whether they live, and what hinders them."""

import asyncio
import json
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


async def hindrance(url: str, within: float = 3.0) -> str | None:
    """Returns why a process that lives does not do all its work, as `/ready` tells; else None."""
    address = urlsplit(url)
    try:
        async with asyncio.timeout(within):
            answer = await _answer_of(address.hostname or "", address.port or 80, "/ready")
            said = json.loads(answer.partition(b"\r\n\r\n")[2])
    except (OSError, TimeoutError, ValueError):
        return None
    reason = said.get("reason") if isinstance(said, dict) else None
    return reason if isinstance(reason, str) else None


async def _answer_of(host: str, port: int, path: str) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        return await reader.read()
    finally:
        writer.close()


async def _status_of(host: str, port: int, path: str) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        return await reader.readline()
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
