"""A command: one transaction that locks, decides, saves, and leaves events and answer behind, or nothing at all.

The answer is kept under the caller's idempotency key: the same key and body get it again, whatever was lost on the way.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeVar
from uuid import UUID

import asyncpg
import structlog

from shared import failpoint, outbox, spans
from shared.auth.principal import Principal
from shared.contracts.catalogue import AnyEvent
from shared.contracts.envelope import Contract
from shared.ids import new_id
from shared.pace import Wait
from shared.postgres import API_SECONDS, LOST, RETRYABLE, UNAVAILABLE, Pool
from shared.together import Together

# So many commands by one statement are a matter of some milliseconds: so long others wait for its locks.
MOST_AT_ONCE = 25
# While one group is in Postgres, the next one is made of what has come since.
_GROUPS_AT_ONCE = 2
_WAIT_FOR_COMPANY = Wait(0.0, 4.0)
_CONNECTION_SECONDS = 5.0
# So long a group may take: behind a Postgres that hangs nobody waits for those before him too.
_MOST_SECONDS = _CONNECTION_SECONDS + API_SECONDS
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
# The same for several commands with an event each, as far as their place, from 1, is in `clear (place)`, an earlier
# part of the `with`. Its parameters come from `accepting_clear`.
ACCEPTING_CLEAR = f"""
{outbox.WRITING_CLEAR_EVENTS},
accepted as (
    insert into accepted_command (principal, key, body_digest, status, answer, event_ids)
    select ($10::text[])[place], ($11::text[])[place], ($12::bytea[])[place], ($13::smallint[])[place],
           ($14::json[])[place], ($1::uuid[])[place:place]
    from clear
)
"""  # noqa: S608  two constants of ours


class _TooSlow(Exception):
    """Several commands together took longer than they may."""


# A number or a key that is taken, a lock that is held, a lost race, a lost connection.
_UNDECIDED: tuple[type[Exception], ...] = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.LockNotAvailableError,
    _TooSlow,
    *RETRYABLE,
    *LOST,
)

E = TypeVar("E", bound=AnyEvent)
T = TypeVar("T")
R = TypeVar("R")


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


@dataclass(frozen=True)
class Kept:
    """An answer that was given before, and to which body; `answer` is its JSON."""

    body_digest: bytes
    status: int
    answer: str


@dataclass(frozen=True)
class Proposal:
    """A command that leaves one event and this answer behind, should nothing have to be decided."""

    request: Request
    event: AnyEvent
    answer: Answer


def accepting_clear(proposals: Sequence[Proposal], traceparents: Sequence[str | None]) -> list[Any]:
    """Returns the parameters of ACCEPTING_CLEAR; `traceparents` are of the proposals' events."""
    requests = [proposal.request for proposal in proposals]
    return [
        *outbox.clear_parameters([proposal.event for proposal in proposals], traceparents),
        [request.principal.subject for request in requests],
        [request.key for request in requests],
        [request.body_digest for request in requests],
        [proposal.answer.status for proposal in proposals],
        [json.dumps(proposal.answer.body) for proposal in proposals],
    ]


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
        told = event_of(
            self.request,
            event,
            aggregate_id=aggregate_id,
            version=version,
            office=office,
            state=state,
            changed=changed,
            occurred_at=occurred_at,
        )
        self.events.append(told)
        return told


def event_of(
    request: Request,
    event: type[E],
    *,
    aggregate_id: str,
    version: int,
    office: str | None,
    state: Contract,
    changed: Sequence[str] = (),
    occurred_at: datetime | None = None,
) -> E:
    """Returns the event of `state` that a request causes."""
    payload: Any = event.model_fields["payload"].annotation
    return event(
        event_id=new_id(),
        type=event.model_fields["type"].default,
        schema_version=1,
        aggregate_id=aggregate_id,
        version=version,
        occurred_at=occurred_at or request.now,
        recorded_at=request.now,
        office=office,
        actor=request.principal.subject,
        correlation_id=request.correlation_id,
        payload=payload(state=state, changed=list(changed)),
    )


Decide = Callable[[Work], Awaitable[Answer]]
# One statement that is a transaction by itself, or a transaction of several, by connection and the traceparents of its
# events, with what became of each of its commands, in their order. It has the failpoint `api.before_commit`.
Statement = Callable[[Any, Sequence[str | None]], Awaitable[Sequence["Decided"]]]


async def execute(pool: Pool, request: Request, decide: Decide) -> Answer:
    """Runs `decide` in the caller's scope, once in effect however often the key is sent.

    Runs it again after a deadlock, and once after a lost connection: if the first try was committed, that is found.
    Raises KeyReused, Busy, whatever `decide` raises (then nothing is kept), and what UNAVAILABLE names.
    """
    with _spanned(request) as span:
        below = request if span is None else replace(request, traceparent=span.traceparent)
        answer = await _again_if_lost(lambda: _execute_once(pool, below, decide))
        if span is not None:
            span.attributes = _told_of(answer)
        return answer


