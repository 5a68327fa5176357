"""What facts would have moved, had they been what the history says: the sums of contributions once more, in Python.

Few facts are ever counted here, so that it may be plain; sums.py says the same in SQL, for all of them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from deploy.check.copies import State

Key = tuple[str, ...]
Amounts = Mapping[str, int]
Moved = tuple[Key, Amounts]

_LEVELS = {"regency": 5, "district": 8, "village": 13}


@dataclass(frozen=True, slots=True)
class Counted:
    """A fact as totals count it: its state and the canonical ids of its businesses."""

    state: State
    subjects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A fact that is not what the history says, as it stands and as it ought to be."""

    stands: Counted | None
    ought: Counted | None

    @property
    def subjects(self) -> set[str]:
        """Every business that it speaks of, or ought to."""
        return {subject for fact in (self.stands, self.ought) if fact for subject in fact.subjects}


def corrections(table: str, suspects: Iterable[Suspect]) -> dict[Key, Counter[str]]:
    """Returns what a total would have beyond the sums of the facts, had they all been what they ought to be."""
    corrected: dict[Key, Counter[str]] = {}
    for suspect in suspects:
        for fact, sign in ((suspect.ought, 1), (suspect.stands, -1)):
            if fact is None:
                continue
            for key, amounts in _moved(table, fact):
                counted = corrected.setdefault(key, Counter())
                for name, amount in amounts.items():
                    counted[name] += sign * amount
    return corrected


def _moved(table: str, fact: Counted) -> Iterable[Moved]:
    count = _OF_BUSINESSES if "registered_on" in fact.state else _OF_SESSIONS if "businesses" in fact.state else {}
    return count[table](fact) if table in count and _counts(fact) else ()


def _counts(fact: Counted) -> bool:
    """A business that turned out to be another one counts for nothing, nor does a session before it is accepted."""
    if "registered_on" in fact.state:
        return fact.subjects == (fact.state["id"],)
    return bool(fact.state.get("accepted", True))


# Businesses


def _registration(fact: Counted) -> Iterator[Moved]:
    office = fact.state.get("registered_by") or fact.state["home_office"]
    for grain, first in _grains(fact.state["registered_on"]):
        yield (office, grain, first), {"registrations": 1}


def _region(fact: Counted) -> Iterator[Moved]:
    state = fact.state
    for kind in {"*", *state["kinds"]}:
        for level, length in _LEVELS.items():
            yield (level, state["kelurahan"][:length], state["home_office"], kind, state["status"]), {"businesses": 1}


def _stock(fact: Counted) -> Iterator[Moved]:
    state = fact.state
    place = (state["kelurahan"][:5], state["home_office"])
    for kind in {"*", *state["kinds"]}:
        yield (*place, kind, _month(state["registered_on"])), {"registered": 1}
        if state["status"] == "closed" and state.get("closed_on"):
            yield (*place, kind, _month(state["closed_on"])), {"closed": 1}


# Sessions


def _activity(fact: Counted) -> Iterator[Moved]:
    state = fact.state
    if _is_held(state):
        amounts = {
            **_held(state),
            "imported": int(state.get("imported", False)),
            "visits": len(set(_known(fact))),
            **{f"confirmed_{name}": amount * _is(state, "confirmed") for name, amount in _minutes(state).items()},
        }
    elif state["state"] in ("scheduled", "cancelled", "no_show"):
        amounts = {state["state"]: 1}
    else:
        return
    for grain, first in _grains(state["day"]):
        yield (state["office"], grain, first), amounts


def _service(fact: Counted) -> Iterator[Moved]:
    state = fact.state
    if not _is_held(state):
        return
    confirmed = {"confirmed_contact_minutes": state["contact_minutes"] * _is(state, "confirmed")}
    for grain, first in _grains(state["day"]):
        key = (state["office"], grain, first, state["field"], state["service"], state["channel"])
        yield key, {**_held(state), **confirmed}


def _load(fact: Counted) -> Iterator[Moved]:
    state = fact.state
    for consultant in set(state["consultants"]) if _is_held(state) else ():
        yield (state["office"], consultant, _month(state["day"])), _held(state)


def _held(state: State) -> dict[str, int]:
    return {
        "sessions": 1,
        "confirmed": _is(state, "confirmed"),
        "contested": _is(state, "contested"),
        **_minutes(state),
    }


def _minutes(state: State) -> dict[str, int]:
    return {name: state[name] for name in ("contact_minutes", "preparation_minutes", "travel_minutes")}


def _known(fact: Counted) -> list[str]:
    told: Sequence[State] = fact.state["businesses"]
    return [subject for subject, business in zip(fact.subjects, told, strict=False) if business["known"]]


def _is_held(state: State) -> bool:
    return state["state"] in ("completed", "confirmed", "contested")


def _is(state: State, which: str) -> int:
    return int(state["state"] == which)


def _grains(day: str) -> list[tuple[str, str]]:
    return [("day", day), ("month", _month(day)), ("year", f"{day[:4]}-01-01")]


def _month(day: str) -> str:
    return date.fromisoformat(day).replace(day=1).isoformat()


_Count = Callable[[Counted], Iterator[Moved]]
_OF_BUSINESSES: Mapping[str, _Count] = {
    "office_activity": _registration,
    "businesses_by_region": _region,
    "businesses_over_time": _stock,
}
_OF_SESSIONS: Mapping[str, _Count] = {
    "office_activity": _activity,
    "sessions_by_service": _service,
    "consultant_load": _load,
}
