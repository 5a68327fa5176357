"""Shapes of the 38 kabupaten and kota as SVG paths, made once from the boundaries in `reference/`.

Each point is rounded to the same grid whatever ring it belongs to, so that neighbours keep the border that they share.
Bawean, Masalembu and Kangean lie in boxes of their own: the main land would shrink to make room for their sea.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from math import cos, radians
from typing import Any

WIDTH, HEIGHT = 2000, 1250
_MIDDLE = cos(radians(7.75))  # a degree of longitude is that much shorter than one of latitude
_SPECK = 4  # an islet smaller than that, in units of the drawing, is not seen; the only one of its region is kept

Point = tuple[int, int]
Ring = tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """A part of the map in degrees, and where and how large it is drawn. `scale`: units for a degree of latitude."""

    name: str
    west: float
    east: float
    south: float
    north: float
    x: int
    y: int
    scale: float

    @property
    def width(self) -> int:
        return round((self.east - self.west) * _MIDDLE * self.scale)

    @property
    def height(self) -> int:
        return round((self.north - self.south) * self.scale)

    def holds(self, longitude: float, latitude: float) -> bool:
        """Tells whether a place lies in this part."""
        return self.west <= longitude <= self.east and self.south <= latitude <= self.north

    def place(self, longitude: float, latitude: float) -> Point:
        """Returns where a place is drawn."""
        return (
            self.x + round((longitude - self.west) * _MIDDLE * self.scale),
            self.y + round((self.north - latitude) * self.scale),
        )


MAIN = Frame("Jawa Timur", 110.87, 114.84, -8.81, -6.74, 8, 204, 504)
INSETS = (
    Frame("Bawean", 112.5, 112.82, -5.92, -5.68, 960, 50, 640),
    Frame("Masalembu", 114.2, 114.82, -5.66, -4.98, 1198, 50, 290),
    Frame("Kangean", 115.15, 116.32, -7.25, -6.78, 1422, 50, 420),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """`path` is the shape in SVG, `x` and `y` a place in its middle."""

    code: str
    path: str
    x: int
    y: int


@cache
def shapes() -> tuple[Shape, ...]:
    """Returns a shape for each region in the boundaries, kota last: they lie upon the kabupaten around them."""
    text = files("services.reporting").joinpath("reference/jatim_kab.geojson").read_text(encoding="utf-8")
    found = [_shape(feature) for feature in json.loads(text)["features"]]
    return tuple(sorted(found, key=lambda shape: shape.code))


def rings_of(polygons: Iterable[Sequence[Sequence[tuple[float, float]]]]) -> list[Ring]:
    """Returns the rings of a region as they are drawn: specks left out, unless nothing else would be left."""
    drawn = [[rounded(frame_of(polygon[0]), ring) for ring in polygon] for polygon in polygons]
    seen = [polygon for polygon in drawn if extent(polygon[0]) >= _SPECK]
    kept = seen or [max(drawn, key=lambda polygon: extent(polygon[0]))]
    return [ring for polygon in kept for ring in polygon if len(ring) > 2]


def frame_of(ring: Sequence[tuple[float, float]]) -> Frame:
    """Returns the inset in which an island lies, or the main map."""
    longitude, latitude = (sum(axis) / len(ring) for axis in zip(*ring, strict=True))
    return next((inset for inset in INSETS if inset.holds(longitude, latitude)), MAIN)


def rounded(frame: Frame, ring: Sequence[tuple[float, float]]) -> Ring:
    """Returns a ring on the grid of the drawing, without its last point, which is its first, and without standstill."""
    points = [frame.place(*place) for place in ring]
    moved = [points[0], *(after for before, after in pairwise(points) if before != after)]
    return tuple(moved[:-1] if len(moved) > 1 and moved[0] == moved[-1] else moved)


def extent(ring: Ring) -> int:
    """Returns the longer side of the box around a ring."""
    across, down = ([point[axis] for point in ring] for axis in (0, 1))
    return max(max(across) - min(across), max(down) - min(down))


def _area(ring: Ring) -> float:
    return abs(sum(x * down - across * y for (x, y), (across, down) in _sides(ring))) / 2


def _middle(ring: Ring) -> Point:
    """Returns the centre of gravity of a ring."""
    weights = [x * down - across * y for (x, y), (across, down) in _sides(ring)]
    xs, ys = (
        sum(weight * (one[axis] + other[axis]) for weight, (one, other) in zip(weights, _sides(ring), strict=True))
        for axis in (0, 1)
    )
    return round(xs / (3 * sum(weights))), round(ys / (3 * sum(weights)))


def _sides(ring: Ring) -> list[tuple[Point, Point]]:
    return list(pairwise([*ring, ring[0]]))


def path_of(rings: Iterable[Ring]) -> str:
    """Returns rings as the data of an SVG path: where each begins, then its steps."""
    return "".join(_ring_path(ring) for ring in rings)


def _ring_path(ring: Ring) -> str:
    steps = (f"{x - before[0]} {y - before[1]}" for before, (x, y) in pairwise(ring))
    return f"M{ring[0][0]} {ring[0][1]}l{' '.join(steps).replace(' -', '-')}z"


def _shape(feature: dict[str, Any]) -> Shape:
    rings = rings_of(feature["geometry"]["coordinates"])
    return Shape(feature["properties"]["kode"], path_of(rings), *_middle(max(rings, key=_area)))
