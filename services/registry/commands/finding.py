"""Is a business that is to be registered one that is registered already?"""

from collections.abc import Sequence
from typing import Any

from services.registry.domain.business import Business
from services.registry.domain.finding import MOST_CANDIDATES, Identification, not_a_candidate, possible_duplicate
from services.registry.domain.forms import Kind
from services.registry.domain.identity import Candidate, lock_number
from services.registry.domain.likeness import Match, Proposed, likely
from services.registry.domain.names import fold_trade_name
from services.registry.store import businesses as store
from services.registry.store import finding as finding_store
from services.registry.store.persons import Person
from shared.commands import Answer, Work


def name_locks(business: Business) -> set[int]:
    """Returns the lock of a name in its kelurahan: who registers the same name there at the same instant queues."""
    if Kind.PROSPECTIVE in business.kinds:
        return set()
    return {lock_number("trade_name", f"{business.kelurahan}/{fold_trade_name(business.trade_name)}".encode())}


async def claim_and_find(
    connection: Any,  # noqa: ANN401  pooled or plain
    business: Business,
    owners: Sequence[Candidate],
    locks: Sequence[int],
) -> tuple[dict[bytes, Person], list[Match]]:
    """Locks the shared keys of a new business, finds or makes its persons, and looks whether it is registered already.

    Returns the persons by NIK index, and the registered businesses that it is or may be, the likeliest first, five at
    most. Two registrations at one instant that share no key (NIK, number, the name in its kelurahan) and are merely
    alike both pass.
    """
    persons, found = await finding_store.claim_and_find(connection, locks, owners, _keys(business, owners))
    proposed = Proposed(business.trade_name, business.kinds, business.kelurahan)
    return persons, likely(proposed, found)[:MOST_CANDIDATES]


async def identify(work: Work, matches: Sequence[Match], said: Identification) -> Answer | None:
    """Returns None for a new business, and 200 with the one that it is `same_as`, which stays as it is.

    Raises a Problem: 409 if a candidate was not shown before, 422 if `same_as` is none of them.
    """
    if said.same_as is not None:
        return Answer(200, await _same(work, matches, said))
    if any(match.candidate.same_number for match in matches):
        return None  # the number is taken, which is told when it is stored
    seen = set(said.candidates_seen) if said.confirmed_new else set()
    unseen = [match for match in matches if match.candidate.id not in seen]
    if unseen:
        raise possible_duplicate(matches)
    return None


async def _same(work: Work, matches: Sequence[Match], said: Identification) -> dict[str, Any]:
    """What anybody may know of it; its numbers of edits and events if it is one's own."""
    meant = next((match.candidate for match in matches if match.candidate.id == said.same_as), None)
    if meant is None:
        raise not_a_candidate()
    public = {
        "id": str(meant.id),
        "office": meant.office,
        "trade_name": meant.trade_name,
        "kinds": list(meant.kinds),
        "kelurahan": meant.kelurahan,
    }
    dossier = await store.find_business(work.connection, meant.id)
    if dossier is None:
        return public
    return public | {"revision": dossier.business.revision, "version": dossier.business.version}


def _keys(business: Business, owners: Sequence[Candidate]) -> finding_store.Keys:
    named = Kind.PROSPECTIVE not in business.kinds
    return finding_store.Keys(
        trade_name=business.trade_name if named else None,
        region=business.kelurahan if named else None,
        nik_indexes=[owner.nik_index for owner in owners],
        phone_indexes=sorted({owner.phone_index for owner in owners if owner.phone_index is not None}),
        nibs=[business.nib] if business.nib else [],
        cooperative_numbers=[business.cooperative_number] if business.cooperative_number else [],
        owner_tokens=sorted({token for owner in owners for token in owner.name_tokens}),
        divisions=sorted({activity.code[:2] for activity in business.kbli}),
    )
