"""Moves: a business gets another home when the heads of both offices agree. Either proposes, the other decides."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.registry.domain import problems
from services.registry.domain.findings import Findings, reason_text
from services.registry.domain.forms import MoveForm
from shared.contracts.registry import BusinessState
from shared.http.problem import stale


class MoveState(StrEnum):
    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"  # declined by the office that had proposed it


@dataclass(frozen=True)
class PublicBusiness:
    """A business as the other office may know it: what stands in its events, and how often it was edited."""

    state: BusinessState
    revision: int
    version: int


@dataclass(frozen=True)
class Move:
    id: UUID
    business: UUID
    from_office: str
    to_office: str
    proposed_by: str
    reason: str
    proposed_at: datetime
    state: MoveState = MoveState.PROPOSED
    decided_at: datetime | None = None

    @property
    def awaits(self) -> str:
        """The office whose answer is awaited: the one that did not propose."""
        return self.to_office if self.proposed_by == self.from_office else self.from_office


def propose(
    business: PublicBusiness | None, form: MoveForm, offices: Collection[str], move_id: UUID, now: datetime
) -> Move:
    """Returns the proposal of whoever has `offices`.

    Raises a Problem: 404 for a business of others that is not to come here, 409 for a closed one, 422 for the form.
    """
    home = None if business is None else business.state.home_office
    if business is None or home is None or not {home, form.to_office} & set(offices):
        raise problems.business_not_found()
    findings = Findings()
    reason = findings.read("reason", reason_text, form.reason)
    findings.settle()
    if form.to_office == home:
        raise problems.already_home()
    if business.state.status == "closed":
        raise problems.already_closed()
    proposed_by = home if home in offices else form.to_office
    return Move(move_id, business.state.id, home, form.to_office, proposed_by, reason, now)


def accept(move: Move, business: PublicBusiness, seen: int, offices: Collection[str]) -> PublicBusiness:
    """Returns the business in its new home.

    Raises a Problem: 403 for the office that proposed it, 409 if it is decided or the business was closed, 412 if the
    business was edited since revision `seen`.
    """
    _check_open(move)
    if move.awaits not in offices:
        raise problems.own_proposal()
    if business.state.status == "closed":
        raise problems.already_closed()
    if business.revision != seen:
        raise stale(seen, business.revision)
    moved = business.state.model_copy(update={"home_office": move.to_office})
    return PublicBusiness(moved, business.revision + 1, business.version + 1)


def decline(move: Move, offices: Collection[str], now: datetime) -> Move:
    """Returns the move refused by the other office, or withdrawn by its own. Raises a 409 Problem if it is decided."""
    _check_open(move)
    state = MoveState.REFUSED if move.awaits in offices else MoveState.WITHDRAWN
    return replace(move, state=state, decided_at=now)


def _check_open(move: Move) -> None:
    if move.state is not MoveState.PROPOSED:
        raise problems.move_decided(move.state)
