"""A wire between a client and a server that can be cut at the worst moment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Wire:
    """Passes bytes both ways. `cut_after` names bytes of the client: once they are through, nothing comes back."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._cut_after: bytes | None = None
        self._frozen = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._for_good = False
        self.cuts = 0

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def cut_after(self, marker: bytes, *, for_good: bool = False) -> None:
        """The next connection that sends these bytes is cut once the server has them; `for_good`, no other comes up."""
        self._cut_after = marker
        self._for_good = for_good

    def mend(self) -> None:
        """Lets new connections through again."""
        self._for_good = False

    def freeze(self) -> None:
        """From now on nothing comes through, and nobody is told: a host that vanished."""
        self._frozen.set()

    def thaw(self) -> None:
        self._frozen.clear()

    @classmethod
    @asynccontextmanager
    async def to(cls, host: str, port: int) -> "AsyncIterator[Wire]":
        wire = cls(host, port)
        wire._server = await asyncio.start_server(wire._serve, "127.0.0.1", 0)
        try:
            yield wire
        finally:
            wire._server.close()
            for task in wire._tasks:
                task.cancel()
            await asyncio.gather(*wire._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self.cuts and self._for_good:
            writer.close()
            return
        with suppress(OSError, asyncio.CancelledError):
            theirs, ours = await asyncio.open_connection(*self._target)
            back = asyncio.create_task(self._pass_on(theirs, writer))
            try:
                await self._pass_on(reader, ours, back)
            finally:
                back.cancel()
                ours.close()
                writer.close()

    async def _pass_on(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, back: "asyncio.Task[None] | None" = None
    ) -> None:
        while data := await source.read(65536):
            while self._frozen.is_set():  # noqa: ASYNC110  a dead wire wakes nobody
                await asyncio.sleep(0.02)
            if back is not None and self._cut_after is not None and self._cut_after in data:
                self._cut_after = None
                self.cuts += 1
                back.cancel()
                target.write(data)
                await target.drain()
                await asyncio.sleep(0.2)  # the server works on it; the answer has nobody to go to
                return
            target.write(data)
            await target.drain()
        target.close()
