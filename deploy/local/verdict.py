"""What is wrong, in sentences for whoever is called at night: what it means for offices, and where to look. Pure."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from shared.consumer import alarms

if TYPE_CHECKING:
    from deploy.local.status import ProcessHealth, ServerHealth, Status
    from shared.consumer.alarms import Alarm
    from shared.relay.store import Holder

# Pages say themselves by then that data is late.
_LATE_MS = 60_000
# A start takes a few seconds, on a machine that is busy many times that.
_BEGINS_SECONDS = 30.0
# Two pieces of Postgres's write-ahead log, of 16 MB each, and a little.
_LEAST_MEGABYTES = 48
_UNSUPERVISED = "pengawas tidak berjalan: yang mati tidak dinyalakan lagi. Jalankan `plut up`"
_BROKEN_OFF = "pengawas mati, dan semua proses ikut berhenti. Jalankan `plut up`"
_MEANING = {
    alarms.LOG_REPLACED: "log di Kafka diganti, dan dibaca lagi dari awal",
    alarms.LOG_GAP: "log di Kafka berlubang",
    alarms.HIGHER_HISTORY: "riwayat baru dimulai; menunggu dibangun ulang oleh `plut replay --new-history`",
    alarms.PARKING_LIMIT: "terlalu banyak catatan buruk; lihat `plut parked list`, lalu `plut parked resume`",
    alarms.VERSION_CLASH: "dua peristiwa memakai nomor versi yang sama",
}


def of_consumer(alarm: "Alarm") -> str:
    return f"{alarm.group}: {_MEANING.get(alarm.kind, alarm.kind)} ({alarm.kind}): {alarm.detail}"


def of_lead(service: str, holder: "Holder") -> str:
    """Of a lock that belongs to the relays and is held by somebody else: both of them wait for it, and are well."""
    return (
        f"{service}: tidak ada relay yang memimpin: sambungan {holder.pid} ke Postgres ({holder.application or '?'}) "
        "memegang kuncinya, dan peristiwa menunggu di kotak keluar; akhiri sambungan itu, lihat docs/runbook/relay.md"
    )


def troubles(status: "Status") -> list[str]:
    """Returns nothing for an installation that was stopped on purpose, or never begun."""
    pids = [*(server.pid for server in status.infrastructure), *(process.pid for process in status.processes)]
    if not any(pids):
        return [_BROKEN_OFF] if status.broken_off else []
    return [
        *([] if status.supervised else [_UNSUPERVISED]),
        *_of_disks(status),
        *_of_servers(status),
        *_of_services(status),
        *_of_wal(status),
        *_of_processes(status),
        *_of_pages(status),
    ]


def _of_disks(status: "Status") -> Iterator[str]:
    for room in status.room:
        if room.megabytes < _LEAST_MEGABYTES:
            yield f"disk penuh: tinggal {room.megabytes} MB untuk {room.directory}; lihat docs/runbook/disk.md"


def _of_servers(status: "Status") -> Iterator[str]:
    for server in status.infrastructure:
        if not server.healthy:
            meaning = (
                "input dan halaman menjawab 503 sampai kembali"
                if server.state.name == "postgres"
                else "input tetap bisa dan menunggu di kotak keluar; laporan tertinggal"
            )
            yield f"{server.state.name} {_gone(server)}: {meaning}"


def _gone(server: "ServerHealth") -> str:
    if server.held:
        return _on_purpose(server.state.name)
    return "mati" if server.pid is None else "tidak menjawab"


def _of_services(status: "Status") -> Iterator[str]:
    """A service of which nothing is known although Postgres answers, and what it has set aside."""
    if all(each.healthy for each in status.infrastructure):
        for name, service in status.services.items():
            if service.backlog is None:
                yield f"{name}: tabelnya tidak dapat ditanya; terkunci, sibuk, atau belum dimigrasi"
            elif service.parked:
                yield (
                    f"{name}: {service.parked} catatan disisihkan dan menunggu keputusan; "
                    "lihat `plut parked list`, lalu docs/runbook/parked.md"
                )


def _of_wal(status: "Status") -> Iterator[str]:
    """Of the whole cluster, whichever service was told of it."""
    told = [service.wal for service in status.services.values() if service.wal is not None]
    if any(wal.archive_fails for wal in told):
        yield (
            "salinan WAL gagal: yang ditulis sejak itu hilang bila disk Postgres rusak; "
            "lihat `plut logs postgres`, lalu docs/runbook/backup.md"
        )
    if unread := max((wal.slots_unread for wal in told), default=0):
        yield f"{unread} slot replikasi tidak dibaca siapa pun dan menahan WAL; lihat docs/runbook/disk.md"


def _of_processes(status: "Status") -> Iterator[str]:
    for process in status.processes:
        if process.held:
            yield f"{process.state.name} {_on_purpose(process.state.name)}"
        elif not process.healthy:
            yield f"{process.state.name} {_how(process)}; lihat `plut logs {process.state.name}`"
        elif process.hindrance is not None:
            yield f"{process.state.name} hidup, tetapi: {process.hindrance}"


def _on_purpose(name: str) -> str:
    return f"dihentikan dengan sengaja; `plut up {name}` menyalakannya"


def _how(process: "ProcessHealth") -> str:
    """Whoever is told that a process hangs may end it: not one that has only just begun."""
    if process.pid is None:
        return "mati"
    if process.seconds_old is not None and process.seconds_old < _BEGINS_SECONDS:
        return f"baru dinyalakan: proses {process.pid} belum menjawab"
    return f"macet: proses {process.pid} ada tetapi tidak menjawab"


def _of_pages(status: "Status") -> Iterator[str]:
    models = [model for service in status.services.values() for model in service.read_models]
    late = [model.behind_ms for model in models if model.behind_ms is not None and model.behind_ms > _LATE_MS]
    if late:
        yield f"laporan tertinggal {max(late) // 1000} detik; pengguna melihat: data sedang menyusul"
    elif models and any(model.behind_ms is None for model in models):
        yield "kesegaran laporan belum diketahui: belum ada kabar dari relay"
