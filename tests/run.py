"""Runs the whole suite in parts, two at once: `python -m tests.run`. With arguments, those of pytest, as one.

Two at a time fill two cores, for many tests wait for processes. With all of them a start takes minutes on a machine
that others slow down, and waits end as failures. Each has servers of its own.
Exit status: 0 only if every part passed.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_PYTEST = [sys.executable, "-m", "pytest"]
# What is in which part, so that parts take alike; whatever is named in none belongs to the rest.
_PARTS = {
    "chaos": ["tests/integration/backup", "tests/e2e/test_secure.py", "tests/e2e/test_chaos.py"],
    "e2e": ["tests/contract", *(f"tests/e2e/test_{name}.py" for name in ("demo", "installation", "overview_page"))],
    "platform": [
        f"tests/integration/{name}"
        for name in ("bench", "check", "commands", "consumer", "http", "issuer", "local", "relay", "rls")
    ],
}
_REST = "rest"
_LONGEST_FIRST = ("platform", _REST, "chaos", "e2e")
_AT_ONCE = 2
_STOPS_WITHIN_SECONDS = 60
_LOOKS_EVERY_SECONDS = 0.2


@dataclass
class Part:
    """One run of pytest beside the others; what it says is kept until it is told whole."""

    name: str
    process: "subprocess.Popen[str]"
    said: IO[str]

    def tell(self) -> None:
        self.said.seek(0)
        print(f"\n===== {self.name} =====\n{self.said.read()}", flush=True)  # noqa: T201  a command's own words

    def ask_to_end(self) -> None:
        """Once: asked again it would leave its servers behind."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)

    def end(self) -> None:
        try:
            self.process.wait(_STOPS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()


def main(arguments: list[str]) -> int:
    if arguments:
        return subprocess.run([*_PYTEST, *arguments], check=False).returncode
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # also where whoever started us ignores it
    named = [each for paths in _PARTS.values() for each in paths]
    rest = [f"--ignore={each}" for each in named]
    wanted = {name: _PARTS.get(name, rest) for name in _LONGEST_FIRST}
    running: list[Part] = []
    try:
        return max(_run_and_tell(wanted, running))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    finally:
        for part in running:
            part.ask_to_end()
        for part in running:
            part.end()


def _start(name: str, words: Sequence[str]) -> Part:
    """In a session of its own, so that Ctrl-C reaches it by us alone; with caches of its own."""
    said = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115  open as long as the part is
    argv = [*_PYTEST, "-q", "--durations=12", "-o", f"cache_dir=.pytest_cache/{name}", *words]
    own = os.environ | {"HYPOTHESIS_STORAGE_DIRECTORY": f".hypothesis/{name}"}
    process = subprocess.Popen(argv, stdout=said, stderr=subprocess.STDOUT, text=True, env=own, start_new_session=True)
    return Part(name, process, said)


def _run_and_tell(wanted: Mapping[str, Sequence[str]], running: list[Part]) -> list[int]:
    """Runs the parts in their order and tells each when it has ended; returns their statuses.

    `running` holds those that have not ended, whatever happens.
    """
    names = ", ".join(wanted)
    print(f"{len(wanted)} parts, {_AT_ONCE} at once, each told when it has ended: {names}", flush=True)  # noqa: T201
    waiting, statuses = list(wanted.items()), []
    while waiting or running:
        while waiting and len(running) < _AT_ONCE:
            running.append(_start(*waiting.pop(0)))
        for part in [part for part in running if part.process.poll() is not None]:
            part.tell()
            running.remove(part)
            statuses.append(abs(part.process.returncode))
        time.sleep(_LOOKS_EVERY_SECONDS)
    return statuses


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) if Path("pyproject.toml").is_file() else "run it at the project's root")
