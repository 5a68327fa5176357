"""Whatever dies: what was acknowledged is found again, and counted once.

Each test breaks one thing under load and asks `plut check`.
"""

import os
import re
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest

from services.reporting.projections.applier import SetApplier
from tests.e2e import topics
from tests.e2e.machine import Machine, wait_for
from tests.e2e.writers import Office

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@contextmanager
def offices_writing(machine: Machine, logs: Path, *codes: str) -> Iterator[list[Office]]:
    with ExitStack() as stack:
        offices = [stack.enter_context(Office(machine, code, logs)) for code in codes or ("35.76", "35.79")]
        wait_for("every office to have written", lambda: all(office.acknowledged > 3 for office in offices), seconds=60)
        yield offices


def writes_go_on(offices: list[Office], *, more: int = 5, seconds: float = 60) -> None:
    before = [office.acknowledged for office in offices]
    wait_for(
        "every office to write on",
        lambda: all(office.acknowledged >= count + more for office, count in zip(offices, before, strict=True)),
        seconds=seconds,
    )


def proven(machine: Machine, logs: Path) -> dict[str, int]:
    machine.settle()
    found = machine.check(writers=logs)
    assert found["ok"], found
    assert (found["lost"], found["twice"], found["differing_rows"]) == (0, 0, 0)
    return found


PROCESSES = [
    ("registry", "api"),
    ("mentoring", "api"),
    ("registry", "relay"),
    ("mentoring", "relay"),
    ("mentoring", "consume"),
    ("reporting", "consume"),
    ("reporting", "api"),
]


def test_each_process_killed_in_turn_under_load(machine: Machine, writers_logs: Path) -> None:
    with offices_writing(machine, writers_logs) as offices:
        for service, role in PROCESSES:
            for process in machine.processes(service, role):
                machine.kill(process["pid"])
            writes_go_on(offices)
            wait_for(f"{service} {role} to be back", machine.healthy, seconds=60, every=0.3)
    assert proven(machine, writers_logs)["acknowledged"] > 0


def test_three_consumers_come_and_go_under_load(machine: Machine, writers_logs: Path) -> None:
    """Partitions change hands while batches are being written; a total that moved twice would be seen at the end."""
    with offices_writing(machine, writers_logs) as offices:
        machine.plut("scale", "reporting-consume", "3")
        wait_for("each to have partitions of its own", partial(_share_the_log, machine, 3), seconds=40)
        for process in machine.processes("reporting", "consume")[:2]:
            machine.kill(process["pid"])
        writes_go_on(offices)
        wait_for("the killed to be back", partial(_share_the_log, machine, 3), seconds=60)
        machine.plut("scale", "reporting-consume", "1")
        writes_go_on(offices)
        wait_for("the last to have everything", partial(_share_the_log, machine, 1), seconds=40)
    proven(machine, writers_logs)


def _share_the_log(machine: Machine, number: int) -> bool:
    """Each has some partitions, and together they have all, none of them twice."""
    shares = [_partitions_of(process["url"]) for process in machine.processes("reporting", "consume")]
    together = [partition for share in shares for partition in share]
    whole = sum(topic.partitions for topic in SetApplier.topics)
    return (
        len(shares) == number and all(shares) and sorted(together) == sorted(set(together)) and len(together) == whole
    )


def _partitions_of(url: str) -> list[str]:
    try:
        said = httpx.get(f"{url}/metrics", timeout=5).text
    except httpx.TransportError:
        return []
    return re.findall(r'consumer_lag{group="reporting-set-\d+",(partition="\d+",topic="[^"]+")}', said)


def test_with_kafka_stopped_offices_go_on_and_all_of_it_appears(machine: Machine, writers_logs: Path) -> None:
    with offices_writing(machine, writers_logs) as offices:
        machine.plut("down", "kafka")
        writes_go_on(offices, more=40)
        assert sum(machine.status()["outbox_backlog"].values()) > 0, "the fault did not bite"
        machine.plut("up", "kafka")
    proven(machine, writers_logs)


