"""The map with its figures, and the table beneath it: the same figures, sorted as asked."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.reporting.maps.classes import Classes, classed
from services.reporting.maps.shapes import INSETS, Frame, Shape, shapes
from services.reporting.population import rate
from services.reporting.projections.businesses_by_region import EACH_ONCE, Count
from services.reporting.web.asking import Asked
from services.reporting.wording import decimal, number
from shared.reference.regions import Level, regencies


@dataclass(frozen=True, slots=True)
class Row:
    """A kabupaten or kota. `active` is None where no business was ever registered: there are no data."""

    code: str
    name: str
    active: int | None
    kinds: Mapping[str, int]
    rate: Decimal | None
    registered: int | None
    has_office: bool

    def figure(self, of: str) -> int | Decimal | None:
        """Returns the figure that the map shows under this name."""
        return {"usaha": self.active, "rasio": self.rate, "baru": self.registered}[of]

    def written(self, of: str) -> str:
        """Returns it as people read it."""
        value = self.figure(of)
        if value is None:
            return "belum ada data"
        return decimal(value) if of == "rasio" else number(int(value))


@dataclass(frozen=True, slots=True)
class Area:
    """A shape with its row and class; `place` 0 is no data."""

    shape: Shape
    row: Row
    place: int


@dataclass(frozen=True, slots=True)
class Choropleth:
    areas: Sequence[Area]
    tiny: Sequence[Area]
    classes: Classes
    legend: Sequence[tuple[int, str, int]]
    rows: Sequence[Row]
    insets: Sequence[Frame]


def rows_of(counts: Iterable[Count], registered: Mapping[str, int], offices: Collection[str]) -> list[Row]:
    """Returns a row for each of the 38 kabupaten and kota. `registered`: businesses registered by code."""
    by_regency: dict[str, list[Count]] = {code: [] for code in regencies()}
    for one in counts:
        if one.region in by_regency:
            by_regency[one.region].append(one)
    return [_row(code, found, registered.get(code, 0), offices) for code, found in by_regency.items()]


def _row(code: str, counts: Sequence[Count], registered: int, offices: Collection[str]) -> Row:
    name, has_office = regencies()[code].name, code in offices
    if not counts:
        return Row(code, name, None, {}, None, None, has_office)
    kinds: dict[str, int] = {}
    for one in counts:
        if one.status == "active":
            kinds[one.kind] = kinds.get(one.kind, 0) + one.businesses
    active = kinds.get(EACH_ONCE, 0)
    return Row(code, name, active, kinds, rate(active, code), registered, has_office)


def choropleth(rows: Sequence[Row], asked: Asked) -> Choropleth:
    """Returns the map of the figure asked for, and its rows in the order asked for."""
    classes = classed({row.code: row.figure(asked.peta) for row in rows})
    by_code = {row.code: row for row in rows}
    areas = [Area(shape, by_code[shape.code], classes.of.get(shape.code, 0)) for shape in shapes()]
    tiny = [area for area in areas if regencies()[area.row.code].level is Level.KOTA]
    return Choropleth(areas, tiny, classes, _legend(classes, asked.peta), in_order(rows, asked.urut), INSETS)


def _legend(classes: Classes, figure: str) -> list[tuple[int, str, int]]:
    written = decimal if figure == "rasio" else lambda value: number(int(value))
    return [(one.place, _between(written(one.least), written(one.most)), one.regions) for one in classes.legend]


def _between(least: str, most: str) -> str:
    return least if least == most else f"{least} s.d. {most}"


def in_order(rows: Sequence[Row], order: str) -> list[Row]:
    """Returns the rows sorted by a column, those without data last, and by name where they are equal."""
    column, down = order.removeprefix("-"), order.startswith("-")
    named = sorted(rows, key=lambda row: row.name)
    if column == "nama":
        return named[::-1] if down else named
    known = [row for row in named if row.figure(column) is not None]
    known.sort(key=lambda row: row.figure(column) or 0, reverse=down)
    return known + [row for row in named if row.figure(column) is None]
