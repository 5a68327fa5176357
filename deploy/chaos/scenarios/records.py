"""What may be wrong with the records themselves: twice, out of order, not readable at all."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from deploy.chaos import topics
from deploy.chaos.forged import Forged, poison, unheard_of
from deploy.chaos.scenario import Scenario
from deploy.chaos.stage import Stage
from deploy.local.table import SERVICES
from shared.contracts import headers as names
from shared.kafka_admin import bounded

_AT_MOST = 40
_TIMES = 3
_SEND_SECONDS = 10.0
_SKIP = """
with closed as (
    update {service}.parked_record set status = 'skipped', closed_at = clock_timestamp(), closed_by = 'plut chaos'
    where status = 'parked' returning id
)
insert into {service}.parked_action (parked_id, action, actor, detail)
select id, 'skipped', 'plut chaos', 'sent on purpose' from closed
"""
# What a stopped relay has not sent yet: at least a part of it.
_UNSENT = """
select o.topic, o.partition, o.aggregate_id as key, o.event_id::text as event_id, o.type, o.version,
       o.payload::text as payload, o.correlation_id::text as correlation_id, r.history, r.epoch, r.fence
from {service}.outbox o, {service}.relay_state r
where not pg_visible_in_snapshot(o.xid, r.snapshot) order by o.seq desc limit 60
"""


class DuplicatesSent(Scenario):
    """Old records come again, several times, long after newer ones: by a producer that timed out, or by a bad tool."""

    name: ClassVar[str] = "duplicates-sent"
    faults: ClassVar[str] = "F11"
    title: ClassVar[str] = "random old records sent again, three times each"
    bites: ClassVar[Mapping[str, int]] = {"duplicates": 30}

    async def strike(self, stage: Stage) -> None:
        for _ in range(stage.rounds):
            known = [record async for record in topics.records(stage.installation.kafka_bootstrap)]
            named = [record for record in known if any(name == names.EVENT_ID for name, _ in record.headers)]
            chosen = stage.dice.sample(named, min(_AT_MOST, len(named))) * _TIMES
            stage.dice.shuffle(chosen)
            await _send_copies(stage, chosen)
            await stage.writes_go_on(2)


class RecordsOutOfOrder(Scenario):
    """Everything new comes in any order first, also within an aggregate; the relays' own order comes late."""

    name: ClassVar[str] = "records-out-of-order"
    faults: ClassVar[str] = "F12"
    title: ClassVar[str] = "new events delivered in random order, within aggregates too"
    bites: ClassVar[Mapping[str, int]] = {"events sent out of order": 10, "older after newer": 1}

    async def strike(self, stage: Stage) -> None:
        for _ in range(stage.rounds):
            for service in ("registry", "mentoring"):
                await stage.hold(f"{service}-relay")
                await stage.hold(f"{service}-relay-2")
            await stage.writes_go_on(8)
            for service in ("registry", "mentoring"):
                await self._send_shuffled(stage, service)
            for service in ("registry", "mentoring"):
                stage.release(f"{service}-relay")
                stage.release(f"{service}-relay-2")
            await stage.writes_go_on(2)

    async def _send_shuffled(self, stage: Stage, service: str) -> None:
        async with stage.database() as connection:
            rows = await connection.fetch(_UNSENT.format(service=service))
        shuffled = stage.dice.sample(rows, len(rows))
        shuffled = _newest_of_each_first(shuffled) if stage.dice.random() < 0.5 else shuffled
        stage.saw("events sent out of order", len(shuffled))
        stage.saw("older after newer", _older_after_newer(shuffled))
        async with topics.producer(stage.installation.kafka_bootstrap) as sender:
            for row in shuffled:
                await bounded(
                    sender.send_and_wait(
                        row["topic"],
                        row["payload"].encode(),
                        row["key"].encode(),
                        partition=row["partition"],
                        headers=_stamps(row),
                    ),
                    "sending an event",
                    _SEND_SECONDS,
                )


