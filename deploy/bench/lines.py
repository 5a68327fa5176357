"""Requests over a few connections that stay open, by a client that spends less than what it measures."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Self, cast

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_LAST_CHUNK = b"0\r\n\r\n"
_ANSWER_SECONDS = 30.0


@dataclass
class Answered:
    """How many answers came in `seconds` (time.monotonic), with which status, and how long each took."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    delays: list[float] = field(default_factory=list)

    def __add__(self, other: "Answered") -> "Answered":
        """What came in both times together."""
        return Answered(self.seconds + other.seconds, self.statuses + other.statuses, self.delays + other.delays)

    @property
    def rate(self) -> float:
        return len(self.delays) / self.seconds

    def refused(self) -> dict[int, int]:
        """Returns how many were answered with anything but 2xx, by status."""
        return {status: count for status, count in self.statuses.items() if not 200 <= status < 300}


def _is_whole(head: bytes, body: bytes) -> bool:
    """Without a length an answer ends with an empty chunk; no line break stands inside of what is asked for here."""
    length = _LENGTH.search(head)
    return body.endswith(_LAST_CHUNK) if length is None else len(body) >= int(length[1])


class _Line(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._answer: asyncio.Future[int] | None = None

    @classmethod
    @asynccontextmanager
    async def opened(cls, port: int) -> AsyncIterator[Self]:
        transport, line = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        try:
            yield line
        finally:
            transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # of TCP it is one, whoever's loop this is

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the connection was closed before the answer"))

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if found and self._answer is not None and _is_whole(head, body):
            self._received = b""
            self._answer.set_result(int(head[9:12]))

    async def ask(self, request: bytes) -> int:
        """Returns the status of the answer. Raises OSError or TimeoutError."""
        assert self._transport is not None  # noqa: S101  `opened` has connected
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await self._answer


def question(path: str, headers: Sequence[tuple[str, str]]) -> bytes:
    """Returns a GET as it goes over the wire."""
    lines = [f"GET {path} HTTP/1.1", "host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode()


def request(path: str, headers: Sequence[tuple[str, str]], body: bytes) -> bytes:
    """Returns a POST as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", "content-type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines += [f"content-length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


async def as_fast_as_possible(port: int, requests: Iterator[bytes], seconds: float, lines: int) -> Answered:
    """Asks over so many connections, each as soon as it has been answered."""
    answered = Answered()
    began = time.monotonic()

    async def ask_on(line: _Line) -> None:
        while time.monotonic() < began + seconds:
            sent = time.monotonic()
            answered.statuses[await line.ask(next(requests))] += 1
            answered.delays.append(time.monotonic() - sent)

    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(_Line.opened(port)) for _ in range(lines)]
        await asyncio.gather(*map(ask_on, opened))
    answered.seconds = time.monotonic() - began
    return answered


async def at_rate(port: int, requests: Iterator[bytes], rate: float, seconds: float, lines: int) -> Answered:
    """Asks every 1/rate seconds, whether or not earlier ones are answered; a delay counts from when it was due."""
    answered = Answered()
    began = time.monotonic()

    async def ask(due: float) -> None:
        line = await free.get()
        try:
            answered.statuses[await line.ask(next(requests))] += 1
        finally:
            free.put_nowait(line)
        answered.delays.append(time.monotonic() - due)

    async with AsyncExitStack() as stack:
        free: asyncio.Queue[_Line] = asyncio.Queue()
        for _ in range(lines):
            free.put_nowait(await stack.enter_async_context(_Line.opened(port)))
        async with asyncio.TaskGroup() as group:
            for number in range(round(rate * seconds)):
                due = began + number / rate
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                group.create_task(ask(due))
    answered.seconds = time.monotonic() - began
    return answered