def test_kafka_killed(machine: Machine, writers_logs: Path) -> None:
    broker = machine.infrastructure("kafka")["pid"]
    with offices_writing(machine, writers_logs) as offices:
        machine.kill(broker)
        writes_go_on(offices, more=20)
        wait_for("another broker", partial(_is_another, machine, "kafka", broker), seconds=60)
    proven(machine, writers_logs)


def test_kafkas_data_deleted(machine: Machine, writers_logs: Path) -> None:
    with offices_writing(machine, writers_logs):
        pass
    machine.settle()
    machine.down()
    shutil.rmtree(machine.data_dir / "kafka")
    machine.up()
    with offices_writing(machine, writers_logs) as offices:
        writes_go_on(offices)
    proven(machine, writers_logs)


def test_a_topic_made_anew_and_grown_beyond_the_stored_offset(machine: Machine, writers_logs: Path) -> None:
    with offices_writing(machine, writers_logs):
        pass
    machine.settle()
    topics.make_anew(machine.infrastructure("kafka")["address"], "mentoring.session.v1")
    with offices_writing(machine, writers_logs) as offices:
        writes_go_on(offices)
    proven(machine, writers_logs)


def test_postgres_crashes(machine: Machine, writers_logs: Path) -> None:
    with offices_writing(machine, writers_logs) as offices:
        for _ in range(2):
            postmaster = machine.infrastructure("postgres")["pid"]
            machine.kill(postmaster)
            wait_for("Postgres to be back", partial(_is_another, machine, "postgres", postmaster), seconds=60)
            writes_go_on(offices)
    proven(machine, writers_logs)


def _is_another(machine: Machine, name: str, pid: int) -> bool:
    now = machine.infrastructure(name)
    return bool(now["healthy"]) and now["pid"] != pid


def test_postgres_restored_to_an_earlier_point(machine: Machine, writers_logs: Path, tmp_path: Path) -> None:
    machine.settle()
    machine.down()
    shutil.copytree(machine.data_dir / "postgres", tmp_path / "backup", symlinks=True)
    machine.up()
    with offices_writing(machine, writers_logs) as offices:
        writes_go_on(offices)
    machine.settle()
    machine.down()
    shutil.rmtree(machine.data_dir / "postgres")
    shutil.copytree(tmp_path / "backup", machine.data_dir / "postgres", symlinks=True)
    machine.plut("up", "--detach", expect=None)
    wait_for("the relays to notice", lambda: "new-history" in machine.plut("status", expect=None), seconds=60, every=1)
    machine.plut("replay", "--new-history", seconds=180)
    with offices_writing(machine, writers_logs) as offices:
        writes_go_on(offices)
    assert proven(machine, writers_logs)["restored_away"] > 0


def test_consumers_frozen_beyond_their_sessions(machine: Machine, writers_logs: Path) -> None:
    """A zombie comes back to a group that has given up on it; what it then tries to commit must not count."""
    frozen = [machine.processes(*name)[0]["pid"] for name in (("reporting", "consume"), ("mentoring", "consume"))]
    with offices_writing(machine, writers_logs) as offices:
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(20)  # the fault itself: three times as long as a session lasts
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
        writes_go_on(offices)
    proven(machine, writers_logs)


def test_a_process_stops_in_ten_seconds_with_kafka_frozen(machine: Machine) -> None:
    broker = machine.infrastructure("kafka")["pid"]
    watched = [
        machine.processes(*name)[0]["pid"]
        for name in (("registry", "relay"), ("reporting", "consume"), ("registry", "api"))
    ]
    os.kill(broker, signal.SIGSTOP)
    try:
        for pid in watched:
            os.kill(pid, signal.SIGTERM)
        wait_for("the processes to be gone", lambda: not any(_alive(pid) for pid in watched), seconds=12)
    finally:
        os.kill(broker, signal.SIGCONT)
    machine.settle()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "zombie" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
