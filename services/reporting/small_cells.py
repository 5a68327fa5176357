"""Small numbers in tables for everybody: 1 to 4 are told as <5, and whatever is reckoned from them as its bounds.

A number from 1 to 4 could tell of a person. Every published figure is made here from cells of which none tells more
than `<5` does: so two provinces that differ in such cells only are published alike, sums, quarters, years and the
province included, and nobody finds out which of 1 to 4 a cell holds, not even who knows this rule and all the rest.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add

SMALLEST_TOLD = 5


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is told of a number: that it lies between these two, both included; exactly, where they are equal."""

    low: int
    high: int

    @property
    def exact(self) -> int | None:
        """The number, where it is told."""
        return self.low if self.low == self.high else None

    def __add__(self, other: "Bounds") -> "Bounds":
        return Bounds(self.low + other.low, self.high + other.high)

    def __str__(self) -> str:
        if self == SMALL:
            return f"<{SMALLEST_TOLD}"
        return str(self.low) if self.low == self.high else f"{self.low} s.d. {self.high}"


NOTHING = Bounds(0, 0)
SMALL = Bounds(1, SMALLEST_TOLD - 1)


def told(count: int) -> Bounds:
    """Returns what is told of a count of businesses or sessions."""
    return SMALL if 0 < count < SMALLEST_TOLD else Bounds(count, count)


def total(parts: Iterable[Bounds]) -> Bounds:
    """Returns what the parts tell of their sum."""
    return reduce(add, parts, NOTHING)


def distinct(count: int, parts: Iterable[Bounds]) -> Bounds:
    """Returns what is told of the number of different ones among all parts: the number itself if all parts are told.

    Else what the parts tell of it: at least as many as in the greatest of them, at most as many as in all together.
    """
    known = list(parts)
    if all(part.exact is not None for part in known):
        return told(count)
    return Bounds(max(part.low for part in known), total(known).high)


def beside(amount: int, *counts: Bounds) -> int | None:
    """Returns an amount that grows with these counts (minutes with sessions), or None unless all of them are told."""
    return amount if all(count.exact is not None for count in counts) else None
