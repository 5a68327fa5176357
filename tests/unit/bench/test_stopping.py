"""A measurement that is told to stop leaves nothing running."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import typer

from deploy.bench import scratch
from deploy.cli import bench


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_its_installation_is_removed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    removed = []

    @asynccontextmanager
    async def installation(*_: Any) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await asyncio.sleep(0)
            removed.append(True)

    async def measured(_: Any) -> dict[str, Any]:
        os.kill(os.getpid(), number)
        await asyncio.sleep(20)
        return {}

    monkeypatch.setattr(scratch, "scratch", installation)
    with pytest.raises((typer.Exit, KeyboardInterrupt)) as ended:
        bench._run_in_scratch(None, measured, lambda _: [], None, json=True)
    assert removed == [True]
    if number is signal.SIGTERM:
        assert isinstance(ended.value, typer.Exit)
        assert ended.value.exit_code == 128 + signal.SIGTERM
        assert "told to stop" in capsys.readouterr().err
