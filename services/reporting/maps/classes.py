"""Classes of figures: at most five, of about as many regions each, and equal figures are never parted."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

WANTED = 5
Figure = int | float | Decimal


@dataclass(frozen=True, slots=True)
class Class:
    """`place` is 1 for the lowest class to 5 for the highest; `least` and `most` are figures that occur in it."""

    place: int
    least: Figure
    most: Figure
    regions: int


@dataclass(frozen=True, slots=True)
class Classes:
    """`of` gives each region's place; regions without data are missing in it and counted."""

    of: Mapping[str, int]
    legend: tuple[Class, ...]
    without: int


def classed(figures: Mapping[str, Figure | None]) -> Classes:
    """Puts each region where the middle of its figure's ranks lies among all; None is no data."""
    known = sorted((figure, code) for code, figure in figures.items() if figure is not None)
    places: dict[str, int] = {}
    below = 0
    for _, group in groupby(known, key=lambda one: one[0]):
        codes = [code for _, code in group]
        place = 1 + (2 * below + len(codes)) * WANTED // (2 * len(known))
        places |= dict.fromkeys(codes, min(place, WANTED))
        below += len(codes)
    return Classes(places, _legend(known, places), len(figures) - len(known))


def _legend(known: list[tuple[Figure, str]], places: Mapping[str, int]) -> tuple[Class, ...]:
    legend = []
    for place, group in groupby(known, key=lambda one: places[one[1]]):
        members = [figure for figure, _ in group]
        legend.append(Class(place, members[0], members[-1], len(members)))
    return tuple(legend)
