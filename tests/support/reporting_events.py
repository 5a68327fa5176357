"""Events as reporting receives them, made by hand, and a delivery that does what the consumer does."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

from aiokafka import TopicPartition

from services.reporting.domain import Kind
from services.reporting.projections import RULES, TOTALS
from services.reporting.projections.applier import SetApplier
from services.reporting.projections.total import Total
from services.reporting.store import ReadModelSet, Stage, group_of
from shared.consumer.applier import Received
from shared.contracts.catalogue import EVENT_TYPES, SESSION, TOPIC_OF, AnyEvent
from shared.outbox import partition_of
from shared.postgres import Pool
from tests.support.applying import apply_batch

NOW = datetime(2026, 11, 21, 3, 42, 7, tzinfo=UTC)
LIVE = ReadModelSet(version=1, rules=RULES, state="live", stage=Stage.FOLLOWING)


def event(kind: str, aggregate_id: str, version: int, state: dict[str, Any], office: str = "35.76") -> AnyEvent:
    """Returns an event of the type `kind` with this state."""
    return EVENT_TYPES[kind].model_validate(
        {
            "event_id": uuid4(),
            "type": kind,
            "schema_version": 1,
            "aggregate_id": aggregate_id,
            "version": version,
            "occurred_at": NOW,
            "recorded_at": NOW,
            "office": office,
            "actor": "stf-test",
            "correlation_id": UUID(int=7),
            "payload": {"state": state, "changed": []},
        }
    )


def office(code: str = "35.76", name: str = "PLUT Maja Citra Kinarya", version: int = 1) -> AnyEvent:
    state = {"code": code, "name": name, "opened_on": "2019-02-11"}
    return event("OfficeOpened" if version == 1 else "OfficeChanged", code, version, state, code)


def business(id_: UUID, version: int = 1, **changes: Any) -> AnyEvent:
    state = {
        "id": str(id_),
        "trade_name": "Batik Maja",
        "kinds": ["umkm", "ikm"],
        "kelurahan": "35.76.02.1001",
        "home_office": "35.76",
        "status": "active",
        "registered_on": date(2026, 11, 20),
        **changes,
    }
    return event("BusinessRegistered" if version == 1 else "BusinessCorrected", str(id_), version, state)


def session(id_: UUID, businesses: Sequence[UUID], version: int = 1, *, known: bool = True, **changes: Any) -> AnyEvent:
    met = [{"id": str(one), "known": known, "kinds": ["umkm"] if known else []} for one in businesses]
    state = {
        "id": str(id_),
        "office": "35.76",
        "day": date(2026, 11, 21),
        "contact_minutes": 60,
        "preparation_minutes": 15,
        "travel_minutes": 10,
        "consultants": [str(UUID(int=9))],
        "businesses": met,
        "field": "marketing",
        "service": "business_mentoring",
        "channel": "office_visit",
        "state": "completed",
        "confirmable_version": 1,
        **changes,
    }
    return event("SessionCompleted" if version == 1 else "SessionResolved", str(id_), version, state)


def received(events: Iterable[AnyEvent]) -> list[Received]:
    """Returns the events as records of their topics; offsets do not matter to an applier."""
    return [
        Received(TOPIC_OF[one.type].name, partition_of(one.aggregate_id), number, one, None, 0)
        for number, one in enumerate(events)
    ]


def dealt_to(batch: Iterable[Received], applier: SetApplier) -> SetApplier:
    """Returns an applier that adds to the slice of some partition of the batch: so totals get several slices."""
    applier.dealt(TopicPartition(SESSION.name, one.partition) for one in batch)
    return applier


async def deliver(pool: Pool, batch: Sequence[Received], fed: ReadModelSet = LIVE, *, prepared: bool = True) -> None:
    """Applies one batch as the consumer does: dealt, prepared, and if it is small at once, else in one transaction."""
    applier = dealt_to(batch, SetApplier(fed, lambda: NOW))
    if prepared:
        batch = [one._replace(prepared=applier.prepare(one)) for one in batch]
    await apply_batch(pool, applier, batch)


async def read_to(pool: Pool, topic: str, partition: int, next_offset: int, set_version: int = 1) -> None:
    """Moves an offset row as the consumer does before it applies a batch."""
    await pool.execute(
        "insert into consumer_offset (consumer_group, topic, partition, history, epoch, next_offset)"
        " values ($1, $2, $3, 1, 1, $4) on conflict (consumer_group, topic, partition) do update set next_offset = $4",
        group_of(set_version),
        topic,
        partition,
        next_offset,
    )


async def tables(pool: Pool, set_version: int = 1) -> dict[str, list[tuple[Any, ...]]]:
    """Returns facts, totals and what is derived, of a set, without rows that say nothing.

    Of totals only the sums over slices say something.
    """
    facts = "select id::text, version, event_id, slice, subjects, state from fact_{} where set_version = $1 order by id"
    return {
        name: [tuple(row) for row in await pool.fetch(sql, set_version)]
        for name, sql in (
            *((kind, facts.format(kind)) for kind in Kind),
            *((total.name, _amounts(total)) for total in TOTALS),
            ("served_business", _SUBJECTS),
            ("intensive_business", _INTENSIVE),
            ("happening", _HAPPENINGS),
        )
    }


_SUBJECTS = """
select subject, visits::text, offices from served_business
where set_version = $1 and visits::text <> '[]'
order by subject
"""
_INTENSIVE = (
    "select office, year, subject, contact_minutes from intensive_business where set_version = $1 order by 1, 2, 3"
)
_HAPPENINGS = "select event_id, type, aggregate_id, office from happening where set_version = $1 order by 1"


def _amounts(total: Total) -> str:
    keys = [column.name for column in total.key]
    sums = [f"sum({amount})::bigint" for amount in total.amounts]
    some = " or ".join(f"{one} <> 0" for one in sums)
    grouped = ", ".join(keys)
    return (
        f"select {grouped}, {', '.join(sums)} from {total.name} where set_version = $1"
        f" group by {grouped} having {some} order by {grouped}"
    )
