"""What clients said to the registry: sessions are confirmed and contested by it, and by nothing else."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from services.mentoring.domain.attestations import Said, deed_of
from services.mentoring.domain.lifecycle import Deed
from services.mentoring.handlers.causing import caused
from services.mentoring.settings import SERVICE
from services.mentoring.store import history
from services.mentoring.store import sessions as store
from services.mentoring.store.sessions import Session
from shared import metrics, outbox
from shared.consumer.applier import Received
from shared.contracts.mentoring import SessionConfirmed, SessionContested
from shared.contracts.registry import AttestationState
from shared.postgres import Connection

_EVENTS = {Deed.CONFIRM: SessionConfirmed, Deed.DISPUTE: SessionContested}


class AttestationHearer:
    """Applies answers to the question that a session asks now; older ones, repeated ones and strays do nothing."""

    def __init__(self, group: str, clock: Callable[[], datetime]) -> None:
        self._group = group
        self._clock = clock

    async def take(self, connection: Connection, told: Sequence[Received]) -> None:
        """Locks the sessions in sorted order, then applies each answer to its session as it stands by then."""
        if not told:
            return
        ids = sorted({_said(each).session for each in told})
        sessions = {session.state.id: session for session in await store.lock_sessions(connection, ids)}
        for each in told:
            said = _said(each)
            if said.session in sessions:
                sessions[said.session] = await self._hear(connection, sessions[said.session], said, each)

    async def _hear(self, connection: Connection, session: Session, said: Said, cause: Received) -> Session:
        deed = deed_of(said, session.standing, session.state.businesses)
        if deed is None:
            metrics.DUPLICATES_DROPPED.labels(self._group).inc()
            return session
        heard = _after(session, said, deed)
        await store.hear(connection, said.session, heard.standing, said.business, attested=deed is not Deed.DISPUTE)
        await self._remember(connection, session, heard, said, deed)
        if deed in _EVENTS:
            version, now = heard.standing.version, self._clock()
            changed = [
                name for name in ("businesses", "state") if getattr(session.state, name) != getattr(heard.state, name)
            ]
            event = caused(_EVENTS[deed], heard.state, version, cause, now, changed)
            await outbox.append(connection, [event], cause.traceparent)
        return heard

    async def _remember(self, connection: Connection, session: Session, heard: Session, said: Said, deed: Deed) -> None:
        changes = [{"field": "business", "before": None, "after": str(said.business)}]
        if heard.standing.state is not session.standing.state:
            changes.append({"field": "state", "before": session.standing.state, "after": heard.standing.state})
        change = history.Change(heard.standing.revision, deed, SERVICE, self._clock(), None, changes)
        await history.write_change(connection, said.session, session.state.office, change)


def _said(received: Received) -> Said:
    state: AttestationState = received.event.state
    return Said(state.session, state.business, state.confirmable_version, state.outcome)


def _after(session: Session, said: Said, deed: Deed) -> Session:
    """Returns the session after a deed that `deed_of` allowed."""
    standing = session.standing.after(deed, told=deed in _EVENTS)
    if standing is None:
        raise ValueError(f"{deed} cannot follow {session.standing.state}")
    businesses = [
        business.model_copy(update={"attested": business.attested or deed is not Deed.DISPUTE})
        if business.id == said.business
        else business
        for business in session.state.businesses
    ]
    state = session.state.model_copy(update={"state": str(standing.state), "businesses": businesses})
    return replace(session, standing=standing, state=state)
