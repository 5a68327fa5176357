"""TLS before a Postgres that has none: `python -m deploy.local.tls_gate PORT POSTGRES_PORT PEM_FILE`.

It speaks Postgres's own negotiation (SSLRequest, `S`, handshake), so that clients need to know nothing of it, and
passes on nothing that came in the clear.
"""

import asyncio
import signal
import ssl
import sys
from contextlib import suppress

import uvloop

_SSL_REQUEST = bytes.fromhex("0000000804d2162f")
_GSS_REQUEST = bytes.fromhex("0000000804d21630")
_REFUSED = b"SFATAL\0VFATAL\0C28000\0Mconnections without TLS are refused: use sslmode=verify-full\0\0"
_PATIENCE_SECONDS = 10.0
_CHUNK = 64 * 1024


class Gate:
    """Lets in who asks for TLS, and joins it with Postgres behind."""

    def __init__(self, postgres_port: int, context: ssl.SSLContext) -> None:
        self._postgres_port = postgres_port
        self._context = context

    async def receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one client until either side ends."""
        try:
            if await self._is_private(reader, writer):
                await self._join(reader, writer)
        except (OSError, EOFError, TimeoutError):  # a client that went away, or a server that is not there
            pass
        finally:
            writer.close()

    async def _is_private(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            asked = await reader.readexactly(len(_SSL_REQUEST))
            if asked == _GSS_REQUEST:  # some clients ask for that first
                writer.write(b"N")
                asked = await reader.readexactly(len(_SSL_REQUEST))
            if asked != _SSL_REQUEST:
                writer.write(b"E" + (len(_REFUSED) + 4).to_bytes(4, "big") + _REFUSED)
                await writer.drain()
                return False
            writer.write(b"S")
            await writer.drain()
            await writer.start_tls(self._context)
        return True

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", self._postgres_port)
        ways = {
            asyncio.create_task(_carry(reader, behind_writer)),
            asyncio.create_task(_carry(behind_reader, writer)),
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            behind_writer.close()
            await asyncio.wait(ways)


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while content := await source.read(_CHUNK):
            target.write(content)
            await target.drain()


async def serve(port: int, postgres_port: int, context: ssl.SSLContext) -> None:
    """Serves until SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    gate = Gate(postgres_port, context)
    server = await asyncio.start_server(gate.receive, "127.0.0.1", port, backlog=256)
    await stopping.wait()
    server.close()


def main() -> None:
    """Runs the gate."""
    port, postgres_port, pem_file = sys.argv[1:]
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(pem_file)
    uvloop.run(serve(int(port), int(postgres_port), context))


if __name__ == "__main__":
    main()
