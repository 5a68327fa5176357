"""What stands in one cell, and what people mean by it. No message repeats the cell: it may be somebody's number."""

import re
from datetime import date, datetime, time, timedelta
from math import isfinite

Cell = str | int | float | bool | date | datetime | time | timedelta | None

_SERIAL_ZERO = date(1899, 12, 30)
_SERIALS = range(7_306, 73_051)  # 1920 to 2099: smaller numbers are years or counts, greater ones no days at all
_CENTURY_TURNS = 50  # a year of two digits below it is of this century
_MOST_MINUTES = 7 * 24 * 60
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("jan", "januari", "january"),
            ("feb", "peb", "februari", "pebruari", "february"),
            ("mar", "maret", "march"),
            ("apr", "april"),
            ("mei", "may"),
            ("jun", "juni", "june"),
            ("jul", "juli", "july"),
            ("agt", "agu", "ags", "aug", "agustus", "august"),
            ("sep", "sept", "september"),
            ("okt", "oct", "oktober", "october"),
            ("nov", "nop", "november", "nopember"),
            ("des", "dec", "desember", "december"),
        ),
        start=1,
    )
    for name in names
}
_WEEKDAY = re.compile(
    r"^(?:senin|selasa|rabu|kamis|jum'?at|sabtu|minggu|ahad|mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?\s*,?\s+",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"[ T]\d{1,2}[:.]\d{2}(?:[:.]\d{2}(?:\.\d+)?)?(?:Z|\s*wib)?$", re.IGNORECASE)
_DAY_FIRST = re.compile(r"(\d{1,2})\s*[/.\-]\s*(\d{1,2})\s*[/.\-]\s*(\d{2}|\d{4})")
_YEAR_FIRST = re.compile(r"(\d{4})[/.\-](\d{1,2})[/.\-](\d{1,2})")
_NAMED_MONTH = re.compile(r"(\d{1,2})[\s\-/.]+([a-z]+)\.?[\s\-/.,]+(\d{2}|\d{4})", re.IGNORECASE)
_TIME = re.compile(r"(?:jam|pukul|pkl\.?)?\s*(\d{1,2})(?:[:.]?(\d{2}))?(?:[:.]\d{2})?\s*(?:wib)?", re.IGNORECASE)
_SPAN = re.compile(
    r"(?:(\d+(?:[.,]\d+)?)\s*(?:jam|j|hours?|h))?\s*(?:(\d+)\s*(?:menit|mnt|min(?:utes?)?|m|['\u2019])?)?",
    re.IGNORECASE,
)
_SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?e\+?\d{1,3}", re.IGNORECASE)
_TRAILING_CENTS = re.compile(r"(\d{5,})[.,]0{1,2}")
_EXCEL_ERROR = re.compile(r"#(?:N/A|REF!|NAME\?|VALUE!|DIV/0!|NULL!|NUM!|SPILL!|CALC!)")
_APOSTROPHES = "'\u2018\u2019`\u00b4"
# Excel keeps 15 digits of a number; what is longer ends in zeros that nobody typed.
_KEPT_DIGITS = 15
# 9.007.199.254.740.992 may have been typed ...993: from here on, where the NIKs of Papua are, two numbers are one.
_FIRST_INEXACT = 2**53


class CellError(ValueError):
    """A cell that cannot be used: `message` says what is wrong, `cure` how to mend it. Holds nothing of the cell."""

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure


def is_blank(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not text_of(cell))


def text_of(cell: Cell) -> str:
    """Returns what the cell shows, on one line: every kind of blank is one space, 35.0 is "35". Never raises."""
    match cell:
        case str():  # the first, for nearly all are
            # Zero-width space and byte order mark come along with copies from web pages.
            return " ".join(cell.replace("\u200b", "").replace("\ufeff", "").split())
        case None:
            return ""
        case bool():
            return "YA" if cell else "TIDAK"
        case float():
            return _number(cell)
        case datetime():
            return cell.isoformat(sep=" ", timespec="minutes")
        case time():
            return cell.isoformat(timespec="minutes")
        case timedelta():
            minutes = round(cell.total_seconds() / 60)
            return f"{minutes // 60:02d}:{minutes % 60:02d}"
        case _:
            return str(cell)


def read_text(cell: Cell) -> str:
    """Returns the same. Refused: a formula without a value, a text that begins like one, an error of Excel's."""
    text = text_of(cell)
    if text.startswith("="):
        raise CellError(
            "Sel ini berisi rumus tanpa hasil.", "Ganti rumus dengan nilainya (Salin, lalu Tempel Khusus: Nilai)."
        )
    if _EXCEL_ERROR.fullmatch(text):
        raise CellError("Sel ini berisi galat Excel.", "Perbaiki rumusnya, atau ketik nilainya.")
    return text


def number_text(cell: Cell) -> str:
    """Returns the digits of a number that names something (NIK, NIB, phone), as typed.

    Refused: what Excel has mangled, for digits that are lost cannot be guessed.
    """
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return _whole_number(cell)
    text = read_text(cell).strip(_APOSTROPHES + " ")
    if _SCIENTIFIC.fullmatch(text.replace(" ", "")):
        raise _cut("Excel menulis nomor ini sebagai pangkat, sehingga angka terakhirnya hilang.")
    cents = _TRAILING_CENTS.fullmatch(text)
    return cents[1] if cents else text


