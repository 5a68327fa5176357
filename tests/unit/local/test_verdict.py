"""What an operator is told first, during each fault."""

from dataclasses import replace
from datetime import UTC, datetime

from deploy.local import verdict
from deploy.local.state import ProcessState, ServerState
from deploy.local.status import ProcessHealth, ReadModel, Room, ServerHealth, ServiceStatus, Status
from shared.consumer.alarms import PARKING_LIMIT, Alarm
from shared.relay.store import Wal

NOW = datetime(2026, 11, 1, tzinfo=UTC)
RELAY = ProcessHealth(ProcessState("registry", "relay", 1, "http://127.0.0.1:1"), 7, healthy=True)
KAFKA = ServerHealth(ServerState("kafka", "127.0.0.1:2"), 8, healthy=True)
POSTGRES = ServerHealth(ServerState("postgres", "127.0.0.1:3"), 9, healthy=True)
WELL = Status(
    [RELAY], [POSTGRES, KAFKA], {"registry": ServiceStatus(0, parked=0, read_models=[ReadModel("a", NOW, 400)])}, {}
)


def _told(status: Status) -> str:
    return "\n".join(verdict.troubles(status))


def test_nothing_is_said_of_what_is_well_or_was_stopped() -> None:
    assert WELL.is_well
    stopped = [replace(each, pid=None, healthy=False) for each in (POSTGRES, KAFKA)]
    status = Status([replace(RELAY, pid=None, healthy=False)], stopped, {}, {})
    assert _told(status) == ""
    assert _told(replace(status, broken_off=True)).startswith("pengawas mati, dan semua proses ikut berhenti")


def test_each_fault_is_told_with_what_it_means() -> None:
    frozen, hindered = replace(RELAY, healthy=False), replace(RELAY, hindrance="Postgres does not answer")
    assert "registry-relay macet: proses 7" in _told(replace(WELL, processes=[frozen]))
    assert "registry-relay mati" in _told(replace(WELL, processes=[replace(frozen, pid=None)]))
    assert "hidup, tetapi: Postgres does not answer" in _told(replace(WELL, processes=[hindered]))
    assert "kafka tidak menjawab: input tetap bisa" in _told(
        replace(WELL, infrastructure=[POSTGRES, replace(KAFKA, healthy=False)])
    )
    assert "postgres mati: input dan halaman" in _told(
        replace(WELL, infrastructure=[replace(POSTGRES, pid=None, healthy=False), KAFKA])
    )
    assert "registry: tabelnya tidak dapat ditanya" in _told(replace(WELL, services={"registry": ServiceStatus()}))
    assert "pengawas tidak berjalan" in _told(replace(WELL, supervised=False))


def test_one_that_begins_and_one_that_was_stopped_are_not_taken_for_broken() -> None:
    young = replace(RELAY, healthy=False, seconds_old=3.0)
    assert "registry-relay baru dinyalakan: proses 7" in _told(replace(WELL, processes=[young]))
    assert "registry-relay macet" in _told(replace(WELL, processes=[replace(young, seconds_old=60.0)]))
    held = replace(RELAY, pid=None, healthy=False, held=True)
    assert "registry-relay dihentikan dengan sengaja; `plut up registry-relay`" in _told(
        replace(WELL, processes=[held])
    )
    stopped = replace(KAFKA, pid=None, healthy=False, held=True)
    assert "kafka dihentikan dengan sengaja; `plut up kafka` menyalakannya: input tetap bisa" in _told(
        replace(WELL, infrastructure=[POSTGRES, stopped])
    )


def test_a_full_disk_is_told_first() -> None:
    status = replace(WELL, room=[Room("/data/postgres", 3), Room("/data/kafka", 900)])
    assert verdict.troubles(status) == ["disk penuh: tinggal 3 MB untuk /data/postgres; lihat docs/runbook/disk.md"]


def test_records_that_wait_for_a_decision_are_told() -> None:
    status = replace(WELL, services={"reporting": ServiceStatus(0, parked=24)})
    assert not status.is_well
    assert "reporting: 24 catatan disisihkan" in _told(status)


def test_what_makes_backups_worthless_or_fills_the_disk_is_told_once() -> None:
    """Every service is told of the whole cluster."""
    wal = Wal(slots_unread=1, archive_fails=True)
    status = replace(WELL, services={name: ServiceStatus(0, wal=wal) for name in ("registry", "mentoring")})
    assert _told(status).count("salinan WAL gagal") == 1
    assert _told(status).count("1 slot replikasi tidak dibaca") == 1
    assert not status.is_well
    quiet = ServiceStatus(0, wal=Wal(slots_unread=0, archive_fails=False))
    assert _told(replace(WELL, services={"registry": quiet})) == ""


def test_late_pages_are_told() -> None:
    late = ServiceStatus(0, read_models=[ReadModel("a", NOW, 75_000), ReadModel("b", NOW, 10)])
    assert "laporan tertinggal 75 detik" in _told(replace(WELL, services={"reporting": late}))
    unknown = ServiceStatus(0, read_models=[ReadModel("a", None, None)])
    assert "belum diketahui" in _told(replace(WELL, services={"reporting": unknown}))


def test_an_alarm_of_a_consumer_says_what_to_do() -> None:
    told = verdict.of_consumer(Alarm("reporting-set-1", PARKING_LIMIT, "more than 50", 1, NOW, NOW))
    assert "plut parked resume" in told
    assert PARKING_LIMIT in told
