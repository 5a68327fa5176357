"""Conditions of single processes: put together in the order they were kept, and applied to a command."""

import sys
from pathlib import Path

from deploy.local import conditions
from deploy.local.conditions import Conditions
from deploy.local.process import Command


def test_all_that_fit_a_name_hold_together(tmp_path: Path) -> None:
    kept = tmp_path / "conditions.json"
    conditions.keep(
        kept, {"*-api*": Conditions({"TZ": "UTC", "A": "1"}, ["nice"]), "registry-api": Conditions({"TZ": "WIB"})}
    )
    assert conditions.of(kept, "registry-api") == Conditions({"TZ": "WIB", "A": "1"}, ("nice",))
    assert conditions.of(kept, "registry-relay") == Conditions()
    conditions.forget(kept)
    assert conditions.of(kept, "registry-api") == Conditions()


def test_another_checkout_runs_its_own_code_with_its_own_python(tmp_path: Path) -> None:
    command = Command("registry-api", ["setpriv", sys.executable, "-m", "services.registry", "api"], tmp_path / "log")
    changed = Conditions(checkout="/earlier").applied_to(command)
    assert changed.argv == ["setpriv", "/earlier/.venv/bin/python", "-m", "services.registry", "api"]
    assert changed.directory == Path("/earlier")
    assert Conditions().applied_to(command) == command
