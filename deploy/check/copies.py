"""Where the newest state of an aggregate is kept: reporting's facts and mentoring's replicas.

What a row ought to be follows from the event alone; nothing here is shared with the code that wrote it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.contracts.catalogue import BUSINESS, CONSULTANT, OFFICE, SESSION
from shared.contracts.envelope import Contract
from shared.contracts.mentoring import ConsultantState, SessionState
from shared.contracts.registry import BusinessState, OfficeState

State = Mapping[str, Any]

_CONTRACTS: Mapping[str, type[Contract]] = {
    OFFICE.name: OfficeState,
    BUSINESS.name: BusinessState,
    CONSULTANT.name: ConsultantState,
    SESSION.name: SessionState,
}

# `listed`: the columns under which a fact is found, `told`: what its own state says of them.
_FACTS = """
select id::text as id, version, event_id::text as event_id, state::text as state, slice, subjects::text[] as subjects,
       {listed} as listed, {told} as told
from {table} where set_version = (select version from read_model_pointer) and {range}
order by id
"""
_OFFICE_REPLICA = """
select code as id, version, event_id::text as event_id, null as slice, null as subjects,
       null as listed, null as told,
       json_build_object('code', code, 'name', name, 'opened_on', opened_on)::text as state
from office_replica where {range}
order by code
"""
# A placeholder of version 0 is no copy: it waits for one.
_BUSINESS_REPLICA = """
select id::text as id, version, event_id::text as event_id, null as slice, null as subjects,
       null as listed, null as told,
       json_build_object('id', id, 'trade_name', trade_name, 'kinds', kinds, 'kelurahan', kelurahan,
                         'home_office', home_office, 'status', status, 'closed_on', closed_on)::text as state
