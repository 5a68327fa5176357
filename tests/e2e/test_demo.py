"""The story and the measurement, as a newcomer calls them."""

import json
import re

import pytest

from tests.e2e.machine import IN_CONTAINERS, Machine

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def test_the_story_ends_with_the_proof_and_leaves_what_ran_running(machine: Machine) -> None:
    told = machine.plut("demo", "--once", seconds=200)
    assert "Janji terbukti" in told
    rows, *parts = _figures(
        r"Impor lembar 35\.09: (\d+) baris, (\d+) dibuat, (\d+) perlu ditinjau, (\d+) ditolak, ", told
    )
    assert rows == 500
    assert min(parts) > 0
    assert sum(parts) <= 500
    assert min(_figures(r"Klien membenarkan: (\d+), menyanggah: (\d+)", told)) > 0
    assert min(_figures(r"Koreksi diterima: (\d+)", told)) > 0
    assert min(_figures(r"Menunggu kepala kantor: (\d+) sesi yang disanggah", told)) > 0
    assert machine.healthy()
    logs = machine.data_dir / "writers"
    lines = [json.loads(line) for path in logs.glob("35.*.jsonl") for line in path.read_text().splitlines()]
    assert any(line["status"] is None for line in lines), "an answer was lost on the way"
    keys = [line["key"] for line in lines if line["status"] == 201]
    assert len(set(keys)) < len(keys), "somebody clicked twice"
    assert machine.check(writers=logs)["ok"]


def _figures(line: str, told: str) -> list[int]:
    """Returns the numbers of the last line of that form: the proof's, after the table."""
    found = list(re.finditer(line, told))
    assert found, f"nothing like {line} in:\n{told}"
    return [int(number) for number in found[-1].groups()]


@pytest.mark.skipif(IN_CONTAINERS, reason="measures on an installation of its own, which is none in containers")
def test_a_measurement_leaves_nothing_behind(machine: Machine) -> None:
    words = ["bench", "pipeline", "--rate", "20", "--seconds", "3", "--backlog", "2000", "--json"]
    measured = json.loads(machine.plut(*words, seconds=220))
    assert (measured["events"], measured["missing"], measured["proven"]) == (60, 0, True)
    assert measured["p50_ms"] <= measured["p90_ms"] <= measured["p99_ms"] <= measured["max_ms"]
    assert measured["backlog_events"] == 2000
    assert measured["relay_events_per_s"] > 0
    assert measured["backlog_events_per_s"] > 0
    assert list(machine.data_dir.glob("bench-*")) == []
