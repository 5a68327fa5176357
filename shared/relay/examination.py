"""Is the log in Kafka still ours, and is the outbox still the one that filled it?

Asked on taking the lead, after every reconnect, and now and then when idle.
"""

from collections.abc import Sequence

import structlog

from shared import kafka_admin
from shared.contracts.catalogue import WATERMARK, Topic
from shared.postgres import Connection
from shared.relay import store
from shared.relay.evidence import Findings
from shared.relay.log import LogView, open_log
from shared.relay.position import LogLost, Position, Seen, broken_places
from shared.relay.records import Place
from shared.relay.store import Alarm
from shared.settings import Settings

_CURE = "Tidak ada yang diterbitkan sampai Anda menjalankan: plut replay --new-history"


def is_final(alarm: Alarm) -> bool:
    """True if only an operator can end it: looking again would not make unsaid what Kafka's readers have read."""
    return alarm.code in ("changed_history", "new_history")


async def examine(
    settings: Settings, connection: Connection, topics: Sequence[Topic], position: Position
) -> Alarm | None:
    """Makes missing topics and compares log and outbox; returns why nothing may be published, None if all is well.

    Raises LogLost if everything is to be sent again, KafkaTrouble, SteppedDown, and what UNAVAILABLE names.
    """
    alarm = await _another_cluster(connection, position)
    if alarm is not None:
        return alarm
    made = await kafka_admin.create_missing(settings, [*topics, WATERMARK])
    alarm = await _another_number_of_partitions(settings, topics)
    if alarm is not None:
        return alarm
    async with open_log(settings, topics) as view:
        return await _compare(connection, view, position, await _places_made_anew(connection, topics, made, position))


async def hear(
    connection: Connection, view: LogView, position: Position, log: dict[Place, Seen], broken: frozenset[Place]
) -> Findings:
    """Reads what lies beyond the tails, asks the outbox about each event of ours there, writes down what it misses."""
    findings = Findings(history=max((seen.history for seen in log.values()), default=0))
    async for told in view.beyond(position.tails, log, broken, position.history):
        findings.hear(told)
        by_id = {one.event_id: one for one in told}
        gone = await store.missing_events(connection, list(by_id)) if by_id else set()
        findings.missing.update({event_id: by_id[event_id] for event_id in gone})
    await store.record_restored_away(connection, [told[:5] for told in findings.missing.values()])
    return findings


async def _compare(
    connection: Connection, view: LogView, position: Position, made_anew: frozenset[Place]
) -> Alarm | None:
    log = await view.compare(position.tails)
    broken = broken_places(position.tails, log) | made_anew
    findings = await hear(connection, view, position, log, broken)
    if findings.missing:
        return Alarm(
            "changed_history",
            f"riwayat berubah: Kafka memuat {len(findings.missing)} peristiwa yang tidak dikenal Postgres ini; "
            "Postgres dipulihkan ke titik sebelumnya, atau cadangan yang belum menerima semuanya dijadikan utama. "
            + _CURE,
        )
    if findings.history > position.history:
        return Alarm(
            "changed_history",
            f"riwayat berubah: Kafka memuat riwayat {findings.history}, Postgres ini baru mengenal {position.history}; "
            f"Postgres dipulihkan ke titik sebelum riwayat itu dimulai. {_CURE}",
        )
    if broken:
        raise LogLost(broken, findings.epoch)
    return None


async def _another_cluster(connection: Connection, position: Position) -> Alarm | None:
    identifier = await store.system_identifier(connection)
    known = (await store.read_state(connection)).system_identifier
    if known is None:
        await store.save_system_identifier(connection, position.fence, identifier)
    elif known != identifier:
        return Alarm(
            "changed_history",
            "riwayat berubah: tabel-tabel ini berasal dari Postgres lain (hasil dump dipulihkan), dan nomor "
            f"transaksinya tidak berarti di sini. {_CURE}",
        )
    return None


async def _another_number_of_partitions(settings: Settings, topics: Sequence[Topic]) -> Alarm | None:
    names = {settings.topic_prefix + topic.name: topic for topic in topics}
    counts = await kafka_admin.partition_counts(settings, list(names))
    wrong = [
        f"{name} mempunyai {counts[name]} partisi, seharusnya {topic.partitions}"
        for name, topic in names.items()
        if counts.get(name, topic.partitions) != topic.partitions
    ]
    if not wrong:
        return None
    return Alarm(
        "partitions",
        f"{'; '.join(wrong)}: kunci akan berpindah partisi dan peristiwa saling mendahului. "
        "Hapus topik itu: relay membuatnya lagi dan mengirim semuanya.",
    )


async def _places_made_anew(
    connection: Connection, topics: Sequence[Topic], made: frozenset[str], position: Position
) -> frozenset[Place]:
    """A topic that was missing although events of it had been acknowledged is a lost log, tails or no tails."""
    lost = [
        topic
        for topic in topics
        if topic.name in made and await store.was_published(connection, topic.name, position.snapshot)
    ]
    if lost:
        structlog.get_logger().warning("topics_made_anew", topics=[topic.name for topic in lost])
    return frozenset((topic.name, partition) for topic in lost for partition in range(topic.partitions))
