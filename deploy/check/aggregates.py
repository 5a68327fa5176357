"""Every aggregate of the outbox history against the tables that follow it, range by range of their ids."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deploy.check.copies import COPIES, Applied, Copies, Row
from deploy.check.findings import NEW_HISTORY, Finding, Kind
from deploy.check.reader import Readers
from deploy.check.totals.suspects import Counted, Suspect
from shared.contracts.catalogue import TOPICS

_PAGE = 2000

_RANGE = """
select aggregate_id from outbox where topic = $1 and ($2::text is null or aggregate_id > $2)
group by aggregate_id order by aggregate_id limit $3
"""
_HISTORY = """
select aggregate_id, max(version) as newest, count(*) as events from outbox
where topic = $1 and ($2::text is null or aggregate_id > $2) and ($3::text is null or aggregate_id <= $3) and seq <= $4
group by aggregate_id
"""
_EVENTS = """
select o.aggregate_id, o.version, o.event_id::text as event_id, o.partition,
       (o.payload #> '{payload,state}')::text as state
from unnest($2::text[], $3::bigint[]) as wanted (id, version)
join outbox o on o.topic = $1 and o.aggregate_id = wanted.id and o.version = wanted.version
"""
_GAPS = """
select newest.aggregate_id, missing.version
from (select aggregate_id, max(version) as version from outbox
      where topic = $1 and aggregate_id = any($2::text[]) group by aggregate_id) newest
cross join lateral generate_series(1, newest.version) as missing (version)
where not exists (
    select from outbox o
    where o.topic = $1 and o.aggregate_id = newest.aggregate_id and o.version = missing.version
)
"""
_ALIASES = """
select alias::text as alias, subject::text as subject from subject_alias
where set_version = (select version from read_model_pointer)
"""
_REBUILD = "Run `plut rebuild {service}`: it builds the rows anew from the log."


@dataclass(frozen=True, slots=True)
class Behind:
    """A row that is not as far as its aggregate's history: `version` is 0 where there is none."""

    copies: Copies
    id: str
    version: int
    newest: int


@dataclass
class Judged:
    """What one range came to. `behind` is to be asked for again: it may only be on its way."""

    stored: int = 0
    findings: list[Finding] = field(default_factory=list)
    behind: list[Behind] = field(default_factory=list)
    suspects: list[Suspect] = field(default_factory=list)


async def compare(readers: Readers, topic: str, until_seq: int, aliases: Mapping[str, str]) -> AsyncIterator[Judged]:
    """Yields, range by range, how the tables that follow a topic compare with its history up to `until_seq`."""
    producer, after, more = TOPICS[topic].service, None, True
    while more:
        async with readers.instant(producer) as connection:
            ids = [row["aggregate_id"] for row in await connection.fetch(_RANGE, topic, after, _PAGE)]
        more = len(ids) == _PAGE
        upto = ids[-1] if more else None
        yield await _judge_range(readers, topic, (after, upto), until_seq, aliases)
        after = upto


async def aliases(readers: Readers) -> dict[str, str]:
    """Returns business → canonical subject for those that turned out to be another one."""
    async with readers.instant("reporting") as connection:
        return {row["alias"]: row["subject"] for row in await connection.fetch(_ALIASES)}


async def _judge_range(
    readers: Readers,
    topic: str,
    bounds: tuple[str | None, str | None],
    until_seq: int,
    known_aliases: Mapping[str, str],
) -> Judged:
    """Rows are read before the history: what they were made of is there by then, however many write meanwhile."""
    tables = COPIES.get(topic, ())
    rows = []
    for copies in tables:
        async with readers.instant(copies.service) as connection:
            rows.append(await copies.read(connection, *bounds))
    wanted = {(row.id, row.version) for table in rows for row in table.values()}
    async with readers.instant(TOPICS[topic].service) as connection:
        history = {row["aggregate_id"]: row for row in await connection.fetch(_HISTORY, topic, *bounds, until_seq)}
        events = await events_of(connection, topic, wanted)
        gaps = await connection.fetch(
            _GAPS, topic, [id_ for id_, row in history.items() if row["newest"] != row["events"]]
        )
    judged = Judged(stored=sum(row["events"] for row in history.values()))
    judged.findings += [_gap(topic, row["aggregate_id"], row["version"]) for row in gaps]
    for copies, table in zip(tables, rows, strict=True):
        _judge_rows(judged, copies, table, events, known_aliases)
        judged.behind += [
            Behind(copies, id_, table[id_].version if id_ in table else 0, row["newest"])
            for id_, row in history.items()
            if id_ not in table or table[id_].version < row["newest"]
        ]
    return judged


async def events_of(connection: Any, topic: str, wanted: Any) -> dict[tuple[str, int], Applied]:  # noqa: ANN401  asyncpg's
    """Returns the wanted events of a topic by (aggregate, version), as far as the history has them."""
    pairs: Sequence[tuple[str, int]] = list(wanted)
    rows = await connection.fetch(_EVENTS, topic, [id_ for id_, _ in pairs], [version for _, version in pairs])
    return {
        (row["aggregate_id"], row["version"]): Applied(
            row["aggregate_id"],
            row["version"],
            row["event_id"],
            row["partition"],
            row["state"],
        )
        for row in rows
    }


def _judge_rows(
    judged: Judged,
    copies: Copies,
    table: Mapping[str, Row],
    events: Mapping[tuple[str, int], Applied],
    known_aliases: Mapping[str, str],
) -> None:
    for row in table.values():
        event = events.get((row.id, row.version))
        wrong, cure = ["the history has no such version"], NEW_HISTORY
        if event is not None:
            wrong, cure = copies.differences(row, event, known_aliases), _REBUILD.format(service=copies.service)
        if not wrong:
            continue
        judged.findings.append(
            Finding(
                Kind.DIFFERING,
                f"{copies.table} {row.id} version {row.version}",
                "; ".join(wrong),
                cure,
            )
        )
        if copies.service == "reporting":
            judged.suspects.append(suspect(copies, row, event, known_aliases))


def suspect(copies: Copies, row: Row | None, event: Applied | None, known_aliases: Mapping[str, str]) -> Suspect:
    """Returns a fact that is not what the history says, as totals count it now and as they ought to."""
    ought = Counted(event.state, copies.subjects(event, known_aliases)) if event else None
    return Suspect(_as_listed(row) if row else None, ought)


def _as_listed(row: Row) -> Counted:
    """Totals are compared with the facts as they are listed, whatever their states say of that."""
    listed = dict(row.listed)
    if "kelurahan" in listed:
        listed = {**listed, "registered_by": listed.pop("office"), "registered_on": listed.pop("day")}
    return Counted({**row.state, **listed}, row.subjects or ())


def _gap(topic: str, id_: str, version: int) -> Finding:
    return Finding(
        Kind.LOST,
        f"{id_} version {version}",
        f"{topic}: the outbox has later versions and not this one",
        "Restore the outbox from a backup: versions are counted without gaps.",
    )
