"""A migration leaves all that the release before still uses: both run side by side while one replaces the other."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
_SQUAWK = Path(sys.executable).with_name("squawk")
# Of each directory, the last file that was applied before anything had been released; what came later is held to this.
_BEFORE = {
    "shared/migrations": "0003",
    "services/registry/migrations": "0008",
    "services/mentoring/migrations": "0005",
    "services/reporting/migrations": "0006",  # it makes a table anew under its name, with its rows, in one transaction
}
# What breaks who does not know of it: taken away, named anew, asked for where nothing was asked before.
_BREAKS = {
    "adding-not-nullable-field",
    "adding-required-field",
    "ban-drop-column",
    "ban-drop-database",
    "ban-drop-function",
    "ban-drop-table",
    "ban-drop-trigger",
    "ban-truncate-cascade",
    "changing-column-type",
    "renaming-column",
    "renaming-table",
}


def test_migrations_only_add() -> None:
    files = [
        path
        for directory, last in _BEFORE.items()
        for path in sorted((ROOT / directory).glob("[0-9]*.sql"))
        if path.name[:4] > last
    ]
    assert files, "nothing is held to it: has the last name before a release been moved?"
    assert breaking(*files) == []


@pytest.mark.parametrize(
    "statement",
    [
        "alter table business drop column kelurahan",
        "alter table business add column village text not null",
        "alter table business rename column kelurahan to village",
        "alter table business alter column revision type bigint",
        "alter table business alter column closed_on set not null",
        "drop table business",
    ],
)
def test_what_the_former_release_could_not_stand_is_seen(statement: str, tmp_path: Path) -> None:
    (tmp_path / "0009_made_up.sql").write_text(f"{statement};\n", encoding="utf-8")
    assert len(breaking(tmp_path / "0009_made_up.sql")) == 1


def breaking(*files: Path) -> list[str]:
    done = subprocess.run(
        [_SQUAWK, "--pg-version", "18", "--reporter", "json", *files], capture_output=True, text=True, check=False
    )
    found: list[dict[str, Any]] = json.loads(done.stdout or "[]")
    return [f"{each['file']}:{each['line']} {each['rule_name']}" for each in found if each["rule_name"] in _BREAKS]
