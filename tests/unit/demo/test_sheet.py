"""The sheet of the story is as dirty as it says, and the same for the same dice."""

import io
import random
from typing import Any

import openpyxl
import pytest

from deploy.demo.people import OFFICES, business
from deploy.demo.sheet import LABELS, ROWS, made_sheet, row_of_business
from shared.privacy.numbers import NumberError, parse_nik
from shared.reference.regions import Level, regions

OFFICE = OFFICES[3]
_HEADER = 4  # the row of labels, as a spreadsheet counts
_VILLAGES = {region.name.casefold() for region in regions().values() if region.level in (Level.KELURAHAN, Level.DESA)}


@pytest.fixture(scope="module")
def rows() -> list[tuple[Any, ...]]:
    known = [row_of_business(business(random.Random(number), OFFICE.code)) for number in range(8)]  # noqa: S311
    book = openpyxl.load_workbook(io.BytesIO(_sheet(1, known)))
    return list(book.worksheets[0].iter_rows(min_row=_HEADER, values_only=True))


def _sheet(seed: int, known: Any = ()) -> bytes:
    return made_sheet(random.Random(seed), OFFICE, known)  # noqa: S311  a test's dice


def _is_nik(cell: object) -> bool:
    try:
        parse_nik(str(cell))
    except NumberError:
        return False
    return True


def test_it_has_five_hundred_rows_beneath_its_header(rows: list[tuple[Any, ...]]) -> None:
    header, *data = rows
    assert header == LABELS
    assert len(data) == ROWS
    assert data[-1][0] == "JUMLAH"
    assert sum(str(row[0]).startswith("DATA TAHUN") for row in data) == 3


def test_people_in_it_have_numbers_of_the_right_form_but_for_the_dirt(rows: list[tuple[Any, ...]]) -> None:
    numbers = [row[3] for row in rows[1:] if row[1] is not None and not str(row[0]).startswith("JUMLAH")]
    assert sum(isinstance(number, float | int) for number in numbers) == 12
    assert numbers.count(None) == 6
    assert sum(_is_nik(number) for number in numbers if isinstance(number, str)) == ROWS - 4 - 12 - 6


def test_every_place_but_the_strange_ones_is_real(rows: list[tuple[Any, ...]]) -> None:
    places = [row[6].removeprefix("Desa ").removeprefix("Ds. ").casefold() for row in rows[1:] if row[6]]
    assert sum(place not in _VILLAGES for place in places) == places.count("antah berantah") == 6


def test_fifteen_rows_stand_there_twice(rows: list[tuple[Any, ...]]) -> None:
    contents = [row[1:] for row in rows[1:] if row[2] is not None]
    assert len(contents) - len(set(contents)) == 15


def test_what_is_registered_already_is_among_them(rows: list[tuple[Any, ...]]) -> None:
    known = business(random.Random(3), OFFICE.code)  # noqa: S311  a test's dice
    assert (known["trade_name"], known["owners"][0]["nik"]) in {(row[1], row[3]) for row in rows}


def test_the_same_dice_make_the_same_sheet_and_others_another() -> None:
    one, same, other = (
        list(openpyxl.load_workbook(io.BytesIO(_sheet(seed))).worksheets[0].values) for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other
