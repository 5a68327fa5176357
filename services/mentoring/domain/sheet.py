"""Sheets of past years' sessions: which columns they have, and what a row of them says (interface.md §5).

Only what is a column here is read and kept: such sheets hold clients' names and numbers, which mentoring does not want.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from services.mentoring.domain.calendar import Occupation
from services.mentoring.domain.texts import text_faults, tidy
from services.mentoring.domain.words import CHANNELS, FIELDS, SERVICES, Channel, Field, Service, Words
from shared.http.problem import FieldProblem
from shared.privacy.numbers import holds_phone, holds_tax_or_identity_number
from shared.sheets.cells import Cell, CellError, is_blank, read_day, read_minutes, read_text, read_time, text_of
from shared.sheets.columns import Column

T = TypeVar("T")
W = TypeVar("W", bound=StrEnum)
_LINES = frozenset({"place"})
_LONGEST = {"place": 200, "outcome": 4000, "follow_up": 4000}
_MOST_BUSINESSES = 100
_UNTIL = re.compile(r"\s*(?:[-\u2013\u2014]|s\s?[./]\s?d\.?|sampai|hingga)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class PastSession:
    """What a row says of a session; who was there is told by names, or by ids where the sheet has them.

    `consultants` as typed. `businesses` by id, or by name and, where several are called so, their `kelurahan`.
    """

    occupation: Occupation
    consultants: str
    businesses: Sequence[UUID | str]
    kelurahan: str | None
    field: Field
    service: Service
    channel: Channel
    place: str | None = None
    outcome: str | None = None
    follow_up: str | None = None
    follow_up_on: date | None = None


class RowFaulty(ValueError):
    """A row that says nothing sound: each fault names its column, and repeats nothing that stands there."""

    def __init__(self, faults: Sequence[FieldProblem]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = faults


def read_row(cells: Mapping[str, Cell]) -> PastSession:
    """Returns what a row says. Raises RowFaulty with all that is wrong with its cells."""
    reading = _Reading(cells)
    said = _read(reading)
    reading.faults += _text_faults({name: said[name] for name in _LONGEST})
    if reading.faults:
        raise RowFaulty(reading.faults)
    return PastSession(**said)


class _Reading:
    """The cells of a row, and what was wrong with those that were asked for."""

    def __init__(self, cells: Mapping[str, Cell]) -> None:
        self._cells = cells
        self.faults: list[FieldProblem] = []

    def has(self, field: str) -> bool:
        return not is_blank(self._cells.get(field))

    def text(self, field: str) -> str | None:
        return tidy(self.read(field, read_text))

    def read(self, field: str, meaning: Callable[[Cell], T]) -> T | None:
        """Returns what the cell means; None for a blank one, and for one that cannot be used."""
        if not self.has(field):
            return None
        try:
            return meaning(self._cells.get(field))
        except CellError as error:
            self.faults.append(FieldProblem(field, error.message, error.cure))
            return None

    def must(self, field: str, meaning: Callable[[Cell], T]) -> T | None:
        """Does the same, and finds fault with a blank cell."""
        if not self.has(field):
            self.faults.append(FieldProblem(field, f"{LABELS[field]} belum diisi.", "Isi sel ini."))
        return self.read(field, meaning)


def _read(reading: _Reading) -> dict[str, Any]:
    """Where a cell was faulty a None stands, and no PastSession is made of it."""
    return {
        "occupation": _occupation(reading),
        "consultants": reading.must("consultants", read_text),
        "businesses": _businesses(reading),
        "kelurahan": reading.text("kelurahan"),
        "field": reading.must("field", _word(FIELDS)),
        "service": reading.read("service", _word(SERVICES)) or Service.BUSINESS_MENTORING,
        "channel": reading.read("channel", _word(CHANNELS)) or Channel.OFFICE_VISIT,
        **{name: reading.text(name) for name in _LONGEST},
        "follow_up_on": reading.read("follow_up_on", read_day),
    }


def _occupation(reading: _Reading) -> Occupation | None:
    day = reading.must("day", read_day)
    start, end = reading.read("start", _times) or (None, None)
    if end is None or reading.has("contact_minutes"):
        minutes = reading.must("contact_minutes", read_minutes)
    else:
        minutes = _minutes_between(reading, start, end)
    if day is None or minutes is None:
        return None
    preparation = reading.read("preparation_minutes", read_minutes) or 0
    return Occupation(day, start, minutes, preparation, reading.read("travel_minutes", read_minutes) or 0)


def _times(cell: Cell) -> tuple[time, time | None]:
    """`09.30`, or from when until when: `09.30-11.00`, `9 s/d 11`."""
    ends = _UNTIL.split(cell) if isinstance(cell, str) else [cell]
    if len(ends) > 2:
        raise CellError("Jam tidak terbaca.", "Tulis jam dan menit, misalnya 09.30, atau 09.30-11.00.")
    return read_time(ends[0]), read_time(ends[1]) if len(ends) == 2 else None


def _minutes_between(reading: _Reading, start: time | None, end: time) -> int | None:
    begun = start or time()
    minutes = (end.hour - begun.hour) * 60 + end.minute - begun.minute
    if minutes <= 0:
        reading.faults.append(
            FieldProblem("start", "Jam selesai tidak sesudah jam mulai.", "Perbaiki jamnya, atau isi menitnya.")
        )
        return None
    return minutes


def _businesses(reading: _Reading) -> Sequence[UUID | str]:
    """Ids say which businesses are meant, whatever they are called; several are parted by semicolons."""
    if reading.has("business_ids"):
        return reading.read("business_ids", _ids) or ()
    return reading.must("businesses", _names) or ()


def _ids(cell: Cell) -> Sequence[UUID]:
    try:
        return _bounded([UUID(part) for part in re.split(r"[;,\s]+", read_text(cell).strip(";, "))])
    except ValueError:
        raise CellError(
            "ID Usaha tidak terbaca.", "Salin ID dari daftar usaha, atau kosongkan dan isi nama usahanya."
        ) from None


def _names(cell: Cell) -> Sequence[str]:
    return _bounded([name for part in read_text(cell).split(";") if (name := tidy(part))])


def _bounded(businesses: list[T]) -> list[T]:
    if len(businesses) > _MOST_BUSINESSES:
        raise CellError(f"Lebih dari {_MOST_BUSINESSES} usaha di satu sesi.", "Bagi menjadi beberapa baris.")
    return businesses


def _word(words: Words[W]) -> Callable[[Cell], W]:
    def read(cell: Cell) -> W:
        word = words.meant(read_text(cell))
        if word is None:
            raise CellError("Isian ini tidak dikenal.", f"Pilih salah satu: {', '.join(words.labels)}.")
        return word

    return read


def _text_faults(texts: Mapping[str, str | None]) -> list[FieldProblem]:
    """A sheet is typed elsewhere, often with clients' numbers in its notes: those are refused, not warned about."""
    faults = list(text_faults(texts, lines=_LINES))
    for name, text in texts.items():
        if text is not None and len(text) > _LONGEST[name]:
            faults.append(FieldProblem(name, f"Lebih dari {_LONGEST[name]} huruf.", "Ringkas isinya."))
        if text is not None and (holds_tax_or_identity_number(text) or holds_phone(text)):
            faults.append(
                FieldProblem(
                    name,
                    "Ada angka seperti NIK, NPWP atau nomor telepon.",
                    "Hapus angkanya; identitas klien hanya disimpan di registrasi usaha.",
                )
            )
    return faults


