"""Records set aside: stored with their error until their aggregate's next event, a retry or a person closes them.

Every function runs in the caller's transaction. The number shown as `parked` counts the open ones (`parked`,
`retry_requested`);
`healed`, `applied` and `skipped` are closed. A record that is met again (the log was read anew) is not parked
twice: it takes its
new place, keeps `skipped`, and is open again otherwise, until the events behind it heal it once more.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from shared.consumer.applier import Received
from shared.consumer.records import GREATEST_VALUE, Record, digest, event_id_of, header
from shared.contracts import headers as names
from shared.contracts.catalogue import AnyEvent

Connection: TypeAlias = Any

LIMIT_PER_MINUTE = 50
_KEPT_OF_OVERSIZED = 64 * 1024
_ERROR_LENGTH = 4_000


@dataclass(frozen=True, slots=True)
class Bad:
    """A record that is to be set aside; `event` where it could be read and the database refused it."""

    record: Record
    topic: str
    error: str
    event: AnyEvent | None = None

    @property
    def event_id(self) -> UUID | None:
        return self.event.event_id if self.event else event_id_of(self.record.headers)

    @property
    def identity(self) -> str:
        """Returns what tells it from every other record, also after the log was made anew.

        What cannot be read is no event: a header may name one event's id beside any content.
        """
        if self.event is not None:
            return f"event {self.event.event_id}"
        if self.event_id is not None:
            return f"event {self.event_id} {_value_digest(self.record.value).hex()}"
        return f"{self.topic} {self.record.partition} {self.record.offset} {digest(self.record).hex()}"


_KNOWN = "select identity from parked_record where consumer_group = $1 and identity = any($2::text[])"
_BUDGET = """
select case when c.resumed_at > now() - interval '10 minutes' then greatest($2::int, c.allowance) else $2::int end - (
           select count(*) from parked_record p
           where p.consumer_group = $1 and p.parked_at > greatest(now() - interval '1 minute',
           coalesce(c.resumed_at, '-infinity')))
from (select) as nothing left join consumer_control c on c.consumer_group = $1
"""


async def known(connection: Connection, group: str, identities: Sequence[str]) -> set[str]:
    """Returns those that have been parked before, whatever became of them."""
    return {row["identity"] for row in await connection.fetch(_KNOWN, group, list(identities))}


async def budget(connection: Connection, group: str) -> int:
    """Returns how many more may be newly parked now: 50 a minute, or what an operator allowed in the last ten
    minutes.
    """
    return max(0, int(await connection.fetchval(_BUDGET, group, LIMIT_PER_MINUTE)))


_PARK = """
insert into parked_record (consumer_group, identity, topic, partition, log_offset, key, headers, value, value_size,
value_digest,
                           event_id, type, aggregate_id, version, recorded_ms, error)
values ($1, $2, $3, $4, $5, $6, $7::text::jsonb, $8, $9, $10, $11, $12, $13, $14, $15, $16)
on conflict (consumer_group, identity) do update
set topic = excluded.topic, partition = excluded.partition, log_offset = excluded.log_offset, headers =
excluded.headers,
    error = excluded.error, tries = parked_record.tries + 1,
    status = case when parked_record.status in ('healed', 'applied') then 'parked' else parked_record.status end,
    closed_at = case when parked_record.status = 'skipped' then parked_record.closed_at end,
    closed_by = case when parked_record.status = 'skipped' then parked_record.closed_by end
"""


async def park(connection: Connection, group: str, bad: Bad) -> None:
    """Sets the record aside, or notes its new place if it is known."""
    record, value = bad.record, bad.record.value
    await connection.execute(
        _PARK,
        group,
        bad.identity,
        bad.topic,
        record.partition,
        record.offset,
        record.key,
        json.dumps(
            [[printable(name.encode("utf-8", "surrogatepass")), printable(content)] for name, content in record.headers]
        ),
        value if value is None or len(value) <= GREATEST_VALUE else value[:_KEPT_OF_OVERSIZED],
        None if value is None else len(value),
        None if value is None else _value_digest(value),
        bad.event_id,
        printable_text(bad.event.type if bad.event else header(record.headers, names.TYPE)),
        printable_text(bad.event.aggregate_id if bad.event else aggregate_of(record)),
        bad.event.version if bad.event else None,
        record.timestamp,
        printable_text(bad.error[:_ERROR_LENGTH]),
    )


# An event of which nothing but its aggregate is known is made good by whatever comes behind it in the log.
_HEAL = """
with healed as (
    update parked_record p
    set status = case when p.event_id = e.event_id then 'applied' else 'healed' end,
        closed_at = clock_timestamp(), closed_by = 'event ' || e.event_id
    from unnest($2::text[], $3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::uuid[])
        as e (topic, aggregate_id, partition, log_offset, version, event_id)
    where p.consumer_group = $1 and p.status in ('parked', 'retry_requested')
      and p.topic = e.topic and p.aggregate_id = e.aggregate_id
      and (p.version < e.version or p.event_id = e.event_id
           or (p.version is null and p.partition = e.partition and p.log_offset < e.log_offset))
    returning p.id, p.status, p.closed_by
)
insert into parked_action (parked_id, action, actor) select id, status, closed_by from healed
"""
_OPEN_AGGREGATES = """
select distinct topic, aggregate_id from parked_record
where consumer_group = $1 and status in ('parked', 'retry_requested') and aggregate_id is not null
"""


async def heal(connection: Connection, group: str, applied: Sequence[Received]) -> None:
    """Closes the parked records that these events make good: each carries its aggregate's full state."""
    await connection.execute(
        _HEAL,
        group,
        [each.topic for each in applied],
        [each.event.aggregate_id for each in applied],
        [each.partition for each in applied],
        [each.offset for each in applied],
        [each.event.version for each in applied],
        [each.event.event_id for each in applied],
    )


async def open_aggregates(connection: Connection, group: str) -> set[tuple[str, str]]:
    """Returns (topic, aggregate) of what stands parked, so that healing costs nothing while nothing does."""
    return {(row["topic"], row["aggregate_id"]) for row in await connection.fetch(_OPEN_AGGREGATES, group)}


_COUNT = """
select count(*) from parked_record
where status in ('parked', 'retry_requested') and ($1::text is null or consumer_group = $1)
"""


async def count_open(connection: Connection, group: str | None = None) -> int:
    """Returns the number shown as `parked`, of one group or of all."""
    return int(await connection.fetchval(_COUNT, group))


def aggregate_of(record: Record) -> str | None:
    """Returns the key as text: every event is keyed by its aggregate's id."""
    try:
        return record.key.decode() if record.key is not None and len(record.key) <= 64 else None
    except UnicodeDecodeError:
        return None


def _value_digest(value: bytes | None) -> bytes:
    return hashlib.sha256(value or b"").digest()


def printable(content: bytes | None) -> str | None:
    """Returns bytes as a text that Postgres takes; what is not UTF-8 and NUL are written as \\xhh."""
    return printable_text(None if content is None else content.decode("utf-8", "backslashreplace"))


def printable_text(text: str | None) -> str | None:
    return None if text is None else text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()


def unprintable(text: str | None) -> bytes | None:
    """Returns the bytes that `printable` was given, as far as text can tell: for headers that a relay wrote it is
    exact.
    """
    return None if text is None else text.encode()
