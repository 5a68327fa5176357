"""The life of a session: which deed leads from which state to which, and what it does to the numbers.

Revision counts edits, version counts events, confirmable version counts what clients are asked (design.md §3, §7).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.mentoring.domain.sessions import ASKED, NOTES


class State(StrEnum):
    SCHEDULED = "scheduled"
    COMPLETED = "completed"
    CONFIRMED = "confirmed"
    CONTESTED = "contested"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


class Deed(StrEnum):
    """What befalls a session after it was written down.

    `restate` corrects what clients were asked; `accept` lets a session count that was imported.
    """

    COMPLETE = "complete"
    CORRECT = "correct"
    RESTATE = "restate"
    CANCEL = "cancel"
    MISS = "miss"
    ATTEST = "attest"
    CONFIRM = "confirm"
    DISPUTE = "dispute"
    ACCEPT = "accept"


# Held: it took place and counts, whatever the client has said so far.
HELD = frozenset({State.COMPLETED, State.CONFIRMED, State.CONTESTED})
# Over: it takes nobody's time and nothing can be done with it any more.
OVER = frozenset({State.CANCELLED, State.NO_SHOW})

_AFTER: Mapping[State, Mapping[Deed, State]] = {
    State.SCHEDULED: {
        Deed.COMPLETE: State.COMPLETED,
        Deed.CORRECT: State.SCHEDULED,
        Deed.CANCEL: State.CANCELLED,
        Deed.MISS: State.NO_SHOW,
    },
    State.COMPLETED: {
        Deed.CORRECT: State.COMPLETED,
        Deed.RESTATE: State.COMPLETED,
        Deed.CANCEL: State.CANCELLED,
        Deed.ATTEST: State.COMPLETED,
        Deed.CONFIRM: State.CONFIRMED,
        Deed.DISPUTE: State.CONTESTED,
        Deed.ACCEPT: State.COMPLETED,
    },
    State.CONFIRMED: {
        Deed.CORRECT: State.CONFIRMED,
        Deed.RESTATE: State.COMPLETED,
        Deed.CANCEL: State.CANCELLED,
        Deed.DISPUTE: State.CONTESTED,
        Deed.ACCEPT: State.CONFIRMED,
    },
    State.CONTESTED: {
        Deed.CORRECT: State.CONTESTED,
        Deed.RESTATE: State.COMPLETED,
        Deed.CANCEL: State.CANCELLED,
        Deed.ATTEST: State.CONTESTED,
        Deed.ACCEPT: State.CONTESTED,
    },
    State.CANCELLED: {},
    State.NO_SHOW: {},
}


def after(state: State, deed: Deed) -> State | None:
    """Returns the state that a deed leads to, or None if it cannot be done in this state.

    One dispute outweighs every attestation until the session is restated, so their order does not matter.
    """
    return _AFTER[state].get(deed)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a session stands in its life."""

    state: State
    revision: int = 1
    version: int = 1
    confirmable_version: int = 1

    def after(self, deed: Deed, *, told: bool) -> "Standing | None":
        """Returns the standing after a deed, `told` by an event or not; None if it cannot be done."""
        state = after(self.state, deed)
        if state is None:
            return None
        asked_anew = deed is Deed.RESTATE
        return Standing(state, self.revision + 1, self.version + int(told), self.confirmable_version + int(asked_anew))


def correction(state: State, changed: Collection[str]) -> Deed:
    """Returns whether a correction of these fields leaves what clients said as it is, or asks them anew.

    A contested session is asked anew after any correction of what was held, for nothing tells which of it was disputed.
    Of a plan nobody was asked.
    """
    asked = ASKED & set(changed) or (state is State.CONTESTED and not NOTES.issuperset(changed))
    if asked and state in HELD:
        return Deed.RESTATE
    return Deed.CORRECT
