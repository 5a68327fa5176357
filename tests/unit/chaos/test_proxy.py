"""The fault proxy between a client and a server that repeats what it hears: each fault does as it says, and counts."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio

from deploy.chaos.proxy import GOOD, Line, Proxy

SHORT = 0.3


class Echo:
    """Says back what it hears, and remembers how each of its connections ended."""

    def __init__(self) -> None:
        self.heard = 0
        self.ends: asyncio.Queue[str] = asyncio.Queue()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                self.heard += len(data)
                writer.write(data)
                await writer.drain()
            self.ends.put_nowait("closed")
        except OSError:
            self.ends.put_nowait("reset")
        finally:
            writer.close()


@pytest_asyncio.fixture
async def echo() -> AsyncIterator[Echo]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    echo.port = server.sockets[0].getsockname()[1]
    async with server:
        yield echo


@pytest_asyncio.fixture
async def proxy(echo: Echo) -> AsyncIterator[Proxy]:
    proxy = Proxy(echo.port)
    await proxy.start()
    await proxy.started.wait()
    yield proxy
    await proxy.stop()


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def of(cls, proxy: Proxy) -> "Client":
        return cls(*await asyncio.open_connection("127.0.0.1", proxy.port))

    async def close(self) -> None:
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()

    async def ask(self, data: bytes = b"hello") -> float:
        """Returns the seconds until all of it came back."""
        begun = time.monotonic()
        self.writer.write(data)
        assert await self.reader.readexactly(len(data)) == data
        return time.monotonic() - begun

    async def hears_nothing(self) -> bool:
        try:
            async with asyncio.timeout(SHORT):
                return not await self.reader.read(1)
        except TimeoutError:
            return True


@pytest_asyncio.fixture
async def client(proxy: Proxy) -> AsyncIterator[Client]:
    client = await Client.of(proxy)
    yield client
    await client.close()


async def _a_new_one_works(proxy: Proxy) -> None:
    client = await Client.of(proxy)
    await client.ask()
    await client.close()


async def test_a_good_line_passes_everything_and_every_good_bye(client: Client, proxy: Proxy, echo: Echo) -> None:
    await client.ask(b"x" * 1_000_000)
    client.writer.close()
    assert await echo.ends.get() == "closed"
    assert proxy.seen["bytes"] == 2_000_000


async def test_latency_delays_each_way_but_takes_nothing_from_the_rate(client: Client, proxy: Proxy) -> None:
    proxy.become(Line(latency=0.1, jitter=0.01, piece=1000))
    assert 0.18 <= await client.ask() < 1
    assert await client.ask(b"x" * 30_000) < 2, "thirty pieces waited for each other"
    assert proxy.seen["delays"] > 1
    proxy.become(GOOD)
    await client.ask()


async def test_a_narrow_line_takes_its_time(client: Client, proxy: Proxy) -> None:
    proxy.become(Line(rate=2000, piece=100))
    assert await client.ask(b"x" * 600) >= 0.3
    assert proxy.seen["slowed_bytes"] >= 600


async def test_what_is_held_arrives_afterwards(client: Client, proxy: Proxy, echo: Echo) -> None:
    proxy.become(Line(held=True))
    client.writer.write(b"hello")
    assert await client.hears_nothing()
    assert echo.heard == 0
    proxy.become(GOOD)
    assert await client.reader.readexactly(5) == b"hello"


async def test_a_swallowed_connection_stays_half_open_and_a_new_one_works(proxy: Proxy, echo: Echo) -> None:
    client = await Client.of(proxy)
    await client.ask()
    proxy.become(Line(swallowed=True, notices=SHORT))
    client.writer.write(b"lost")
    assert await echo.ends.get() == "reset", "the server's end is told by its keepalives"
    proxy.become(GOOD)
    client.writer.write(b"lost again")
    assert await client.hears_nothing()
    assert not client.reader.at_eof(), "the client must find out by itself"
    assert echo.heard == 5
    assert proxy.seen["swallowed"] == 1
    await _a_new_one_works(proxy)
    await client.close()


async def test_a_reset_meets_old_and_new_connections(client: Client, proxy: Proxy, echo: Echo) -> None:
    await client.ask()
    proxy.become(Line(reset=True))
    with pytest.raises(ConnectionResetError):
        await client.reader.readexactly(1)
    assert await echo.ends.get() == "reset"
    assert await _is_turned_away(proxy)
    assert proxy.seen["resets"] == 2
    proxy.become(GOOD)
    await _a_new_one_works(proxy)


async def _is_turned_away(proxy: Proxy) -> bool:
    client = await Client.of(proxy)
    try:
        return not await client.reader.read(1)
    except ConnectionResetError:
        return True
    finally:
        await client.close()


async def test_an_answer_is_cut_in_its_midst(client: Client, proxy: Proxy) -> None:
    proxy.become(Line(cut_after=7))
    await client.ask(b"hello")
    client.writer.write(b"world")
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await client.reader.readexactly(5)
    assert proxy.seen["cuts"] == 1


async def test_a_server_that_is_gone_is_a_reset(proxy: Proxy, echo: Echo) -> None:
    proxy.target = 1
    assert await _is_turned_away(proxy)
    proxy.target = echo.port
    await _a_new_one_works(proxy)


async def test_stopping_ends_open_connections(client: Client, proxy: Proxy) -> None:
    await client.ask()
    proxy.become(Line(held=True))
    client.writer.write(b"hello")
    await proxy.stop()
    assert await client.hears_nothing()