class PoisonSent(Scenario):
    """Each bad record is set aside with its reason; aggregates heal with their next event; all else goes on."""

    name: ClassVar[str] = "poison-sent"
    faults: ClassVar[str] = "F13"
    title: ClassVar[str] = "records of every bad kind, under the keys of living aggregates"
    bites: ClassVar[Mapping[str, int]] = {"bad records sent": 10, "record_parked": 10}

    async def strike(self, stage: Stage) -> None:
        good = await self._good(stage)
        for _ in range(min(stage.rounds, 3)):
            bad = poison(stage.dice, good)
            async with topics.producer(stage.installation.kafka_bootstrap) as sender:
                for each in [*bad.values(), *unheard_of(stage.dice, good)]:
                    await bounded(
                        sender.send_and_wait(each.topic, each.value, each.key, headers=list(each.headers)),
                        "sending a bad record",
                        _SEND_SECONDS,
                    )
            stage.saw("bad records sent", len(bad))
            await stage.logged("record_parked", len(bad) * (1 + stage.seen["rounds"]))
            stage.saw("rounds")
            await stage.writes_go_on(3)
        await self._follow_on(stage)

    async def judge(self, stage: Stage) -> list[str]:
        """Closes what was parked, with its reason in the audit, as `plut parked skip` does: now that all has been read,
        nobody parks more of it.
        """
        async with stage.database() as connection:
            for service in SERVICES:
                await connection.execute(_SKIP.format(service=service))
        return list((await stage.status()).alarms)

    async def _good(self, stage: Stage) -> Mapping[str, Sequence[Forged]]:
        found: dict[str, list[Forged]] = defaultdict(list)
        async for record in topics.records(stage.installation.kafka_bootstrap):
            told = any(name == names.EVENT_ID for name, _ in record.headers)  # others broke this log before
            if (
                record.topic in ("registry.business.v1", "mentoring.session.v1")
                and record.key
                and record.value
                and told
            ):
                stamps = [each for each in record.headers if each[0] != names.EVENT_ID]
                found[record.topic].append(Forged(record.topic, record.key, record.value, stamps))
        return {topic: each for topic, each in found.items() if each}

    async def _follow_on(self, stage: Stage) -> None:
        """Nobody stands still: what comes after the bad ones is read."""

        async def read() -> bool:
            status = await stage.status()
            return all(lag is not None and lag < 50 for lag in status.lags.values())

        await stage.until("consumers to read on behind the bad records", read)


async def _send_copies(stage: Stage, chosen: Sequence[Any]) -> None:
    async with topics.producer(stage.installation.kafka_bootstrap) as sender:
        sending = [
            await bounded(
                sender.send(each.topic, each.value, each.key, partition=each.partition, headers=list(each.headers)),
                "sending a copy",
                _SEND_SECONDS,
            )
            for each in chosen
        ]
        await bounded(asyncio.gather(*sending), "sending copies", _SEND_SECONDS)


def _stamps(row: Mapping[str, Any]) -> list[tuple[str, bytes]]:
    """Returns the headers that the relay would give it."""
    told = {
        names.EVENT_ID: row["event_id"],
        names.TYPE: row["type"],
        names.HISTORY: row["history"],
        names.EPOCH: row["epoch"],
        names.FENCE: row["fence"],
        names.CORRELATION_ID: row["correlation_id"],
    }
    return [(name, str(value).encode()) for name, value in told.items()]


def _newest_of_each_first(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(rows, key=lambda row: row["version"], reverse=True)


def _older_after_newer(rows: Sequence[Mapping[str, Any]]) -> int:
    """How many events come after a newer one of their aggregate."""
    seen: dict[tuple[str, str], int] = {}
    older = 0
    for row in rows:
        place = (row["topic"], row["key"])
        older += row["version"] < seen.get(place, 0)
        seen[place] = max(row["version"], seen.get(place, 0))
    return older
