"""How alike a registration and a registered business are, in points with reasons that a clerk can check.

Nothing is learnt: each sign weighs what is written below. The owner's signs weigh less than a trade name and a trade
that differ, so that the businesses of one owner stay apart (domain.md §2.7: a person has any number of businesses).
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from uuid import UUID

from services.registry.domain.forms import Kind
from services.registry.domain.names import TradeName, name_likeness, read_trade_name

# The least likeness of the trade name → points: the first row that is reached counts.
_NAME_POINTS = ((0.95, 5.0), (0.88, 4.0), (0.80, 2.5), (0.70, 0.5), (0.55, -3.0), (0.0, -6.0))
_SAME_KELURAHAN, _SAME_KECAMATAN, _SAME_REGENCY, _ELSEWHERE = 1.5, 0.5, 0.0, -1.5
_SAME_PERSON = 2.5
_SAME_PHONE = 2.0
_OWNER_NAMED_ALIKE, _OWNER_NAMED_OTHERWISE = 1.5, -2.5
# Names are kept as keyed tokens, to which a slip of the pen is another name; one phone speaks for such a slip.
_NAMED_OTHERWISE_WITH_ONE_PHONE = -1.0
_OTHER_TRADE = -4.0
_SAME_DIVISION, _OTHER_DIVISION = 0.5, -2.0
_OTHER_NUMBER, _NUMBER_MISSING = -8.0, -4.0
_COOPERATIVE_OR_NOT = -6.0

# A phone of more businesses than these is that of an officer, or of the shop where they all buy credit.
MOST_PER_PHONE = 5

# Closed because it is another one already: nobody means it any more.
_NOT_TO_REOPEN = ("registered_twice", "merged")

_LIKELY = 5.5
_SURE = 8.5
# From here on two owners' names are one name, written twice; below the lower one they are two names.
_ONE_NAME, _TWO_NAMES = 0.99, 0.5

_PART_OF_A_NAME = 0.9
_KECAMATAN, _REGENCY = 8, 5  # letters of a kelurahan's code


class Verdict(StrEnum):
    """`same`: surely one business; `possible`: somebody must look; `different`: nobody need look."""

    SAME = "same"
    POSSIBLE = "possible"
    DIFFERENT = "different"


@dataclass(frozen=True)
class Proposed:
    """What is public of a business that somebody wants to register."""

    trade_name: str
    kinds: tuple[Kind, ...]
    kelurahan: str


@dataclass(frozen=True)
class Candidate:
    """A registered business that it may be; None stands for what is none of the caller's business.

    `similarity` is that of pg_trgm over the folded names, `part_similarity` that of what was typed with a part of this
    name, `same_division` that of the first two digits of KBLI.
    """

    id: UUID
    office: str
    trade_name: str
    kinds: tuple[Kind, ...]
    kelurahan: str
    similarity: float
    part_similarity: float = 0.0
    closing_reason: str | None = None
    same_person: bool = False
    same_phone: bool = False
    same_number: bool = False
    owner_likeness: float | None = None
    same_division: bool | None = None

    @property
    def score(self) -> float:
        """What a search is answered by, 0 to 1: part of a name counts a little less than all of it."""
        if self.same_person or self.same_phone or self.same_number:
            return 1.0
        return max(self.similarity, _PART_OF_A_NAME * self.part_similarity)


Sign = Literal["name", "place", "owner", "trade", "number", "kind", "key"]


@dataclass(frozen=True)
class Reason:
    """One sign: what it weighs for (or against) the two being one, and how it is told."""

    sign: Sign
    points: float
    text: str


@dataclass(frozen=True)
class Match:
    candidate: Candidate
    points: float
    verdict: Verdict
    reasons: tuple[Reason, ...]

    def told(self) -> str:
        """Returns the reasons in one line: `nama 92 % mirip, kelurahan sama, telepon sama`."""
        return ", ".join(reason.text for reason in self.reasons)


def compare(proposed: Proposed, candidate: Candidate) -> Match:
    """Judges one candidate."""
    reasons = tuple(_signs(proposed, candidate))
    points = sum(reason.points for reason in reasons)
    return Match(candidate, points, _verdict(proposed, candidate, reasons), reasons)


def likely(proposed: Proposed, candidates: Sequence[Candidate]) -> list[Match]:
    """Returns the candidates that are or may be the same business, the likeliest first."""
    matches = [compare(proposed, candidate) for candidate in candidates]
    found = [match for match in matches if match.verdict is not Verdict.DIFFERENT]
    return sorted(found, key=lambda match: (-match.points, str(match.candidate.id)))


def _verdict(proposed: Proposed, candidate: Candidate, reasons: Sequence[Reason]) -> Verdict:
    """Sure is only what shares a number, or a key of the owner and has nothing against it."""
    if candidate.same_number:
        return Verdict.SAME
    if candidate.closing_reason in _NOT_TO_REOPEN:
        return Verdict.DIFFERENT
    if Kind.PROSPECTIVE in proposed.kinds or Kind.PROSPECTIVE in candidate.kinds:
        return _verdict_of_a_person(proposed, candidate)
    points = sum(reason.points for reason in reasons)
    keyed = candidate.same_person or candidate.same_phone
    if points >= _SURE and keyed and all(reason.points >= 0 for reason in reasons):
        return Verdict.SAME
    return Verdict.POSSIBLE if points >= _LIKELY else Verdict.DIFFERENT


def _verdict_of_a_person(proposed: Proposed, candidate: Candidate) -> Verdict:
    """A would-be entrepreneur has no trade name: he is who he is, and may have become a business since."""
    if not candidate.same_person:
        return Verdict.DIFFERENT
    return Verdict.SAME if proposed.kinds == candidate.kinds else Verdict.POSSIBLE


def _signs(proposed: Proposed, candidate: Candidate) -> Iterator[Reason]:
    if candidate.same_number:
        yield Reason("key", 0.0, "nomor usaha sama")
    if Kind.PROSPECTIVE in proposed.kinds or Kind.PROSPECTIVE in candidate.kinds:
        yield from _owner(candidate)
        return
    names = read_trade_name(proposed.trade_name), read_trade_name(candidate.trade_name)
    yield _name(*names, candidate.similarity)
    yield _place(proposed.kelurahan, candidate.kelurahan)
    yield from _owner(candidate)
    yield from _trade(*names)
    yield from _division(candidate)
    yield from _numbers(*names)
    if _is_cooperative(proposed.kinds, names[0]) != _is_cooperative(candidate.kinds, names[1]):
        yield Reason("kind", _COOPERATIVE_OR_NOT, "yang satu koperasi, yang lain bukan")


def _is_cooperative(kinds: Collection[Kind], name: TradeName) -> bool:
    """By its kind, or by its name where an office has put everybody down as UMKM."""
    return Kind.COOPERATIVE in kinds or name.is_a_cooperatives


def _name(one: TradeName, other: TradeName, similarity: float) -> Reason:
    likeness = max(name_likeness(one, other), similarity)
    points = next(points for least, points in _NAME_POINTS if likeness >= least)
    text = "nama sama" if one.folded == other.folded else f"nama {min(int(likeness * 100), 99)} % mirip"
    return Reason("name", points, text)


def _place(one: str, other: str) -> Reason:
    if one == other:
        return Reason("place", _SAME_KELURAHAN, "kelurahan sama")
    if one[:_KECAMATAN] == other[:_KECAMATAN]:
        return Reason("place", _SAME_KECAMATAN, "kecamatan sama")
    if one[:_REGENCY] == other[:_REGENCY]:
        return Reason("place", _SAME_REGENCY, "kabupaten/kota sama")
    return Reason("place", _ELSEWHERE, "kabupaten/kota lain")


def _owner(candidate: Candidate) -> Iterator[Reason]:
    if candidate.same_person:
        yield Reason("owner", _SAME_PERSON, "NIK pemilik sama")
    if candidate.same_phone:
        yield Reason("owner", _SAME_PHONE, "telepon sama")
    likeness = candidate.owner_likeness
    if likeness is not None and likeness >= _ONE_NAME:
        yield Reason("owner", _OWNER_NAMED_ALIKE, "nama pemilik sama")
    elif likeness is not None and likeness < _TWO_NAMES and not candidate.same_person:
        points = _NAMED_OTHERWISE_WITH_ONE_PHONE if candidate.same_phone else _OWNER_NAMED_OTHERWISE
        yield Reason("owner", points, "nama pemilik lain")


def _trade(one: TradeName, other: TradeName) -> Iterator[Reason]:
    if one.trades and other.trades and one.trades.isdisjoint(other.trades):
        yield Reason("trade", _OTHER_TRADE, "bidang usaha lain")


def _division(candidate: Candidate) -> Iterator[Reason]:
    if candidate.same_division is not None:
        yield (
            Reason("trade", _SAME_DIVISION, "KBLI sejenis")
            if candidate.same_division
            else Reason("trade", _OTHER_DIVISION, "KBLI lain jenis")
        )


def _numbers(one: TradeName, other: TradeName) -> Iterator[Reason]:
    """`Kios Maju 1` and `Kios Maju 2` are two branches; where one has no number, it may have been left out."""
    if one.numbers and other.numbers and one.numbers != other.numbers:
        yield Reason("number", _OTHER_NUMBER, "nomor pada nama lain")
    elif one.numbers != other.numbers:
        yield Reason("number", _NUMBER_MISSING, "hanya satu yang bernomor")
