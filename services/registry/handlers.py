"""Mentoring's events in: who is to be asked about which session, and what need not be asked any more."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from services.registry.domain import attestations as rules
from services.registry.domain.identity import Vault
from services.registry.domain.messages import SEND_WITHIN, new_secret
from services.registry.store import attestations as store
from services.registry.store.attestations import Client, Opening, SessionNews
from shared.clock import utc_now
from shared.consumer.applier import UNSEEN_GATHER, Received
from shared.consumer.versions import Known, newest_of, report_dropped
from shared.contracts.catalogue import SESSION, AnyEvent, Topic
from shared.ids import new_id
from shared.postgres import Connection

_log = structlog.get_logger()
_NAMED_IN_LOGS = 5
_FIRST_VERSION = 1  # before it nobody was asked


class AttestationApplier:
    """Opens and voids conversations with clients. Durable: what a client is sent must still be known after a crash."""

    topics: tuple[Topic, ...] = (SESSION,)
    durable = True
    gather = UNSEEN_GATHER

    def __init__(self, group: str, vault: Vault, clock: Callable[[], datetime] = utc_now) -> None:
        self.group = group
        self._vault = vault
        self._clock = clock

    async def apply(self, connection: Any, batch: Sequence[Received]) -> None:  # noqa: ANN401  pooled or plain
        """Takes the newest event of each session; an older one says nothing that still counts."""
        newest = {session: each.event for session, each in newest_of(batch, _session).items()}
        known = {session: Known(event.event_id, event.version) for session, event in newest.items()}
        news = await store.take_sessions(connection, known)
        old = [session for session in newest if session not in news]
        held = await store.held_sessions(connection, old) if old else {}
        await report_dropped(connection, self.group, batch, _session, held)
        events = [newest[session] for session in newest if session in news]
        if later := [event for event in events if event.version > _FIRST_VERSION]:
            await store.void_outdated(connection, [_news(event) for event in later])
        await self._open(connection, events)

    async def forget(self, connection: Any) -> None:  # noqa: ANN401  pooled or plain
        """Forgets how far sessions are known. Who was asked stays known, so that nobody is asked twice."""
        await store.forget_sessions(connection)

    async def _open(self, connection: Connection, events: Sequence[AnyEvent]) -> None:
        now = self._clock()
        wanted = [(event, each) for event in events for each in rules.wants_code(event.state, event.recorded_at, now)]
        if not wanted:
            return
        clients = await store.find_clients(connection, list({business for _, business in wanted}))
        if strangers := {business for _, business in wanted} - clients.keys():
            some = sorted(map(str, strangers))[:_NAMED_IN_LOGS]
            _log.warning("businesses_not_registered", count=len(strangers), some=some)
        openings = [self._opening(event, each, clients[each], now) for event, each in wanted if each in clients]
        await store.open_attestations(connection, openings)

    def _opening(self, event: AnyEvent, business: UUID, client: Client, now: datetime) -> Opening:
        number, person, wrapped = new_id(), client.person, client.wrapped
        one = rules.open_attestation(
            number, event.state, business, client.trade_name, event.actor, now, reachable=person is not None
        )
        if person is None or wrapped is None:
            return Opening(one)
        secret = new_secret()
        return Opening(
            one,
            person,
            self._vault.token_digest(secret.token),
            self._vault.code_digest(number, secret.code),
            self._vault.seal_message(number, person, wrapped, secret.packed()),
            now + SEND_WITHIN,
        )


def _session(event: AnyEvent) -> UUID:
    session: UUID = event.state.id
    return session


def _news(event: AnyEvent) -> SessionNews:
    state = event.state
    businesses = [business.id for business in state.businesses]
    return SessionNews(state.id, state.confirmable_version, rules.is_off(state), businesses)