@dataclass(frozen=True)
class Decided:
    """What became of a command among others: it was `accepted` so, or had been answered before, or neither."""

    accepted: Answer | None
    known: Kept | None


async def accept_at_once(
    pool: Pool, requests: Sequence[Request], statement: Statement, *, rehearsed: bool = False
) -> list[Answer | None]:
    """Runs commands by one statement or transaction; returns the answers of those that it accepted, or that were
    accepted before.

    None is a command that `execute` must decide step by step: there is something to decide, the key was used for
    another body, or the statement failed, and whether it was committed is found there. No command fails for another
    one's sake. `rehearsed` leaves nothing behind. Raises what UNAVAILABLE names.
    """
    with ExitStack() as stack:
        spanned = [stack.enter_context(_spanned(request)) for request in requests]
        traceparents = [
            request.traceparent if span is None else span.traceparent
            for request, span in zip(requests, spanned, strict=True)
        ]
        answers = await _accept(requests, partial(_run, pool, statement, traceparents, rehearsed=rehearsed))
        for span, answer in zip(spanned, answers, strict=True):
            if span is not None:
                span.attributes = _told_of(answer)
        return answers


def gathering(
    work: Callable[[Sequence[T]], Awaitable[Sequence[R]]], keys: Callable[[T], Collection[Hashable]]
) -> Together[T, R]:
    """Returns what hands to `work` together what comes together: as much and as long as commands wait for company."""
    return Together(work, keys, most=MOST_AT_ONCE, at_once=_GROUPS_AT_ONCE, wait=_WAIT_FOR_COMPANY)


class Company(Generic[T]):
    """Commands that come while others are written share the next statement or transaction."""

    def __init__(
        self,
        accept: Callable[[Sequence[T]], Awaitable[Sequence[Answer | None]]],
        keys: Callable[[T], Collection[Hashable]],
    ) -> None:
        """`accept` answers as `accept_at_once`; it is handed no two commands that share one of their `keys`."""
        self._together = gathering(accept, keys)

    async def accept(self, command: T) -> Answer | None:
        """Returns the answer of one command, or None if it must be decided by itself. Raises what UNAVAILABLE names."""
        async with asyncio.timeout(_MOST_SECONDS):
            return await self._together.do(command)


def _spanned(request: Request) -> AbstractContextManager["spans.Span | None"]:
    if request.traceparent is None or not spans.are_on():
        return nullcontext()
    return spans.spanning("command", spans.Kind.INTERNAL, request.traceparent)


def _told_of(answer: Answer | None) -> spans.Attributes:
    if answer is None:
        return {"plut.undecided": True}
    return {"plut.status": answer.status, "plut.replayed": answer.replayed}


async def _accept(requests: Sequence[Request], run: Callable[[], Awaitable[Sequence[Decided]]]) -> list[Answer | None]:
    undecided: list[Answer | None] = [None] * len(requests)
    try:
        decided = await run()
    except _UNDECIDED:
        return undecided
    except UNAVAILABLE:
        raise
    except Exception as error:  # noqa: BLE001  of one of them: by itself it will be told so
        structlog.get_logger().warning("statement_failed", error=type(error).__name__, commands=len(requests))
        return undecided
    await failpoint.point("api.after_commit")
    return [_answer(request, each) for request, each in zip(requests, decided, strict=True)]


async def _run(
    pool: Pool, statement: Statement, traceparents: Sequence[str | None], *, rehearsed: bool
) -> Sequence[Decided]:
    async with pool.acquire(timeout=_CONNECTION_SECONDS) as connection:
        if not rehearsed:
            return await _unless_slow(statement(connection, traceparents), len(traceparents))
        undone = connection.transaction()
        await undone.start()
        try:
            return await statement(connection, traceparents)
        finally:
            await undone.rollback()


async def _unless_slow(running: Awaitable[Sequence[Decided]], commands: int) -> Sequence[Decided]:
    """What takes too long together may be quick alone: whichever of them it was, the others are not to blame."""
    try:
        async with asyncio.timeout(API_SECONDS):
            return await running
    except (TimeoutError, asyncpg.QueryCanceledError):
        if commands == 1:
            raise
        raise _TooSlow from None


def _answer(request: Request, decided: Decided) -> Answer | None:
    if decided.known is None:
        return decided.accepted
    try:
        return _replay(decided.known, request)
    except KeyReused:
        return None


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
    async with pool.acquire(timeout=_CONNECTION_SECONDS) as connection:
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
    async with pool.acquire(timeout=_CONNECTION_SECONDS) as connection, connection.transaction():
        known = await connection.fetchrow(_BEGIN, offices, request.principal.subject, request.key)
        if known is not None:
            return _replay(Kept(*known), request)
        work = Work(connection, request)
        answer = await decide(work)
        if not work.accepted:
            await connection.execute(_ACCEPT, *work.accepting(answer))
        await failpoint.point("api.before_commit")
    await failpoint.point("api.after_commit")
    return answer


def _replay(known: Kept, request: Request) -> Answer:
    if known.body_digest != request.body_digest:
        raise KeyReused
    return Answer(known.status, json.loads(known.answer), replayed=True)
