"""A clock that is set under a running process."""

import os
import subprocess
import sys
import time
from pathlib import Path

from deploy.chaos.clock import Clock

_TELLS = "import sys, time\nfor _ in sys.stdin:\n    print(time.time(), time.monotonic(), flush=True)\n"


def test_the_wall_jumps_and_what_is_measured_does_not(tmp_path: Path) -> None:
    hand = Clock(tmp_path / "clock")
    with subprocess.Popen(
        [sys.executable, "-c", _TELLS],
        env={**os.environ, **hand.environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def ahead() -> tuple[float, float]:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("?\n")
            process.stdin.flush()
            wall, measured = map(float, process.stdout.readline().split())
            return wall - time.time(), measured - time.monotonic()

        def until_ahead(seconds: float) -> None:
            until = time.monotonic() + 10
            while abs(ahead()[0] - seconds) > 1:
                assert time.monotonic() < until, f"{ahead()} instead of {seconds} s"
                time.sleep(0.1)

        until_ahead(0)
        hand.set(3600)
        until_ahead(3600)
        assert abs(ahead()[1]) < 1
        hand.set(-3600)
        until_ahead(-3600)
        process.stdin.close()
