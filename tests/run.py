"""Runs the whole suite in two halves at once: `python -m tests.run`. With arguments, those of pytest, as one.

The end-to-end tests mostly wait for processes to come back, the others mostly work: side by side they fit two cores.
Exit status: 0 only if both halves passed.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

_PYTEST = [sys.executable, "-m", "pytest"]
_WAITING = "tests/e2e"


def main(arguments: list[str]) -> int:
    if arguments:
        return subprocess.run([*_PYTEST, *arguments], check=False).returncode
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        waiting = subprocess.Popen([*_PYTEST, "-q", _WAITING], stdout=said, stderr=subprocess.STDOUT)
        try:
            working = subprocess.run([*_PYTEST, "-q", f"--ignore={_WAITING}"], check=False).returncode
            print(f"\n{_WAITING} (they ran at the same time):", flush=True)  # noqa: T201  a command's own words
            status = waiting.wait()
        finally:
            if waiting.poll() is None:
                waiting.terminate()
                waiting.wait()
        said.seek(0)
        sys.stdout.write(said.read())
    return working or status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) if Path("pyproject.toml").is_file() else "run it at the project's root")
