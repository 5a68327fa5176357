"""What a line of a writer's log says, and what is no line."""

from pathlib import Path

import pytest

from deploy.check.writers import Line, Outcome, Unreadable, read_logs

AT = '"at": "2026-11-21T03:42:07+00:00"'


def read(tmp_path: Path, text: str) -> list[Line | Unreadable]:
    (tmp_path / "a.jsonl").write_text(text, encoding="utf-8")
    return list(read_logs(tmp_path))


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("201", Outcome.ACCEPTED),
        ("200", Outcome.ACCEPTED),
        ("404", Outcome.REFUSED),
        ("409", Outcome.REFUSED),
        ("503", Outcome.UNKNOWN),
        ("null", Outcome.UNKNOWN),
    ],
)
def test_outcomes(tmp_path: Path, status: str, outcome: Outcome) -> None:
    (line,) = read(tmp_path, f'{{"key": "k", "status": {status}, "answer": null, {AT}}}\n')
    assert isinstance(line, Line)
    assert line.outcome is outcome


@pytest.mark.parametrize(
    "text",
    [
        "not json\n",
        "[]\n",
        '{"status": 201, "answer": null, "at": null}\n',
        '{"key": 7, "status": 201, "answer": null, "at": null}\n',
        '{"key": "k", "status": "ok", "answer": null, "at": null}\n',
        '{"key": "k", "status": 201, "answer": null, "at": "yesterday"}\n',
        '{"key": "k", "status": 201, "answer": null, "at": "2026-11-21T03:42:07"}\n',
        '{"key": "k", "status": true, "answer": null, "at": null}\n',
        pytest.param('{"key": "k", "status": 201, "answer": ' + "[" * 100_000 + "\n", id="deep"),
    ],
)
def test_what_is_no_line_is_named(tmp_path: Path, text: str) -> None:
    (found,) = read(tmp_path, text)
    assert isinstance(found, Unreadable)
    assert found.where == "a.jsonl:1"


def test_an_end_that_a_kill_cut_off_says_nothing(tmp_path: Path) -> None:
    whole = f'{{"key": "k", "status": 201, "answer": null, {AT}}}\n'
    assert len(read(tmp_path, whole + '{"key": "k2", "sta')) == 1
