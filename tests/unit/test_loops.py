"""A background loop goes on after whatever happened to it."""

import asyncio
import errno

import pytest

from shared.loops import BackgroundLoop


class _Failing(BackgroundLoop):
    name = "failing"
    pause_seconds = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.runs = 0

    async def run(self) -> None:
        self.runs += 1
        if self.runs < 3:
            raise OSError(errno.ENOSPC, "no room")
        self.started.set()
        await self.stopping.wait()


async def test_a_log_without_room_ends_no_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    def on_a_full_disk(_: str) -> None:
        raise OSError(errno.ENOSPC, "no room")

    loop = _Failing()
    monkeypatch.setattr(loop, "_log", type("Log", (), {"exception": staticmethod(on_a_full_disk)}))
    await loop.start()
    await asyncio.wait_for(loop.started.wait(), 5)
    assert loop.runs == 3
    await loop.stop()
