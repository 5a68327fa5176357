"""The product as an operator meets it: its command line, its processes, its addresses."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from deploy.local.installation import Installation
from deploy.local.status import ask

# One setting decides what the end-to-end tests meet: processes of this machine, or `compose`, containers.
IN_CONTAINERS = os.environ.get("PLUT_TEST_INSTALLATION") == "compose"
PLUT = Path(sys.executable).with_name("plut")
T = TypeVar("T")


class Failed(AssertionError):
    """A command of the product ended otherwise than it should; its words are in the message."""


def wait_for(what: str, look: Callable[[], T | None], *, seconds: float = 60, every: float = 0.1) -> T:
    """Returns the first true answer of `look`; fails with `what` when `seconds` are over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(every)
    raise Failed(f"waited {seconds:g} s in vain for: {what}")


@dataclass(frozen=True)
class Machine:
    """One installation in a data directory of its own."""

    data_dir: Path

    def plut(self, *words: str, expect: int | None = 0, seconds: float = 120) -> str:
        done = subprocess.run(
            [PLUT, *words, "--data-dir", self.data_dir], capture_output=True, text=True, timeout=seconds, check=False
        )
        if expect is not None and done.returncode != expect:
            raise Failed(
                f"plut {' '.join(words)} ended with {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
            )
        return done.stdout

    def up(self) -> None:
        self.plut("up", "--detach", seconds=240)  # a busy machine takes its time

    def down(self) -> None:
        self.plut("down")

    def remove(self) -> None:
        """Leaves nothing running, at the end of all tests."""
        self.down()

    def status(self) -> dict[str, Any]:
        """What `plut status --json` prints, asked in this process, for a wait asks often.

        In a thread of its own: Playwright keeps an event loop running in this one.
        """
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: asyncio.run(ask(Installation.open(self.data_dir)))).result().as_json()

    def token(self, role: str, office: str | None = None) -> str:
        return self.plut("token", role, *(["--office", office] if office else [])).strip()

    def check(self, *, writers: Path | None = None, expect: int | None = 0) -> dict[str, Any]:
        words = ["check", "--json", *(["--writers", str(writers)] if writers else [])]
        return dict(json.loads(self.plut(*words, expect=expect, seconds=180)))

    def processes(self, service: str, role: str) -> list[dict[str, Any]]:
        return [one for one in self.status()["processes"] if (one["service"], one["role"]) == (service, role)]

    def url(self, service: str) -> str:
        return str(self.processes(service, "api")[0]["url"])

    def infrastructure(self, name: str) -> dict[str, Any]:
        return next(dict(one) for one in self.status()["infrastructure"] if one["name"].lower().startswith(name))

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)

    def healthy(self) -> bool:
        status = self.status()
        parts = [*status["processes"], *status["infrastructure"]]
        return bool(parts) and all(part["healthy"] for part in parts)

    def quiet(self) -> bool:
        """Everything committed has been published and applied."""
        status = self.status()
        counts = [*status["outbox_backlog"].values(), *status["consumer_lag"].values()]
        return bool(status["consumer_lag"]) and all(count == 0 for count in counts)

    def settle(self, seconds: float = 60) -> None:
        """Waits for health and quiet; what stands in the way is told, with what its processes say of themselves."""
        try:
            wait_for("every process healthy", self.healthy, seconds=seconds, every=0.3)
            wait_for("an empty outbox and no lag", self.quiet, seconds=seconds, every=0.3)
        except Failed as failure:
            raise Failed(f"{failure}\n{json.dumps(self.status(), indent=1)}\n{self.last_words()}") from None

    def last_words(self, lines: int = 15) -> str:
        """Returns the end of each process's log."""
        logs = sorted((self.data_dir / "logs").glob("*.log"))
        return "\n".join(
            "\n".join([f"--- {log.name}", *log.read_text(errors="replace").splitlines()[-lines:]]) for log in logs
        )
