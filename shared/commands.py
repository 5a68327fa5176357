"""A command: one transaction that locks, decides, saves, and leaves events and answer behind, or nothing at all.

The answer is kept under the caller's idempotency key: the same key and body get it again, whatever was lost on the way.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from shared import failpoint, outbox
from shared.auth.principal import Principal
from shared.contracts.catalogue import AnyEvent
from shared.contracts.envelope import Contract
from shared.ids import new_id
from shared.postgres import LOST, RETRYABLE, Pool

_TRIES = 4
_BEGIN = "select body_digest, status, answer from begin_command($1, $2, $3)"
# The part of a `with` that writes events and answer: a round trip less for every command, and another one less for a
# command that saves by the same statement. Its fourteen parameters come from `Work.accepting`.
ACCEPTING = f"""
{outbox.WRITING_EVENTS},
accepted as (
    insert into accepted_command (principal, key, body_digest, status, answer, event_ids)
    values ($10, $11, $12, $13, $14, $1)
)
"""  # noqa: S608  two constants of ours
_ACCEPT = f"with {ACCEPTING} select"

E = TypeVar("E", bound=AnyEvent)


class KeyReused(Exception):
    """The idempotency key was used before with another body."""


class Busy(Exception):
    """Another command holds the same key or row for longer than five seconds."""


@dataclass(frozen=True)
class Request:
    """What the edge knows of a write. `body_digest` is an HMAC, for the body may hold a NIK; `now` is UTC."""

    principal: Principal
    key: str
    body_digest: bytes
    correlation_id: UUID
    traceparent: str | None
    now: datetime


@dataclass(frozen=True)
class Answer:
    """What the caller is told. Only accepted commands' answers are kept: `status` is 2xx, `body` holds no identity."""

    status: int
    body: dict[str, Any]
    replayed: bool = False


@dataclass
class Work:
    """The open transaction of a command, and the events that it will leave behind."""

    connection: Any
    request: Request
    events: list[AnyEvent] = field(default_factory=list)
    accepted: bool = False

    def accepting(self, answer: Answer) -> list[Any]:
        """Returns the parameters of ACCEPTING, which writes answer and events: there is no further one."""
        self.accepted = True
        return [
            *outbox.parameters(self.events, self.request.traceparent),
            self.request.principal.subject,
            self.request.key,
            self.request.body_digest,
            answer.status,
            json.dumps(answer.body),
        ]

    def tell(
        self,
        event: type[E],
        *,
        aggregate_id: str,
        version: int,
        office: str | None,
        state: Contract,
        changed: Sequence[str] = (),
        occurred_at: datetime | None = None,
    ) -> E:
        """Adds an event of `state` to what the transaction will publish; the aggregate's row must be locked by now."""
        if self.accepted:
            raise RuntimeError(f"{event.__name__} is told after the events were written")
        payload: Any = event.model_fields["payload"].annotation
        told = event(
            event_id=new_id(),
            type=event.model_fields["type"].default,
            schema_version=1,
            aggregate_id=aggregate_id,
            version=version,
            occurred_at=occurred_at or self.request.now,
            recorded_at=self.request.now,
            office=office,
            actor=self.request.principal.subject,
            correlation_id=self.request.correlation_id,
            payload=payload(state=state, changed=list(changed)),
        )
        self.events.append(told)
        return told


Decide = Callable[[Work], Awaitable[Answer]]


async def execute(pool: Pool, request: Request, decide: Decide) -> Answer:
    """Runs `decide` in the caller's scope, once in effect however often the key is sent.

    Runs it again after a deadlock, and once after a lost connection: if the first try was committed, that is found.
    Raises KeyReused, Busy, whatever `decide` raises (then nothing is kept), and what UNAVAILABLE names.
    """
    return await _again_if_lost(lambda: _execute_once(pool, request, decide))


async def rehearse(pool: Pool, request: Request, decide: Decide) -> Answer:
    """Runs `decide` as `execute` would, and leaves nothing behind: no row, no event, no answer."""
    return await _again_if_lost(lambda: _rehearse_once(pool, request, decide))


async def _again_if_lost(run: Callable[[], Awaitable[Answer]]) -> Answer:
    for attempt in range(_TRIES):
        try:
            return await run()
        except RETRYABLE:
            if attempt == _TRIES - 1:
                raise Busy from None
            await asyncio.sleep(0.01 * 2**attempt)
        except asyncpg.LockNotAvailableError:
            raise Busy from None
        except LOST:
            if attempt > 0:
                raise
    raise Busy


async def _rehearse_once(pool: Pool, request: Request, decide: Decide) -> Answer:
    async with pool.acquire(timeout=5) as connection:
        undone = connection.transaction()
        await undone.start()
        try:
            await connection.fetchrow(
                _BEGIN, ",".join(request.principal.offices), request.principal.subject, request.key
            )
            return await decide(Work(connection, request))
        finally:
            await undone.rollback()


async def _execute_once(pool: Pool, request: Request, decide: Decide) -> Answer:
    offices = ",".join(request.principal.offices)
    async with pool.acquire(timeout=5) as connection, connection.transaction():
        known = await connection.fetchrow(_BEGIN, offices, request.principal.subject, request.key)
        if known is not None:
            return _replay(known, request)
        work = Work(connection, request)
        answer = await decide(work)
        if not work.accepted:
            await connection.execute(_ACCEPT, *work.accepting(answer))
        await failpoint.point("api.before_commit")
    await failpoint.point("api.after_commit")
    return answer


def _replay(known: asyncpg.Record, request: Request) -> Answer:
    if known["body_digest"] != request.body_digest:
        raise KeyReused
    return replace(Answer(known["status"], json.loads(known["answer"])), replayed=True)
