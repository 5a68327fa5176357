"""The registry's events in: mentoring's own copies of offices and businesses, and the sessions that wait for them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.mentoring import store
from services.mentoring.settings import SERVICE
from services.mentoring.store import BusinessCopy, Copy, OfficeCopy, Session
from shared import metrics, outbox
from shared.clock import utc_now
from shared.consumer import alarms
from shared.consumer.applier import Received
from shared.contracts.catalogue import BUSINESS, OFFICE, AnyEvent, Topic
from shared.contracts.envelope import Payload
from shared.contracts.mentoring import SessionResolved, SessionState
from shared.contracts.registry import BusinessState, OfficeState
from shared.ids import new_id
from shared.postgres import Connection


class ReplicaApplier:
    """Keeps the copies current. Durable, for it publishes: what resolves a session is an event like any other."""

    topics: tuple[Topic, ...] = (OFFICE, BUSINESS)
    durable = True

    def __init__(self, group: str, clock: Callable[[], datetime] = utc_now) -> None:
        self.group = group
        self._clock = clock

    async def apply(self, connection: Any, batch: Sequence[Received]) -> None:  # noqa: ANN401  pooled or plain
        """Saves the newest state of each office and business, and resolves the sessions that waited for one."""
        await self._take_offices(connection, [each for each in batch if isinstance(each.event.state, OfficeState)])
        await self._take_businesses(connection, [each for each in batch if isinstance(each.event.state, BusinessState)])

    async def forget(self, connection: Any) -> None:  # noqa: ANN401  pooled or plain
        """Drops the copies, so that they are read again from the beginning of a new history."""
        await store.forget_copies(connection)

    async def _take_offices(self, connection: Connection, told: Sequence[Received]) -> None:
        if not told:
            return
        newest = _newest(told)
        newer = await store.replace_offices(connection, [_office_copy(each.event) for each in newest.values()])
        held = await store.held_offices(connection, [code for code in newest if code not in newer])
        await self._compare(connection, told, newest, held)

    async def _take_businesses(self, connection: Connection, told: Sequence[Received]) -> None:
        if not told:
            return
        newest = _newest(told)
        newer = await store.replace_businesses(connection, [_business_copy(each.event) for each in newest.values()])
        held = await store.held_businesses(connection, [business for business in newest if business not in newer])
        await self._compare(connection, told, newest, held)
        await self._resolve(connection, {business: newest[business] for business in newer})

    async def _compare(
        self, connection: Connection, told: Sequence[Received], newest: Mapping[str, Received], held: Mapping[str, Copy]
    ) -> None:
        """Raises an alarm where one version came with two events: nothing here can say which of them is true."""
        metrics.DUPLICATES_DROPPED.labels(self.group).inc(len(held))
        for each in told:
            key = _key(each.event)
            known = held.get(key) or Copy(newest[key].event.event_id, newest[key].event.version)
            if each.event.version == known.version and each.event.event_id != known.event_id:
                detail = (
                    f"{key} version {known.version}: holds {known.event_id}, was sent {each.event.event_id} as well"
                )
                await alarms.raise_alarm(connection, self.group, alarms.VERSION_CLASH, detail)

    async def _resolve(self, connection: Connection, causes: Mapping[str, Received]) -> None:
        """Tells each waiting session's new state, in the transaction that made it known."""
        resolved = await store.resolve_waiting(connection, list(causes))
        now = self._clock()
        for session in await store.read_sessions(connection, list(resolved)):
            cause = causes[resolved[session.state.id]]
            await outbox.append(connection, [_resolved(session, cause, now)], cause.traceparent)


def _key(event: AnyEvent) -> str:
    state = event.state
    return state.code if isinstance(state, OfficeState) else str(state.id)


def _newest(told: Sequence[Received]) -> dict[str, Received]:
    """Returns the newest event of each aggregate, and of two with one version the one that came first."""
    newest: dict[str, Received] = {}
    for each in told:
        known = newest.get(_key(each.event))
        if known is None or each.event.version > known.event.version:
            newest[_key(each.event)] = each
    return newest


def _office_copy(event: AnyEvent) -> OfficeCopy:
    return OfficeCopy(event.event_id, event.version, event.state)


def _business_copy(event: AnyEvent) -> BusinessCopy:
    return BusinessCopy(event.event_id, event.version, event.state)


def _resolved(session: Session, cause: Received, now: datetime) -> SessionResolved:
    """The event of a session that now knows a business; `cause` is the event that brought the business."""
    return SessionResolved(
        event_id=new_id(),
        schema_version=1,
        aggregate_id=str(session.state.id),
        version=session.version,
        occurred_at=now,
        recorded_at=now,
        office=session.state.office,
        actor=SERVICE,
        correlation_id=cause.event.correlation_id,
        causation_id=cause.event.event_id,
        payload=Payload[SessionState](state=session.state, changed=["businesses"]),
    )
