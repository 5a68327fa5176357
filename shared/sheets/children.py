"""Child processes that handle sheets, so that a sheet harms and holds up nothing else."""

import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def child(module: str, longest_line: int = 65_536) -> AsyncIterator[Process]:
    """Runs a module of ours, fed and read by pipes, and leaves nothing of it behind.

    Without an environment: it has no business with this process's passwords and keys.
    """
    process = await create_subprocess_exec(
        sys.executable, "-m", module, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}, limit=longest_line
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