from business_replica where version > 0 and {range}
order by id
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands: an aggregate's version, the event that made it, and what it says (`text`, JSON).

    `listed`: by column, what it is found under; `told`: what its own state says of these.
    """

    id: str
    version: int
    event_id: str
    text: str
    slice: int | None = None
    subjects: tuple[str, ...] | None = None
    listed: Mapping[str, str | None] = field(default_factory=dict)
    told: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def state(self) -> State:
        return _parsed(self.text)


@dataclass(frozen=True, slots=True)
class Applied:
    """The event in the outbox that a row says it was made of, or the newest of its aggregate."""

    id: str
    version: int
    event_id: str
    partition: int
    text: str

    @property
    def state(self) -> State:
        return _parsed(self.text)


def _parsed(text: str) -> State:
    state: State = json.loads(text)
    return state


@dataclass(frozen=True)
class Copies:
    """A table that follows a topic. `columns`: what it keeps of the state; None means all of it."""

    service: str
    table: str
    topic: str
    select: str
    id_column: str = "id"
    id_type: str = "text"
    columns: frozenset[str] | None = None

    async def read(self, connection: Any, after: str | None, upto: str | None) -> dict[str, Row]:  # noqa: ANN401  asyncpg's
        """Returns the rows whose id lies in (after, upto], None meaning no bound, by id."""
        bounds = [(sign, bound) for sign, bound in ((">", after), ("<=", upto)) if bound is not None]
        within = [
            f"{self.id_column} {sign} ${place}::text::{self.id_type}" for place, (sign, _) in enumerate(bounds, 1)
        ]
        sql = self.select.replace("{range}", " and ".join(within) or "true")
        return {row["id"]: _row(row) for row in await connection.fetch(sql, *(bound for _, bound in bounds))}

    async def read_those(self, connection: Any, ids: Sequence[str]) -> dict[str, Row]:  # noqa: ANN401
        """Returns the rows of these aggregates, by id."""
        sql = self.select.replace("{range}", f"{self.id_column} = any($1::text[]::{self.id_type}[])")
        return {row["id"]: _row(row) for row in await connection.fetch(sql, list(ids))}

    async def group(self, connection: Any) -> str:  # noqa: ANN401
        """Returns the consumer group that feeds the table now."""
        if self.service == "reporting":
            live = await connection.fetchval("select version from read_model_pointer")
            return f"reporting-set-{live}"
        return "mentoring-replica"

    def differences(self, row: Row, event: Applied, aliases: Mapping[str, str]) -> list[str]:
        """Returns what a row says otherwise than the event that it was made of."""
        wrong = (
            []
            if row.event_id == event.event_id
            else [f"made of event {row.event_id}, the history has {event.event_id}"]
        )
        if row.slice is not None and row.slice != event.partition:
            wrong.append(f"slice {row.slice}, its partition is {event.partition}")
        if row.subjects is not None and row.subjects != (named := self.subjects(event, aliases)):
            wrong.append(f"subjects {list(row.subjects)}, the event speaks of {list(named)}")
        wrong += [
            f"listed under {column} {row.listed[column]}, its state says {told}"
            for column, told in row.told.items()
            if row.listed[column] != told
        ]
        # Written alike, they are alike; parsing both would take most of the check's time.
        if row.text != event.text and row.state != self._narrow(event.state):
            wrong += _unlike(row.state, self._narrow(normal(self.topic, event.state)))
        return wrong

    def subjects(self, event: Applied, aliases: Mapping[str, str]) -> tuple[str, ...]:
        """Returns the canonical ids of the businesses that an event speaks of, in its order."""
        if self.topic == SESSION.name:
            named: Sequence[str] = [business["id"] for business in event.state["businesses"]]
        else:
            named = [event.id] if self.topic == BUSINESS.name else []
        return tuple(aliases.get(one, one) for one in named)

    def _narrow(self, state: State) -> State:
        return state if self.columns is None else {name: state.get(name) for name in self.columns}


def normal(topic: str, state: State) -> State:
    """Returns a state as the present contract writes it: absent optional fields filled, unknown ones dropped."""
    return _CONTRACTS[topic].model_validate(state).model_dump(mode="json")


def _unlike(row: State, expected: State) -> list[str]:
    names = sorted(name for name in row.keys() | expected.keys() if row.get(name) != expected.get(name))
    return [f"`{name}` is {row.get(name)!r}, the event says {expected.get(name)!r}" for name in names]


def _row(row: Any) -> Row:  # noqa: ANN401  asyncpg's
    subjects = None if row["subjects"] is None else tuple(row["subjects"])
    listed, told = (dict(json.loads(row[name] or "{}")) for name in ("listed", "told"))
    return Row(row["id"], row["version"], row["event_id"], row["state"], row["slice"], subjects, listed, told)


_REPLICATED = frozenset({"id", "trade_name", "kinds", "kelurahan", "home_office", "status", "closed_on"})


# Of each kind of fact, the columns that it is found under, and where its state says them.
_LISTED: Mapping[str, Mapping[str, str]] = {
    "office": {},
    "consultant": {"office": "state ->> 'office'"},
    "session": {"office": "state ->> 'office'", "day": "state ->> 'day'"},
    "business": {
        "office": "coalesce(state ->> 'registered_by', state ->> 'home_office')",
        "day": "state ->> 'registered_on'",
        "home_office": "state ->> 'home_office'",
        "kelurahan": "state ->> 'kelurahan'",
    },
}


def _facts(topic: str, kind: str, id_type: str) -> Copies:
    columns = _LISTED[kind]
    sql = _FACTS.replace("{table}", f"fact_{kind}")
    sql = sql.replace("{listed}", _object({column: column for column in columns})).replace("{told}", _object(columns))
    return Copies("reporting", f"reporting.fact_{kind}", topic, sql, id_type=id_type)


def _object(columns: Mapping[str, str]) -> str:
    pairs = ", ".join(f"'{name}', ({value})::text" for name, value in columns.items())
    return f"json_build_object({pairs})::text"


# Every table that follows a topic, by topic. A new read model of facts is one more line here.
COPIES: Mapping[str, tuple[Copies, ...]] = {
    OFFICE.name: (
        _facts(OFFICE.name, "office", "text"),
        Copies("mentoring", "mentoring.office_replica", OFFICE.name, _OFFICE_REPLICA, id_column="code"),
    ),
    BUSINESS.name: (
        _facts(BUSINESS.name, "business", "uuid"),
        Copies(
            "mentoring",
            "mentoring.business_replica",
            BUSINESS.name,
            _BUSINESS_REPLICA,
            id_type="uuid",
            columns=_REPLICATED,
        ),
    ),
    CONSULTANT.name: (_facts(CONSULTANT.name, "consultant", "uuid"),),
    SESSION.name: (_facts(SESSION.name, "session", "uuid"),),
}
