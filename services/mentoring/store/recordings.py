"""Sessions of several commands: what must be known of them is found by one statement, another one saves them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from itertools import accumulate
from typing import Any
from uuid import UUID

from asyncpg import Record

from services.mentoring.domain import REACH, Business, Consultant, Occupation, SessionDraft, are_provisional
from services.mentoring.domain.lifecycle import State
from shared.commands import ACCEPTING_CLEAR, Kept, Proposal, Request, accepting_clear
from shared.contracts.mentoring import SessionBusiness
from shared.postgres import Connection

# How long a lock is waited for: not so long that what one of them waits for is felt by the others. All are decided by
# themselves then, and wait as long as any command.
_PATIENCE = "100ms"
_CLAIM = """
select answers, consultants, businesses, calendar
from claim_sessions($1, $2, $3, $4, $5::uuid[], $6::date[], $7, $8::uuid[])
"""
# The parameters before $15 are of ACCEPTING_CLEAR. What belongs to a session is taken by its place, and nothing is
# estimated from an array's length: else it would be planned anew each time. None is saved whose office is beyond its
# own principal's scope, whatever the others may write for.
_PLACE = f"""
with clear as materialized (
    select place from generate_subscripts($15::uuid[], 1) as place
    where ($17::text[])[place] = any (string_to_array(($16::text[])[place], ','))
), {ACCEPTING_CLEAR},
saved as (
    insert into session (id, office, day, start, contact_minutes, preparation_minutes, travel_minutes, field, service,
                         channel, provisional, recorded_by, recorded_at, state, place, outcome, follow_up,
                         follow_up_on, unconfirmed_since)
    select ($15::uuid[])[place], ($17::text[])[place], ($18::date[])[place], ($19::time[])[place],
           ($20::smallint[])[place], ($21::smallint[])[place], ($22::smallint[])[place], ($23::text[])[place],
           ($24::text[])[place], ($25::text[])[place], ($26::bool[])[place], ($10::text[])[place],
           ($27::timestamptz[])[place], ($28::text[])[place], ($29::text[])[place], ($30::text[])[place],
           ($31::text[])[place], ($32::date[])[place],
           case when ($28::text[])[place] = 'completed' then ($27::timestamptz[])[place] end
    from clear
), with_consultants as (
    insert into session_consultant (session, consultant, office, day, place)
    select ($15::uuid[])[clear.place], ($35::uuid[])[number], ($17::text[])[clear.place], ($18::date[])[clear.place],
           number - ($33::int[])[clear.place]
    from clear, generate_series(($33::int[])[clear.place] + 1, ($34::int[])[clear.place]) as number
), with_businesses as (
    insert into session_business (session, business, office, place, known, kinds, kelurahan, home_office)
    select ($15::uuid[])[clear.place], ($38::uuid[])[number], ($17::text[])[clear.place],
           number - ($36::int[])[clear.place], ($39::bool[])[number], string_to_array(($40::text[])[number], ','),
           ($41::text[])[number], ($42::text[])[number]
    from clear, generate_series(($36::int[])[clear.place] + 1, ($37::int[])[clear.place]) as number
)
select place from clear
"""  # noqa: S608  a constant of ours


@dataclass(frozen=True)
class Asked:
    """A session that a command asks for, as it is to begin."""

    request: Request
    id: UUID
    draft: SessionDraft
    begun: State


@dataclass(frozen=True)
class Claimed:
    """What was found: answers that were given before, by the place of their commands; consultants, locked, and when
    their offices opened; copies of businesses, locked; and what each consultant does and plans near his session's day.
    """

    answers: Mapping[int, Kept]
    consultants: Mapping[UUID, Consultant]
    opening_days: Mapping[str, date]
    businesses: Mapping[UUID, Business]
    calendar: Mapping[UUID, Sequence[Occupation]]


@dataclass(frozen=True)
class Recording:
    """A session as it is saved if its command is accepted so."""

    asked: Asked
    proposal: Proposal
    businesses: Sequence[SessionBusiness]


async def claim_sessions(connection: Connection, asked: Sequence[Asked]) -> Claimed:
    """Locks the keys of the commands, their consultants and then those of their businesses that have a copy, both
    sorted, and enters what all principals together may write for. No two share a key or a consultant.

    Raises what asyncpg raises, also for a lock that is held for longer than a tenth of a second.
    """
    days = {each: one.draft.occupation.day for one in asked for each in one.draft.consultants}
    whom = sorted(days)
    row = await connection.fetchrow(
        _CLAIM,
        ",".join(sorted({office for one in asked for office in one.request.principal.offices})),
        _PATIENCE,
        [one.request.principal.subject for one in asked],
        [one.request.key for one in asked],
        whom,
        [days[each] for each in whom],
        REACH.days,
        sorted({each for one in asked for each in one.draft.businesses}),
    )
    assert row is not None  # noqa: S101  a function's row
    return _claimed(row)


def _claimed(row: Record) -> Claimed:
    answers, consultants, businesses, calendar = (json.loads(column or "[]") for column in row)
    by_consultant: dict[UUID, list[Occupation]] = {}
    for consultant, day, start, *minutes in calendar:
        held = Occupation(date.fromisoformat(day), start and time.fromisoformat(start), *minutes)
        by_consultant.setdefault(UUID(consultant), []).append(held)
    found = [
        Consultant(UUID(id_), office, staff, date.fromisoformat(since), _day(until))
        for id_, office, staff, since, until, _ in consultants
    ]
    return Claimed(
        {place - 1: Kept(bytes.fromhex(digest), status, answer) for place, digest, status, answer in answers},
        {each.id: each for each in found},
        {office: date.fromisoformat(opened_on) for _, office, _, _, _, opened_on in consultants if opened_on},
        {
            UUID(id_): Business(UUID(id_), status, kinds, kelurahan, home_office, _day(closed_on))
            for id_, status, kinds, kelurahan, home_office, closed_on in businesses
        },
        by_consultant,
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


async def place_sessions(
    connection: Connection, recordings: Sequence[Recording], traceparents: Sequence[str | None]
) -> set[UUID]:
    """Saves sessions with what their commands leave behind, in the transaction that has claimed them; `traceparents`
    are of their events. Returns which are saved: not those of an office beyond their own principal's scope.
    """
    if not recordings:
        return set()
    rows = await connection.fetch(_PLACE, *_parameters(recordings, traceparents))
    return {recordings[row["place"] - 1].asked.id for row in rows}


def _parameters(recordings: Sequence[Recording], traceparents: Sequence[str | None]) -> list[Any]:
    asked = [recording.asked for recording in recordings]
    drafts = [one.draft for one in asked]
    held = [draft.occupation for draft in drafts]
    businesses = [business for recording in recordings for business in recording.businesses]
    return [
        *accepting_clear([recording.proposal for recording in recordings], traceparents),
        [one.id for one in asked],
        [",".join(one.request.principal.offices) for one in asked],
        [draft.office for draft in drafts],
        [occupation.day for occupation in held],
        [occupation.start for occupation in held],
        [occupation.contact_minutes for occupation in held],
        [occupation.preparation_minutes for occupation in held],
        [occupation.travel_minutes for occupation in held],
        [draft.field for draft in drafts],
        [draft.service for draft in drafts],
        [draft.channel for draft in drafts],
        [are_provisional(recording.businesses) for recording in recordings],
        [one.request.now for one in asked],
        [one.begun for one in asked],
        [draft.place for draft in drafts],
        [draft.outcome for draft in drafts],
        [draft.follow_up for draft in drafts],
        [draft.follow_up_on for draft in drafts],
        *_bounds([draft.consultants for draft in drafts]),
        [each for draft in drafts for each in draft.consultants],
        *_bounds([draft.businesses for draft in drafts]),
        [business.id for business in businesses],
        [business.known for business in businesses],
        [",".join(business.kinds) for business in businesses],
        [business.kelurahan for business in businesses],
        [business.home_office for business in businesses],
    ]


def _bounds(parts: Sequence[Sequence[object]]) -> tuple[list[int], list[int]]:
    """Returns how many there are before and up to the end of each part."""
    ends = list(accumulate(map(len, parts)))
    return [0, *ends[:-1]], ends
