"""What the registry's clients say of a session, and what becomes of it. Neither order nor repetition matters."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.mentoring.domain.lifecycle import Deed, Standing, State
from shared.contracts.mentoring import SessionBusiness

ATTESTED, DISPUTED = "attested", "disputed"


@dataclass(frozen=True, slots=True)
class Said:
    """One client's answer to one question; `confirmable_version` tells which."""

    session: UUID
    business: UUID
    confirmable_version: int
    outcome: str


def deed_of(said: Said, standing: Standing, businesses: Sequence[SessionBusiness]) -> Deed | None:
    """Returns what an answer does to the session; None if it does nothing.

    Nothing: an answer to an older question, of a business that the session does not name, or given before; any answer
    about a session that is not held. The session is confirmed by the last of its businesses (design.md §7).
    """
    asked = next((each for each in businesses if each.id == said.business), None)
    if asked is None or said.confirmable_version != standing.confirmable_version:
        return None
    if said.outcome == DISPUTED:
        return Deed.DISPUTE if standing.after(Deed.DISPUTE, told=True) else None
    if said.outcome != ATTESTED or asked.attested:
        return None
    others = all(each.attested for each in businesses if each.id != said.business)
    deed = Deed.CONFIRM if others and standing.state is State.COMPLETED else Deed.ATTEST
    return deed if standing.after(deed, told=True) else None
