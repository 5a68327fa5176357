"""Mentoring's own copies of offices and businesses, and the sessions that wait for one."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import asyncpg

from services.mentoring.handlers.causing import caused
from services.mentoring.store import copies as store
from services.mentoring.store.copies import BusinessCopy, OfficeCopy
from services.mentoring.store.sessions import read_sessions
from shared import outbox
from shared.consumer.applier import Received
from shared.consumer.versions import newest_of, report_dropped
from shared.contracts.catalogue import AnyEvent
from shared.contracts.mentoring import SessionResolved
from shared.contracts.registry import BusinessState, OfficeState
from shared.postgres import Connection
from shared.statements import Write, write_at_once

# Nothing else must hold, and the writes share nothing: only its type has to be told.
_ALWAYS = "$1::text is null"


class CopyKeeper:
    """Keeps the copies current, and publishes what resolves a session."""

    def __init__(self, group: str, clock: Callable[[], datetime]) -> None:
        self._group = group
        self._clock = clock

    async def take(self, connection: Connection, told: Sequence[Received]) -> None:
        """Saves the newest state of each office and business, and resolves the sessions that waited for one."""
        await self._take_offices(connection, [each for each in told if isinstance(each.event.state, OfficeState)])
        await self._take_businesses(connection, [each for each in told if isinstance(each.event.state, BusinessState)])

    async def take_at_once(self, connection: Connection, told: Sequence[Received], advancing: Write) -> bool:
        """Saves states of businesses, and moves the offset rows, by one statement: True. False leaves nothing behind:
        there is more to do, for a session waits for one, or is about to, or one is not news, or something else is told.
        """
        copies = [_business_copy(each.event) for each in told if isinstance(each.event.state, BusinessState)]
        if len(copies) < len(told) or len({copy.state.id for copy in copies}) < len(copies):
            return False
        try:
            await write_at_once(connection, None, [advancing, store.replacing_awaited_by_nobody(copies)], _ALWAYS)
        except asyncpg.SerializationError:
            return False
        return True

    async def _take_offices(self, connection: Connection, told: Sequence[Received]) -> None:
        if not told:
            return
        newest = newest_of(told, _key)
        newer = await store.replace_offices(connection, [_office_copy(each.event) for each in newest.values()])
        held = await store.held_offices(connection, [code for code in newest if code not in newer])
        await report_dropped(connection, self._group, told, _key, held)

    async def _take_businesses(self, connection: Connection, told: Sequence[Received]) -> None:
        if not told:
            return
        newest = newest_of(told, _key)
        newer = await store.replace_businesses(connection, [_business_copy(each.event) for each in newest.values()])
        held = await store.held_businesses(connection, [business for business in newest if business not in newer])
        await report_dropped(connection, self._group, told, _key, held)
        await self._resolve(connection, {business: newest[business] for business in newer})

    async def _resolve(self, connection: Connection, causes: Mapping[str, Received]) -> None:
        """Tells each waiting session's new state, in the transaction that made it known."""
        resolved = await store.resolve_waiting(connection, list(causes))
        now = self._clock()
        for session in await read_sessions(connection, list(resolved)):
            cause = causes[resolved[session.state.id]]
            event = caused(SessionResolved, session.state, session.standing.version, cause, now, ["businesses"])
            await outbox.append(connection, [event], cause.traceparent)


def _key(event: AnyEvent) -> str:
    state = event.state
    return state.code if isinstance(state, OfficeState) else str(state.id)


def _office_copy(event: AnyEvent) -> OfficeCopy:
    return OfficeCopy(event.event_id, event.version, event.state)


def _business_copy(event: AnyEvent) -> BusinessCopy:
    return BusinessCopy(event.event_id, event.version, event.state)
