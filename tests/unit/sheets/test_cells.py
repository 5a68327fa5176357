"""What people mean by a cell."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.sheets.cells import Cell, CellError, number_text, read_day, read_minutes, read_text, read_time, text_of

_SATURDAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    "cell",
    [
        "21/11/2026",
        "21-11-2026",
        "21.11.26",
        "2026-11-21",
        "21 November 2026",
        "Sabtu, 21 Nov 2026",
        " 21\u00a0Nopember\u00a02026 ",
        "21-Nov-26",
        "2026-11-21 00:00:00",
        "'21/11/2026",
        46347,
        46347.0,
        "46347",
        datetime(2026, 11, 21, 9, 30),  # noqa: DTZ001  as a cell has it
        _SATURDAY,
    ],
)
def test_a_day_is_read_however_it_is_written(cell: Cell) -> None:
    assert read_day(cell) == _SATURDAY


def test_the_day_comes_first() -> None:
    assert read_day("3/4/2026") == date(2026, 4, 3)


@pytest.mark.parametrize("cell", ["11/21/2026", "31/2/2026", "kemarin", "2026", 2026, 9_999_999, True, "", None, "=A1"])
def test_what_is_no_day_is_refused_without_being_repeated(cell: Cell) -> None:
    with pytest.raises(CellError) as refused:
        read_day(cell)
    assert refused.value.message
    assert refused.value.cure
    assert text_of(cell) == "" or text_of(cell) not in refused.value.message + refused.value.cure.replace("2026", "")


@given(day=st.dates(date(1950, 1, 1), date(2049, 12, 31)))
def test_every_form_of_a_day_means_that_day(day: date) -> None:
    forms = ["%d/%m/%Y", "%d-%m-%Y", "%d.%m.%y", "%Y-%m-%d", "%d %B %Y", "%A, %d %b %Y"]
    assert {read_day(day.strftime(form)) for form in forms} == {day}
    assert read_day((day - date(1899, 12, 30)).days) == day


@pytest.mark.parametrize(
    ("cell", "minutes"),
    [
        (90, 90),
        (90.0, 90),
        ("90 menit", 90),
        ("90'", 90),
        ("1,5 jam", 90),
        ("1 jam 30 menit", 90),
        ("1:30", 90),
        ("01:30:00", 90),
        (0.0625, 90),
        (time(1, 30), 90),
        (timedelta(hours=1, minutes=30), 90),
        (0, 0),
        ("2 jam", 120),
    ],
)
def test_a_span_is_read(cell: Cell, minutes: int) -> None:
    assert read_minutes(cell) == minutes


@pytest.mark.parametrize("cell", ["lama", "", 1.5, -5, "-5", 20_000, "1,333 jam", datetime(2026, 1, 1)])  # noqa: DTZ001
def test_what_is_no_span_is_refused(cell: Cell) -> None:
    with pytest.raises(CellError):
        read_minutes(cell)


@pytest.mark.parametrize(
    "cell", ["09.30", "9:30", "0930", "pukul 9.30", "09.30 WIB", 9.3, 0.3958333333, time(9, 30), timedelta(hours=9.5)]
)
def test_a_time_is_read(cell: Cell) -> None:
    assert read_time(cell) == time(9, 30)


@pytest.mark.parametrize("cell", ["24.00", "9.75", "pagi", "", -1, timedelta(hours=25)])
def test_what_is_no_time_is_refused(cell: Cell) -> None:
    with pytest.raises(CellError):
        read_time(cell)


@pytest.mark.parametrize(
    ("cell", "digits"),
    [
        ("3576015509800001", "3576015509800001"),
        ("'3576015509800001", "3576015509800001"),
        ("\u20193576015509800001", "3576015509800001"),
        (3576015509800001.0, "3576015509800001"),
        (3576015509800001, "3576015509800001"),
        (9120001234560.0, "9120001234560"),
        ("9120001234567.0", "9120001234567"),
        ("9120001234567,00", "9120001234567"),
        (81234567890.0, "81234567890"),
        ("09.254.294.3-407.000", "09.254.294.3-407.000"),
        (None, ""),
    ],
)
def test_a_number_is_read_as_it_was_typed(cell: Cell, digits: str) -> None:
    assert number_text(cell) == digits


@pytest.mark.parametrize(
    "cell",
    [
        "3,57602E+15",
        "3.57602E+15",
        "8,12e11",
        3576015509800000.0,
        3576015509800000,
        35760155098000012.0,
        9171015509800001.0,
        1234.5,
        -3576015509800001.0,
        float("nan"),
        float("inf"),
        "=A1",
        "#N/A",
    ],
)
def test_a_number_that_excel_has_mangled_is_never_guessed(cell: Cell) -> None:
    with pytest.raises(CellError) as refused:
        number_text(cell)
    assert not any(char.isdigit() for char in refused.value.message.replace("15 angka", ""))


@given(number=st.integers(10**15, 10**16 - 1))
@example(2**53 - 1)
@example(2**53)
@example(2**53 + 1)
def test_sixteen_digits_pass_as_they_are_or_not_at_all(number: int) -> None:
    try:
        assert number_text(float(number)) == str(number)
    except CellError:
        assert number % 10 == 0 or number >= 2**53


def test_a_text_is_one_line() -> None:
    assert text_of("  Toko\u00a0\nJaya\u200b\t ") == "Toko Jaya"
    assert text_of(35.0) == "35"
    assert text_of(35.5) == "35.5"
    assert text_of(None) == ""


_CELLS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.times() | st.datetimes()


@given(cell=_CELLS)
@pytest.mark.parametrize("rule", [read_text, number_text, read_day, read_minutes, read_time])
def test_a_rule_reads_a_cell_or_says_what_is_wrong(rule: Callable[[Cell], object], cell: Cell) -> None:
    assert isinstance(text_of(cell), str)
    with suppress(CellError):
        rule(cell)
