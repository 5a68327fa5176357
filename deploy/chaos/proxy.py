"""A TCP proxy that spoils what goes through it, as a bad line does.

It listens on a port of its own and passes bytes on to another. What it does to them can be changed while it runs, and
it counts what it did, so that a fault that never bit is seen.
"""

import asyncio
import random
import socket
import struct
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

from shared.loops import BackgroundLoop

_AT_ONCE = 65_536
_WAITING_PIECES = 64
_LINGER_NOT = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Line:
    """What a line does to the bytes of each connection, either way. The default does nothing.

    `latency` and `jitter` are seconds before each piece arrives, in order; `rate` is bytes in a second; `piece` the
    most bytes that arrive at once. `held` lets nothing arrive until it is over. `swallowed` takes everything in and
    lets nothing arrive ever again on a connection that it met, of which only the server's end is told, after `notices`
    seconds, as keepalives would tell it. `reset` breaks every connection, new ones too; `cut_after` breaks each
    connection in the midst, after so many bytes from the server.
    """

    latency: float = 0.0
    jitter: float = 0.0
    rate: float | None = None
    piece: int | None = None
    held: bool = False
    swallowed: bool = False
    notices: float = 11.0
    reset: bool = False
    cut_after: int | None = None


GOOD = Line()


class Proxy(BackgroundLoop):
    """Between clients and `127.0.0.1:target`. `port` is known once it has started; `seen` counts what was done."""

    def __init__(self, target: int, *, port: int = 0, dice: random.Random | None = None) -> None:
        super().__init__()
        self.name = f"proxy-to-{target}"
        self.target = target
        self.port = port
        self.line = GOOD
        self.seen: Counter[str] = Counter()
        self._dice = dice or random.Random()  # noqa: S311  a line's whims
        self._changed = asyncio.Event()
        self._connections: set[_Connection] = set()

    async def run(self) -> None:
        """Serves until it is stopped. Raises OSError if the port is taken."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            self.started.set()
            await self.stopping.wait()
        finally:
            server.close()
            for connection in list(self._connections):
                connection.end()

    def become(self, line: Line) -> None:
        """Changes the line under all connections at once."""
        self.line = line
        self._changed.set()
        self._changed = asyncio.Event()
        if line.reset:
            for connection in list(self._connections):
                connection.break_off()
        if line.swallowed:
            for connection in self._connections:
                connection.swallow()

    async def passes(self) -> Line:
        """Returns the line as it is once it lets something through."""
        while self.line.held:
            self.seen["held"] += 1
            await self._changed.wait()
        return self.line

    def delay(self) -> float:
        """Returns how long the next piece is on its way, in seconds."""
        return max(0.0, self.line.latency + self.line.jitter * self._dice.uniform(-1, 1))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen["connections"] += 1
        connection = _Connection(self, reader, writer)
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)


class _Connection:
    def __init__(self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._client = reader, writer
        self._writers = [writer]
        self._swallowed = False
        self._from_server = 0
        self._noticing: asyncio.TimerHandle | None = None
        self._ways: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        if self._proxy.line.reset:
            self.break_off()
            return
        try:
            server = await asyncio.open_connection("127.0.0.1", self._proxy.target)
        except OSError:
            self.break_off()
            return
        self._writers.append(server[1])
        if self._proxy.line.swallowed:
            self.swallow()
        self._ways = [
            asyncio.create_task(self._carry(self._client[0], server[1])),
            asyncio.create_task(self._carry(server[0], self._client[1], answers=True)),
        ]
        await asyncio.wait(self._ways)
        self._close()

    def swallow(self) -> None:
        """From now on nothing arrives at either end, and the server's is told after a while."""
        if not self._swallowed:
            self._swallowed = True
            self._proxy.seen["swallowed"] += 1
            loop = asyncio.get_running_loop()
            self._noticing = loop.call_later(self._proxy.line.notices, lambda: _reset(self._writers[-1]))

    def end(self) -> None:
        """The proxy itself goes away."""
        for way in self._ways:
            way.cancel()

    def break_off(self) -> None:
        """Both ends are told at once that the connection is broken."""
        self._proxy.seen["resets"] += 1
        for writer in self._writers:
            _reset(writer)

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool = False
    ) -> None:
        """One way of it: pieces wait for their time in a queue, so that latency takes nothing from the rate."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_WAITING_PIECES)
        delivering = asyncio.create_task(self._deliver(queue, writer, answers=answers))
        try:
            while data := await _read(reader, self._proxy.line.piece or _AT_ONCE):
                self._proxy.seen["pieces"] += 1 if self._proxy.line.piece else 0
                await queue.put((time.monotonic() + self._proxy.delay(), data))
            await queue.put((0.0, b""))
            await delivering
        finally:
            delivering.cancel()

    async def _deliver(
        self, queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        while True:
            due, data = await queue.get()
            line = await self._wait(due, len(data))
            if self._swallowed:
                self._proxy.seen["bytes_lost"] += len(data)
                if not data:
                    return  # an end that is gone, of which the other hears nothing
            elif not data:
                with suppress(OSError):
                    writer.write_eof()
                return
            elif answers and line.cut_after is not None and self._from_server + len(data) > line.cut_after:
                writer.write(data[: max(0, line.cut_after - self._from_server)])
                self._proxy.seen["cuts"] += 1
                self.break_off()
                return
            else:
                self._from_server += len(data) if answers else 0
                await self._write(writer, data)

    async def _wait(self, due: float, size: int) -> Line:
        line = await self._proxy.passes()
        if (left := due - time.monotonic()) > 0:
            self._proxy.seen["delays"] += 1
            await asyncio.sleep(left)
        if line.rate:
            self._proxy.seen["slowed_bytes"] += size
            await asyncio.sleep(size / line.rate)
        return await self._proxy.passes()

    async def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        with suppress(OSError):
            writer.write(data)
            await writer.drain()
            self._proxy.seen["bytes"] += len(data)

    def _close(self) -> None:
        if self._noticing is not None:
            self._noticing.cancel()
        for writer in self._writers:
            writer.close()


async def _read(reader: asyncio.StreamReader, most: int) -> bytes:
    try:
        return await reader.read(most)
    except OSError:
        return b""


def _reset(writer: asyncio.StreamWriter) -> None:
    """Closes without the usual good-bye: the other end gets a RST."""
    with suppress(OSError, AttributeError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    writer.transport.abort()
