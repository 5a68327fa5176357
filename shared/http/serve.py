"""How a process lives and ends: one port, two signals, and ten seconds at the most between them and the end."""

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, TypeVar

import structlog
import uvicorn
import uvloop
from starlette.applications import Starlette

from shared.http.protocol import Protocol
from shared.loops import BackgroundLoop
from shared.settings import Settings, refuse

STOP_WITHIN_SECONDS = 9.0
_LOOPS_WITHIN_SECONDS = 6.0
_REQUESTS_WITHIN_SECONDS = 4
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs a process's coroutine on uvloop."""
    return uvloop.run(main)


async def serve(app: Starlette, settings: Settings, loops: Sequence[BackgroundLoop] = ()) -> None:
    """Serves the app and runs the loops until SIGTERM or SIGINT; the process ends within ten seconds of it."""
    listener = _listen(settings)
    log = structlog.get_logger()
    server = _Server(_config(app))
    stopping = _stopping_event(app)
    with _signals(stopping.set):
        for loop in loops:
            await loop.start()
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="http")
        log.info("listening", url=f"http://{settings.http_host}:{listener.getsockname()[1]}")
        waiting = asyncio.create_task(stopping.wait(), name="signal")
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        stopping.set()
        _end_by_force_unless_ended()
        log.info("stopping")
        server.should_exit = True
        await asyncio.gather(serving, *(loop.stop(_LOOPS_WITHIN_SECONDS) for loop in loops))
        log.info("stopped")


class _Server(uvicorn.Server):
    """Leaves the signals to us: uvicorn's own way ends the process by the signal once more."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Protocol,
        loop="none",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=1024,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_REQUESTS_WITHIN_SECONDS,
    )


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.http_host else socket.AF_INET
    try:
        return socket.create_server((settings.http_host, settings.http_port), family=family, backlog=1024)
    except OSError as error:
        refuse(
            "PLUT_HTTP_PORT",
            f"cannot listen on {settings.http_host}:{settings.http_port}: {error.strerror or error}",
            "choose a free port, or stop the process that holds it",
        )


def _stopping_event(app: Starlette) -> asyncio.Event:
    """What long answers (change hints) watch, so that they end before they are cut off."""
    event = getattr(app.state, "stopping", None)
    if event is None:
        event = app.state.stopping = asyncio.Event()
    return event


@contextlib.contextmanager
def _signals(act: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, act)
    try:
        yield
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


def _end_by_force_unless_ended() -> None:
    """A thread of its own, for the event loop may be what hangs; never called off: leftover tasks may hang too."""

    def give_up() -> None:
        structlog.get_logger().error("stopped_by_force", after_seconds=STOP_WITHIN_SECONDS)
        os._exit(1)

    timer = threading.Timer(STOP_WITHIN_SECONDS, give_up)
    timer.daemon = True
    timer.start()