def read_day(cell: Cell) -> date:
    """Returns the day, day first where it is written in digits; a bare number is a serial of the 1900 system."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return _day_of_serial(cell)
    text = _CLOCK.sub("", _WEEKDAY.sub("", read_text(cell).strip(_APOSTROPHES)))
    if re.fullmatch(r"\d{5}", text):
        return _day_of_serial(int(text))
    return _day_of_text(text)


def read_minutes(cell: Cell) -> int:
    """Returns a span in minutes: 90, "90 menit", "1,5 jam", "1 jam 30 menit", "1:30", or a cell of Excel's time."""
    minutes = _minutes(cell)
    if not 0 <= minutes <= _MOST_MINUTES:
        raise _no_span()
    return minutes


def read_time(cell: Cell) -> time:
    """Returns the time of day: a cell of Excel's time, "09.30", "9:30 WIB", "pukul 9"."""
    if isinstance(cell, datetime):
        return cell.time().replace(second=0, microsecond=0)
    if isinstance(cell, time):
        return cell.replace(second=0, microsecond=0)
    if isinstance(cell, timedelta):
        return _time_of_minutes(round(cell.total_seconds() / 60))
    if isinstance(cell, float) and 0 < cell < 1:
        return _time_of_minutes(round(cell * 24 * 60))
    # Excel takes "9.30" for a number and drops its last zero.
    text = f"{cell:.2f}" if isinstance(cell, float) else read_text(cell)
    match = _TIME.fullmatch(text)
    if match is None:
        raise _no_time()
    return _time_of_minutes(int(match[1]) * 60 + int(match[2] or 0), over=int(match[2] or 0) > 59)


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e17 else repr(value)


def _whole_number(value: float) -> str:
    if not isfinite(value) or value != int(value) or value < 0:
        raise CellError(
            "Sel ini berisi bilangan pecahan atau negatif.", "Ketik angkanya saja, dalam sel berformat Teks."
        )
    digits = str(int(value))
    if value >= _FIRST_INEXACT or (len(digits) > _KEPT_DIGITS and digits.endswith("0")):
        raise _cut("Angka terakhir hilang: Excel hanya menyimpan 15 angka.")
    return digits


def _cut(message: str) -> CellError:
    return CellError(message, "Format kolom ini sebagai Teks, lalu ketik ulang nomornya dari dokumen asli.")


def _day_of_serial(value: float) -> date:
    if not isfinite(value) or int(value) not in _SERIALS:
        raise _no_day()
    return _SERIAL_ZERO + timedelta(days=int(value))


def _day_of_text(text: str) -> date:
    if match := _YEAR_FIRST.fullmatch(text):
        return _day(int(match[1]), int(match[2]), int(match[3]))
    if match := _DAY_FIRST.fullmatch(text):
        return _day(_year(match[3]), int(match[2]), int(match[1]))
    if match := _NAMED_MONTH.fullmatch(text):
        return _day(_year(match[3]), _MONTHS.get(match[2].casefold(), 0), int(match[1]))
    raise _no_day()


def _year(digits: str) -> int:
    year = int(digits)
    return year if len(digits) == 4 else year + (2000 if year < _CENTURY_TURNS else 1900)


def _day(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise _no_day() from None


def _no_day() -> CellError:
    return CellError("Tanggal tidak terbaca.", "Tulis hari, bulan, tahun, misalnya 21/11/2026 atau 21 November 2026.")


def _minutes(cell: Cell) -> int:
    if isinstance(cell, timedelta):
        return round(cell.total_seconds() / 60)
    if isinstance(cell, time):  # a datetime is no span
        return cell.hour * 60 + cell.minute
    if isinstance(cell, float) and 0 < cell < 1:
        return round(cell * 24 * 60)
    return _minutes_of_text(read_text(cell))


def _minutes_of_text(text: str) -> int:
    if clock := re.fullmatch(r"(\d{1,3}):([0-5]\d)(?::\d{2})?", text):
        return int(clock[1]) * 60 + int(clock[2])
    match = _SPAN.fullmatch(text)
    if match is None or not (match[1] or match[2]):
        raise _no_span()
    minutes = float((match[1] or "0").replace(",", ".")) * 60 + int(match[2] or 0)
    if not minutes.is_integer():
        raise _no_span()
    return int(minutes)


def _no_span() -> CellError:
    return CellError("Lama waktu tidak terbaca.", "Tulis dalam menit, misalnya 90, atau 1 jam 30 menit.")


def _time_of_minutes(minutes: int, *, over: bool = False) -> time:
    if over or not 0 <= minutes < 24 * 60:
        raise _no_time()
    return time(minutes // 60, minutes % 60)


def _no_time() -> CellError:
    return CellError("Jam tidak terbaca.", "Tulis jam dan menit, misalnya 09.30.")
