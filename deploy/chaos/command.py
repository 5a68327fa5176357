"""`plut` as an operator calls it, in a process of its own that can be killed in its midst."""

import asyncio
import sys
from pathlib import Path

from deploy.chaos.failure import Failed
from deploy.local.installation import Installation

_PLUT = Path(sys.executable).with_name("plut")
_WORDS = 2000


async def begin(installation: Installation, *words: str) -> asyncio.subprocess.Process:
    """Begins a command on the installation; what it says is kept until it is waited for."""
    return await asyncio.create_subprocess_exec(
        str(_PLUT),
        *words,
        "--data-dir",
        str(installation.directory),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def call(installation: Installation, *words: str, seconds: float = 300.0) -> str:
    """Returns what a command said. Raises Failed if it ended otherwise than well, or not in time."""
    process = await begin(installation, *words)
    try:
        async with asyncio.timeout(seconds):
            said, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise Failed(f"plut {' '.join(words)} was not done after {seconds:g} s") from None
    if process.returncode != 0:
        told = said.decode(errors="replace")[-_WORDS:]
        raise Failed(f"plut {' '.join(words)} ended with status {process.returncode}: {told}")
    return said.decode(errors="replace")
