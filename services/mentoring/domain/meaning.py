"""Whom and what a sheet of past sessions means: consultants and businesses by their names, and sessions that stand.

Nobody is guessed: a name means somebody if exactly one is called so, else a person decides (domain.md §2.8).
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum
from functools import cached_property
from uuid import UUID

from services.mentoring.domain.sessions import Business, SessionDraft
from shared.http.problem import FieldProblem
from shared.privacy.names import name_tokens
from shared.reference.places import full_name, may_mean
from shared.reference.regions import regions

_BETWEEN_PERSONS = re.compile(r"\s*(?:[;&+/]|\bdan\b)\s*", re.IGNORECASE)
_ANYBODY = "anonim"


@dataclass(frozen=True)
class Colleague:
    """A consultant of the office as a sheet may call him."""

    id: UUID
    name: str

    @cached_property
    def tokens(self) -> frozenset[str]:
        return name_tokens(self.name)


@dataclass(frozen=True)
class Called:
    """A business that is called as a row says, under its public name."""

    business: Business
    trade_name: str

    @property
    def told(self) -> str:
        """Returns `Batik Sekar, Blooto, Kec. Prajuritkulon, Kota Mojokerto (<id>)`, all of it public."""
        place = regions().get(self.business.kelurahan or "")
        return f"{self.trade_name}{f', {full_name(place)}' if place else ''} ({self.business.id})"


class Unclear(ValueError):
    """Names that mean nobody, or several: `decide` tells whether a person has to choose among candidates."""

    def __init__(self, fault: FieldProblem, *, decide: bool) -> None:
        super().__init__(fault.message)
        self.fault = fault
        self.decide = decide


def find_consultants(typed: str, colleagues: Sequence[Colleague]) -> list[UUID]:
    """Returns the consultants whom a cell names, each once: by name without titles, or by id. Raises Unclear."""
    if len(whole := _called(typed, colleagues)) == 1:
        return whole
    pieces = [name for piece in _BETWEEN_PERSONS.split(typed) for name in _persons(piece, colleagues)] or [typed]
    found = [_one(place, len(pieces), _called(name, colleagues)) for place, name in enumerate(pieces, start=1)]
    return list(dict.fromkeys(found))


def _called(name: str, colleagues: Sequence[Colleague]) -> list[UUID]:
    tokens, typed = name_tokens(name), name.strip()
    return [each.id for each in colleagues if str(each.id) == typed or (tokens and each.tokens == tokens)]


def _persons(piece: str, colleagues: Sequence[Colleague]) -> Iterator[str]:
    """A comma parts names, but for the one before a degree; whoever is known with his commas is one person."""
    if _called(piece, colleagues):
        yield piece
        return
    for name in piece.split(","):
        if name.strip() and not _is_degree(name):
            yield name


def _is_degree(text: str) -> bool:
    """Tells whether a text has letters and adds nothing to a name."""
    return any(map(str.isalpha, text)) and name_tokens(f"{_ANYBODY} {text}") == name_tokens(_ANYBODY)


def _one(place: int, places: int, found: Sequence[UUID]) -> UUID:
    if len(found) == 1:
        return found[0]
    which = f"Konsultan ke-{place} di sel ini" if places > 1 else "Konsultan ini"
    if found:
        fault = FieldProblem(
            "consultants",
            f"{which} bisa berarti beberapa orang: {', '.join(map(str, found))}.",
            "Ganti namanya dengan salah satu ID itu.",
        )
    else:
        fault = FieldProblem(
            "consultants",
            f"{which} tidak ada di daftar konsultan kantor ini.",
            "Tulis nama seperti di daftar itu, dipisah titik koma, atau daftarkan konsultannya lebih dahulu.",
        )
    raise Unclear(fault, decide=bool(found))


def choose_business(called: Sequence[Called], kelurahan: str | None, day: date) -> UUID:
    """Returns the one business that is called so and lies where the row says. Raises Unclear with those that may be."""
    if not called:
        raise Unclear(
            FieldProblem(
                "businesses",
                "Belum ada usaha terdaftar dengan nama ini.",
                "Tulis nama yang terdaftar atau isi ID Usaha; usaha yang belum terdaftar didaftarkan lebih dahulu.",
            ),
            decide=False,
        )
    there = [each for each in called if kelurahan is None or _lies_in(each.business, kelurahan)]
    open_then = [each for each in there if not each.business.is_closed_on(day)]
    likely = there if len(there) == 1 else open_then
    if len(likely) == 1:
        return likely[0].business.id
    shown = "; ".join(each.told for each in (likely or called)[:5])
    raise Unclear(
        FieldProblem(
            "businesses" if kelurahan is None or likely else "kelurahan",
            f"Usaha yang bernama sama: {shown}." if likely else f"Usaha yang bernama sama ada di tempat lain: {shown}.",
            "Isi ID Usaha dengan salah satunya, atau perbaiki kelurahannya.",
        ),
        decide=True,
    )


def _lies_in(business: Business, kelurahan: str) -> bool:
    return business.kelurahan in regions() and may_mean(kelurahan, business.kelurahan or "")


@dataclass(frozen=True)
class Recorded:
    """A session of the office on the day of a row, with one of its businesses, that was held or is planned."""

    id: UUID
    start: time | None
    contact_minutes: int
    consultants: Collection[UUID]
    businesses: Collection[UUID]


class Sameness(StrEnum):
    """`same`: the row is this session; `alike`: a person must look; `other`: nobody need look."""

    SAME = "same"
    ALIKE = "alike"
    OTHER = "other"


def compare(draft: SessionDraft, recorded: Recorded) -> Sameness:
    """Judges a row against a session of its day with one of its businesses.

    With a common consultant, the same businesses and the same minutes it is that session, unless it begins at another
    time; two that begin at different times are two. Whatever else is alike, a person must look at.
    """
    start = draft.occupation.start
    together = not set(draft.consultants).isdisjoint(recorded.consultants)
    if together and None not in (start, recorded.start) and start != recorded.start:
        return Sameness.OTHER
    same_businesses = set(draft.businesses) == set(recorded.businesses)
    if together and same_businesses and draft.occupation.contact_minutes == recorded.contact_minutes:
        return Sameness.SAME
    return Sameness.ALIKE
