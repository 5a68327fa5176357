"""New businesses of which nothing has to be decided: claimed, searched for and stored by one statement."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from services.registry.domain.business import Business
from services.registry.domain.identity import TOKEN_BYTES, Candidate, SealedOwner
from services.registry.domain.likeness import MOST_PER_PHONE
from services.registry.store.finding import LEAST_COVERAGE
from shared.commands import ACCEPTING_CLEAR, Decided, Kept, Proposal, accepting_clear


@dataclass(frozen=True)
class Newcomer:
    """A new business as it is stored if it is clear: its owners are new to the province and sealed as such."""

    proposal: Proposal
    business: Business
    candidates: Sequence[Candidate]
    owners: Sequence[SealedOwner]
    locks: Sequence[int]

    @property
    def exact_keys(self) -> set[Hashable]:
        """What no two that are stored together may share: key, NIK, numbers, phone, and a name in its kelurahan."""
        phones = (owner.phone_index for owner in self.candidates if owner.phone_index is not None)
        request = self.proposal.request
        return {*self.locks, *phones, (request.principal.subject, request.key)}


# How long a statement waits for each lock: not so long that what one of them waits for is felt by the others. All are
# decided by themselves then, and wait as long as any command.
_PATIENCE = "100ms"
# The parameters before $15 are of ACCEPTING_CLEAR. What belongs to a business or an owner is taken by its place, and
# nothing is estimated from an array's length: else each registration would be planned anew, which takes as long as it.
_PLACE = f"""
with gate as materialized (
    select * from claim_newcomers(
        $15, $46, $10, $11, $47, $16::bigint[], $17::text[], $18::text[], $19::text[], $20::text[], $21::text[],
        $22::int[], $23::uuid[], $24::bytea[], $25::bytea[], $26::text[], $27::bytea[], $28::bytea[], $29, $30)
), clear as (
    select place, search_name, search_bits, first_owner, last_owner from gate where clear
), {ACCEPTING_CLEAR},
placed as (
    insert into business (id, office, trade_name, kinds, kelurahan, nib, cooperative_number, status, registered_on,
                          revision, version, kbli, capital, annual_sales, search_name, search_bits)
    select ($31::uuid[])[place], ($17::text[])[place], ($18::text[])[place],
           string_to_array(($32::text[])[place], ','), ($19::text[])[place], ($20::text[])[place],
           ($21::text[])[place], ($33::text[])[place], ($34::date[])[place], ($35::int[])[place],
           ($5::bigint[])[place], string_to_array(($36::text[])[place], ','), ($37::bigint[])[place],
           ($38::bigint[])[place], search_name, search_bits
    from clear
), owned as (
    insert into business_owner (business_id, office, position, person_id,
                                name_sealed, npwp_sealed, phone_sealed, address_sealed, phone_index, name_tokens)
    select ($31::uuid[])[place], ($17::text[])[place], owner - first_owner, ($23::uuid[])[owner],
           ($40::bytea[])[owner], ($41::bytea[])[owner], ($42::bytea[])[owner], ($43::bytea[])[owner],
           ($28::bytea[])[owner],
           array(select substring(($44::bytea[])[owner] from start for $45)
                 from generate_series(1, octet_length(($44::bytea[])[owner]), $45) as start)
    from clear, generate_series(first_owner, last_owner) as owner
), noted as (
    insert into audit (actor, office, action, subject, fields, correlation_id)
    select ($10::text[])[place], ($17::text[])[place], $39, ($31::uuid[])[place], '{{}}', ($9::uuid[])[place] from clear
)
select clear, body_digest, status, answer from gate order by place
"""  # noqa: S608  a constant of ours


async def place_newcomers(
    connection: Any,  # noqa: ANN401
    newcomers: Sequence[Newcomer],
    action: str,
    traceparents: Sequence[str | None],
) -> list[Decided]:
    """Stores those of the businesses that are clear, with what their commands leave behind; tells which these are.

    No two of them share a key, a NIK, a phone or a number; names are compared. It is a transaction by itself, or all
    that one does. Raises what asyncpg raises, also for a number that is taken, and a lock that is held for longer: then
    nothing is stored.
    """
    rows = await connection.fetch(
        _PLACE,
        *_parameters(newcomers, traceparents),
        action,
        *_owner_columns(newcomers),
        _PATIENCE,
        [",".join(newcomer.proposal.request.principal.offices) for newcomer in newcomers],
    )
    return [
        Decided(newcomer.proposal.answer if clear else None, None if kept[0] is None else Kept(*kept))
        for newcomer, (clear, *kept) in zip(newcomers, rows, strict=True)
    ]


def _scope(newcomers: Sequence[Newcomer]) -> str:
    """Returns what all of their principals together may write for."""
    return ",".join(sorted({office for each in newcomers for office in each.proposal.request.principal.offices}))


def _parameters(newcomers: Sequence[Newcomer], traceparents: Sequence[str | None]) -> list[Any]:
    businesses = [newcomer.business for newcomer in newcomers]
    candidates = [candidate for newcomer in newcomers for candidate in newcomer.candidates]
    return [
        *accepting_clear([newcomer.proposal for newcomer in newcomers], traceparents),
        _scope(newcomers),
        sorted({lock for newcomer in newcomers for lock in newcomer.locks}),
        [business.office for business in businesses],
        [business.trade_name for business in businesses],
        [business.kelurahan for business in businesses],
        [business.nib for business in businesses],
        [business.cooperative_number for business in businesses],
        _last_owners(newcomers),
        [candidate.id for candidate in candidates],
        [candidate.nik_index for candidate in candidates],
        [candidate.nik_sealed for candidate in candidates],
        [candidate.wrapped.kek for candidate in candidates],
        [candidate.wrapped.sealed for candidate in candidates],
        [candidate.phone_index for candidate in candidates],
        LEAST_COVERAGE,
        MOST_PER_PHONE,
        [business.id for business in businesses],
        [",".join(business.kinds) for business in businesses],
        [business.status for business in businesses],
        [business.registered_on for business in businesses],
        [business.revision for business in businesses],
        [",".join(f"{activity.version}:{activity.code}" for activity in business.kbli) for business in businesses],
        [business.capital for business in businesses],
        [business.annual_sales for business in businesses],
    ]


def _last_owners(newcomers: Sequence[Newcomer]) -> list[int]:
    """Returns the place, from 1, of each business's last owner among the owners of all."""
    return list(accumulate(len(newcomer.owners) for newcomer in newcomers))


def _owner_columns(newcomers: Sequence[Newcomer]) -> list[Any]:
    """The owners column by column; an owner's name tokens in one piece, and the length of each."""
    owners = [owner for newcomer in newcomers for owner in newcomer.owners]
    return [
        [owner.name for owner in owners],
        [owner.npwp for owner in owners],
        [owner.phone for owner in owners],
        [owner.address for owner in owners],
        [b"".join(owner.name_tokens) for owner in owners],
        TOKEN_BYTES,
    ]
