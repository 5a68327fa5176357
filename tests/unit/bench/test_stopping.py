"""A measurement that is told to stop leaves nothing running."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import typer

from deploy.bench import scratch
from deploy.cli import bench
from deploy.local import launcher


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_its_installation_is_removed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, number: signal.Signals
) -> None:
    removed = []

    async def launch(*_: Any) -> None:
        return

    async def shut_down(_: Any) -> None:
        await asyncio.sleep(0)
        removed.append(True)

    async def measured(_: Any) -> dict[str, Any]:
        os.kill(os.getpid(), number)
        await asyncio.sleep(20)
        return {}

    monkeypatch.setattr(launcher, "launch", launch)
    monkeypatch.setattr(launcher, "shut_down", shut_down)
    monkeypatch.setattr(scratch, "look_rarely", lambda _: None)
    with pytest.raises((typer.Exit, KeyboardInterrupt)) as ended:
        bench._run_in_scratch(tmp_path, measured, lambda _: [], None, json=True)
    assert removed == [True]
    assert not any(tmp_path.iterdir())
    if number is signal.SIGTERM:
        assert isinstance(ended.value, typer.Exit)
        assert ended.value.exit_code == 128 + signal.SIGTERM
        assert "told to stop" in capsys.readouterr().err
