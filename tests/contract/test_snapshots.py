"""What was promised stands in git, and is not taken back by accident."""

import json
from pathlib import Path

import pytest

from shared.contracts import snapshot


def test_nothing_that_was_promised_is_broken() -> None:
    assert [str(each) for each in snapshot.breakages(snapshot.written(), snapshot.current())] == []


def test_the_snapshots_are_current() -> None:
    assert snapshot.written() == snapshot.current(), "run `python -m shared.contracts.snapshot`"


def test_a_breaking_change_is_not_written_down(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    snapshot.write(snapshot.current(), tmp_path)
    path = tmp_path / "SessionCompleted.json"
    promised = json.loads(path.read_text(encoding="utf-8"))
    promised["$defs"]["SessionState"]["properties"]["mood"] = {"type": "string"}
    path.write_text(json.dumps(promised), encoding="utf-8")
    assert snapshot.main([], tmp_path) == 1
    assert "SessionCompleted.payload.state.mood: the field was removed" in capsys.readouterr().err
    assert "mood" in path.read_text(encoding="utf-8")
    assert snapshot.main(["--decision", str(tmp_path / "missing.md")], tmp_path) == 1


def test_a_breaking_change_with_its_record_is_written_down(tmp_path: Path) -> None:
    snapshot.write({**snapshot.current(), "Gone": {"type": "object"}}, tmp_path)
    record = tmp_path / "0099-gone.md"
    record.write_text("Why nobody is hurt.", encoding="utf-8")
    assert snapshot.main(["--decision", str(record)], tmp_path) == 0
    assert snapshot.written(tmp_path) == snapshot.current()
