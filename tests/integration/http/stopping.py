"""A process to be stopped: `python -m tests.integration.http.stopping HOW`, where HOW says what hangs."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from shared import log
from shared.http.probes import probe_routes
from shared.http.serve import run, serve
from shared.loops import BackgroundLoop
from shared.settings import Environment, Settings


class Loop(BackgroundLoop):
    """Stops when told to, or never."""

    name = "test"

    def __init__(self, how: str) -> None:
        super().__init__()
        self._how = how

    async def run(self) -> None:
        self.started.set()
        await self.stopping.wait()
        if self._how == "loop":
            await asyncio.Event().wait()
        if self._how == "blocked":
            time.sleep(60)  # noqa: ASYNC251  the very fault
        if self._how == "uncancellable":
            while True:
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    continue


async def stream(request: Request) -> Response:
    """Ends by itself only where the process honours `stopping`."""
    polite = request.query_params.get("polite") == "yes"

    async def lines() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        await (request.app.state.stopping.wait() if polite else asyncio.sleep(60))
        yield b"data: end\n\n"

    return StreamingResponse(lines(), media_type="text/event-stream")


async def fine() -> str | None:
    return None


def main() -> None:
    settings = Settings(env=Environment.LOCAL, http_port=0)
    log.configure(settings, "test", sys.argv[1])
    routes = [Route("/stream", stream), *probe_routes("test", "test", live=lambda: None, ready=fine)]
    run(serve(Starlette(routes=routes), settings, [Loop(sys.argv[1])]))


if __name__ == "__main__":
    main()