def _reads(meaning: Callable[[Cell], object]) -> Callable[[str], bool]:
    """Returns whether a text means something: columns whose labels were swapped are told by it."""

    def fits(text: str) -> bool:
        try:
            meaning(text)
        except CellError:
            return False
        return True

    return fits


COLUMNS: tuple[Column, ...] = (
    Column(
        "day",
        "Tanggal",
        ("tgl", "tanggal sesi", "tanggal pendampingan", "tanggal kegiatan", "hari/tanggal", "date", "session date"),
        required=True,
        fits=_reads(read_day),
        help="Hari sesi, misalnya 21/11/2025.",
        example="21/11/2025",
        spreads=True,
    ),
    Column(
        "start",
        "Jam",
        ("jam mulai", "pukul", "waktu", "waktu mulai", "time", "start", "start time"),
        help="Jam mulai tatap muka, boleh dengan jam selesai: 09.30-11.00. Boleh kosong.",
        example="09.30",
    ),
    Column(
        "contact_minutes",
        "Menit",
        ("durasi", "lama", "lama sesi", "menit tatap muka", "durasi (menit)", "lama (menit)", "minutes", "duration"),
        fits=_reads(read_minutes),
        help="Lama tatap muka: 90, 1:30 atau 1,5 jam. Boleh kosong bila Jam menyebut jam selesai.",
        example="90",
    ),
    Column(
        "preparation_minutes",
        "Menit Persiapan",
        ("persiapan", "preparation", "preparation minutes"),
        help="Kosong = 0.",
        example="15",
    ),
    Column(
        "travel_minutes",
        "Menit Perjalanan",
        ("perjalanan", "travel", "travel minutes"),
        help="Kosong = 0.",
        example="30",
    ),
    Column(
        "consultants",
        "Konsultan",
        ("pendamping", "nama konsultan", "nama pendamping", "konsultan pendamping", "petugas", "consultant", "mentor"),
        required=True,
        help="Nama seperti di daftar konsultan kantor ini; beberapa nama dipisah titik koma.",
        example="Rina Wahyuni; Agus Salim",
        spreads=True,
    ),
    Column(
        "business_ids",
        "ID Usaha",
        ("id ukm", "id umkm", "business id", "business_id"),
        fits=_reads(_ids),
        help="ID dari daftar usaha. Bila terisi, Nama Usaha tidak dicari.",
    ),
    Column(
        "businesses",
        "Nama Usaha",
        ("usaha", "nama umkm", "nama ukm", "umkm", "nama koperasi", "merek", "business", "business name", "trade name"),
        help="Nama usaha yang terdaftar; beberapa usaha dipisah titik koma.",
        example="Batik Sekar Maja",
        unless=("pemilik", "pelaku", "pengurus", "owner", "jenis", "kode", "alamat", "lokasi", "tempat"),
    ),
    Column(
        "kelurahan",
        "Kelurahan",
        ("desa", "kelurahan/desa", "desa/kelurahan", "village"),
        help="Perlu bila beberapa usaha bernama sama.",
        example="Blooto, Kota Mojokerto",
    ),
    Column(
        "field",
        "Bidang",
        ("bidang pendampingan", "bidang layanan", "field"),
        required=True,
        help="Satu dari tujuh bidang pendampingan.",
        example=FIELDS.labels[2],
        choices=FIELDS.labels,
    ),
    Column(
        "service",
        "Layanan",
        ("jenis layanan", "nama layanan", "service"),
        help=f"Kosong = {SERVICES.label(Service.BUSINESS_MENTORING)}.",
        example=SERVICES.labels[0],
        choices=SERVICES.labels,
    ),
    Column(
        "channel",
        "Kanal",
        ("cara", "media", "metode", "channel"),
        help=f"Kosong = {CHANNELS.label(Channel.OFFICE_VISIT)}.",
        example=CHANNELS.labels[0],
        choices=CHANNELS.labels,
    ),
    Column("place", "Tempat", ("lokasi", "tempat sesi", "place", "location"), help="Tanpa data pribadi."),
    Column(
        "outcome",
        "Hasil",
        ("hasil pendampingan", "hasil sesi", "catatan", "keterangan", "outcome", "result", "notes"),
        help="Tanpa NIK, nomor telepon atau data pribadi lain.",
        example="Pembukuan mulai rapi",
    ),
    Column(
        "follow_up",
        "Tindak Lanjut",
        ("rtl", "rencana tindak lanjut", "follow up", "follow-up"),
        help="Tanpa data pribadi.",
        example="Buat katalog produk",
    ),
    Column(
        "follow_up_on",
        "Tanggal Tindak Lanjut",
        ("tgl tindak lanjut", "tanggal rtl", "tgl rtl", "follow up date", "follow-up date"),
        help="Hari sesi atau sesudahnya.",
        example="05/12/2025",
    ),
)
LABELS: Mapping[str, str] = {column.field: column.label for column in COLUMNS}


def lanes_of(cells: Mapping[str, Cell]) -> frozenset[str]:
    """Returns what a row shares with those that may be the same session, or may clash with it: a day and a name."""
    try:
        day = read_day(cells.get("day"))
    except CellError:
        return frozenset()
    named = ("consultants", "business_ids", "businesses")
    return frozenset(f"{day} {field} {text_of(cells[field]).casefold()}" for field in named if cells.get(field))


def column_of(fault: str) -> str | None:
    """Returns the column in which a fault of a session is to be mended: `consultants.0` is of the consultants'."""
    field = fault.split(".", maxsplit=1)[0]
    return field if field in LABELS else None
