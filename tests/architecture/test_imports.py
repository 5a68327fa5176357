"""The shape of the code is a promise like any other: imports run one way, and small rules hold everywhere."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_imports_run_one_way() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    outcome = subprocess.run([lint], cwd=ROOT, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
