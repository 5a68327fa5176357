"""The map: no region is lost, neighbours stay neighbours, and equal figures have one colour."""

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.maps.classes import WANTED, classed
from services.reporting.maps.shapes import (
    HEIGHT,
    INSETS,
    MAIN,
    WIDTH,
    Frame,
    extent,
    frame_of,
    rings_of,
    rounded,
    shapes,
)
from services.reporting.settings import HERE
from shared.reference.regions import regencies

BOUNDARIES = json.loads((HERE / "reference" / "jatim_kab.geojson").read_text(encoding="utf-8"))["features"]
CODES = [feature["properties"]["kode"] for feature in BOUNDARIES]
DRAWN = {one["properties"]["kode"]: rings_of(one["geometry"]["coordinates"]) for one in BOUNDARIES}


def test_every_kabupaten_and_kota_has_a_shape() -> None:
    assert {shape.code for shape in shapes()} == regencies().keys()
    assert all(re.fullmatch(r"(M\d+ \d+l-?\d+[ -][\d -]+z)+", shape.path) for shape in shapes())


def test_kota_are_drawn_upon_the_kabupaten_around_them() -> None:
    assert [shape.code for shape in shapes()][-9:] == [f"35.{number}" for number in range(71, 80)]


def test_the_map_is_small_enough_for_a_poor_line() -> None:
    paths = "".join(shape.path for shape in shapes()).encode()
    assert len(gzip.compress(paths, 6)) <= 8 * 1024


def test_neighbours_keep_the_border_that_they_share() -> None:
    owners: dict[tuple[float, float], set[str]] = defaultdict(set)
    for feature in BOUNDARIES:
        for ring in (ring for polygon in feature["geometry"]["coordinates"] for ring in polygon):
            for longitude, latitude in ring:
                owners[longitude, latitude].add(feature["properties"]["kode"])
    borders = {pair for codes in owners.values() for pair in combinations(sorted(codes), 2)}
    drawn = {code: {point for ring in rings for point in ring} for code, rings in DRAWN.items()}
    assert len(borders) > 60, borders
    assert [pair for pair in borders if not drawn[pair[0]] & drawn[pair[1]]] == []


def test_everything_is_drawn_within_the_picture() -> None:
    points = [point for rings in DRAWN.values() for ring in rings for point in ring]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)


def test_the_far_islands_lie_in_their_boxes_and_nothing_else_does() -> None:
    seen = [(code, frame, ring) for code, frame, ring in _islands() if extent(rounded(frame, ring)) >= 4]
    assert [(code, frame.name) for code, frame, ring in seen if not all(frame.holds(*place) for place in ring)] == []
    boxes = {(frame.name, code) for code, frame, _ in seen if frame is not MAIN}
    assert boxes == {("Bawean", "35.25"), ("Masalembu", "35.29"), ("Kangean", "35.29")}


def _islands() -> list[tuple[str, Frame, Sequence[tuple[float, float]]]]:
    return [
        (feature["properties"]["kode"], frame_of(polygon[0]), polygon[0])
        for feature in BOUNDARIES
        for polygon in feature["geometry"]["coordinates"]
    ]


@pytest.mark.parametrize("inset", INSETS, ids=lambda inset: inset.name)
def test_a_box_covers_nothing_of_the_main_land(inset: Frame) -> None:
    inside = [
        (x, y)
        for _, frame, ring in _islands()
        if frame is MAIN
        for x, y in (MAIN.place(*place) for place in ring)
        if inset.x <= x <= inset.x + inset.width and inset.y <= y <= inset.y + inset.height
    ]
    assert inside == []


def test_a_region_of_specks_keeps_its_largest() -> None:
    speck = [[(111.0, -8.0), (111.001, -8.0), (111.001, -8.001), (111.0, -8.0)]]
    larger = [[(111.1, -8.0), (111.105, -8.0), (111.105, -8.005), (111.1, -8.0)]]
    assert len(rings_of([speck, larger])) == 1
    assert extent(rings_of([speck, larger])[0]) < 4


# Classes


def test_a_class_holds_about_as_many_regions_as_another() -> None:
    found = classed({f"{number:02}": number for number in range(38)})
    assert [(one.least, one.most, one.regions) for one in found.legend] == [
        (0, 7, 8),
        (8, 14, 7),
        (15, 22, 8),
        (23, 29, 7),
        (30, 37, 8),
    ]


@pytest.mark.parametrize(
    ("figures", "places"),
    [
        ({}, {}),
        ({"a": None}, {}),
        ({"a": 7}, {"a": 3}),
        ({"a": 0, "b": 0, "c": 0}, {"a": 3, "b": 3, "c": 3}),
        ({"a": 0, "b": 0, "c": 0, "d": 9}, {"a": 2, "b": 2, "c": 2, "d": 5}),
        ({"a": 1, "b": None, "c": 2}, {"a": 2, "c": 4}),
    ],
)
def test_few_figures_make_few_classes(figures: dict[str, float | None], places: dict[str, int]) -> None:
    assert classed(figures).of == places


@given(st.dictionaries(st.sampled_from(CODES), st.none() | st.integers(0, 9) | st.floats(0, 1e6), max_size=38))
def test_classes_part_no_equals_and_follow_the_figures(figures: dict[str, float | None]) -> None:
    found = classed(figures)
    known = {code: figure for code, figure in figures.items() if figure is not None}
    assert found.of.keys() == known.keys()
    assert found.without == len(figures) - len(known)
    for (one, figure), (other, larger) in combinations(sorted(known.items(), key=lambda item: item[1]), 2):
        assert found.of[one] <= found.of[other]
        assert figure != larger or found.of[one] == found.of[other]
    assert sum(one.regions for one in found.legend) == len(known)
    assert len(found.legend) <= WANTED
    for shown in found.legend:
        members = [known[code] for code, place in found.of.items() if place == shown.place]
        assert (min(members), max(members), len(members)) == (shown.least, shown.most, shown.regions)


# Colours


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_colours_of_the_map_are_told_apart_from_every_border(scheme: str) -> None:
    css = (HERE / "static" / "reporting.css").read_text(encoding="utf-8")
    light, dark = css.split("@media (prefers-color-scheme: dark)")[:2]
    colours = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", light if scheme == "light" else dark.split("}")[0]))
    fills = [colours[f"k{place}"] for place in range(1, WANTED + 1)]
    assert all(_contrast(fill, colours["map-line"]) >= 3 for fill in fills)
    assert all(_contrast(one, other) >= 1.25 for one, other in pairwise(fills))
    shades = [_luminance(fill) for fill in fills]
    assert shades == sorted(shades, reverse=scheme == "light")
    assert _contrast(colours["map-stripe"], colours["card"]) >= 3
    ground = colours["card"] if scheme == "dark" else colours["map-line"]
    assert all(_contrast(fill, ground) >= 3 for fill in fills)
