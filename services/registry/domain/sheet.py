"""Sheets of businesses: which columns they have, and what a row of them says (interface.md §5).

A row is read by the rules of a registration; what is wrong is told next to its cell, and never repeats it.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import TypeVar

from pydantic import ValidationError

from services.registry.domain.business import Registration, register
from services.registry.domain.columns import COLUMNS, KINDS, LABELS, is_nothing, kinds_of, place_name
from services.registry.domain.forms import BusinessForm, KbliForm, KbliVersion, Kind
from services.registry.domain.likeness import MOST_PER_PHONE
from shared.http.problem import FieldProblem, Problem
from shared.ids import new_id
from shared.imports.rows import Remark, Row
from shared.privacy.identity import Phone
from shared.privacy.numbers import NumberError, parse_nik, parse_phone
from shared.reference.places import PlaceUnknown, find_kelurahan
from shared.reference.regions import regions
from shared.sheets.cells import Cell, CellError, number_text, read_day, read_text, text_of
from shared.sheets.columns import fold

__all__ = ["COLUMNS", "Survey", "read_row", "remarks"]

T = TypeVar("T")
_LOST_ZERO = re.compile(r"8[1-9][0-9]{7,10}")
_BETWEEN_PHONES = re.compile(r"\s*(?:[/;,]|\bdan\b|\batau\b)\s*", re.IGNORECASE)
_KBLI = re.compile(r"(?<![0-9])[0-9]{5}(?![0-9])")
_FEWEST_CUT = 3  # that three NIKs end in 0 by chance happens once in a thousand sheets
_HARDLY, _FEWEST_KINDS = 0.2, 5
# In place of what is at fault, so that the rest of the row is looked at in the same go. Nothing of it is registered.
_STAND_INS = {
    "trade_name": "Usaha",
    "owner_name": "Pemilik",
    "nik": "3576010101000001",
    "kelurahan": "35.76.01.1003",
}
_CONFIRM = "Biarkan bila memang benar."


class Survey:
    """What only the whole sheet tells: whose phone is an officer's, and which columns hold something else."""

    def __init__(self) -> None:
        self._owners: dict[Phone, set[str]] = defaultdict(set)
        self._niks = self._cut_niks = 0
        self._kinds = self._known_kinds = 0

    def see(self, row: Row) -> None:
        """Looks at a row, before the first one is read."""
        with suppress(CellError, NumberError):
            self._see_nik(number_text(row.cells.get("nik")))
        with suppress(CellError, NumberError):
            owner = text_of(row.cells.get("nik")) or text_of(row.cells.get("owner_name")).casefold()
            self._owners[parse_phone(_phone(row.cells.get("phone")).typed)].add(owner)
        kind = text_of(row.cells.get("kind"))
        self._kinds += bool(kind)
        self._known_kinds += bool(kind) and kinds_of(kind) is not None

    def is_officers(self, phone: Phone) -> bool:
        """Tells whether more owners are said to have this phone than a phone has."""
        return len(self._owners.get(phone, ())) > MOST_PER_PHONE

    @property
    def niks_are_cut(self) -> bool:
        """Excel keeps 15 digits of a number: a column of NIKs that was one once ends in 0, every one."""
        return self._cut_niks == self._niks >= _FEWEST_CUT

    @property
    def kinds_are_known(self) -> bool:
        """Many a sheet calls "Jenis Usaha" what is sold, not what the business is."""
        return self._kinds < _FEWEST_KINDS or self._known_kinds > _HARDLY * self._kinds

    def _see_nik(self, typed: str) -> None:
        nik = parse_nik(typed).reveal()
        self._niks += 1
        self._cut_niks += nik.endswith("0")


def read_row(row: Row, office: str, today: date, survey: Survey) -> Registration | tuple[Remark, ...]:
    """Returns the new business that a row tells of, or all that is wrong with its cells."""
    reading = _Reading(row.cells)
    form = _form(reading, office, survey)
    day = reading.optional("registered_on", read_day)
    if form is None:
        return remarks(reading.faults)
    try:
        registration = register(form, new_id(), today, day)
    except Problem as problem:
        return _once_each(remarks([*reading.faults, *problem.errors]))
    if reading.faults:
        return remarks(reading.faults)
    return replace(registration, warnings=[*reading.warnings, *registration.warnings])


def remarks(problems: Iterable[FieldProblem]) -> tuple[Remark, ...]:
    """Returns what was said of a form's fields as said of the columns: by label, and in words of the sheet."""
    return tuple(_remark(problem) for problem in problems)


def _once_each(told: Iterable[Remark]) -> tuple[Remark, ...]:
    """The first that was said of each cell: the sheet's own words before the form's."""
    first: dict[str | None, Remark] = {}
    for remark in told:
        first.setdefault(remark.field, remark)
    return tuple(first.values())


def _remark(problem: FieldProblem) -> Remark:
    """A form's owners and activities are lists: `owners.0.name` is the column of owners' names."""
    parts = problem.field.split(".")
    name = {"owners": f"owner_{parts[-1]}" if parts[-1] == "name" else parts[-1], "kinds": "kind"}.get(
        parts[0], parts[0]
    )
    if name not in LABELS:
        return Remark(problem.message, problem.cure)
    return Remark(f"{LABELS[name]}: {problem.message}", problem.cure, name)


@dataclass(frozen=True)
class _Typed:
    """A text that was mended: `note` says how."""

    typed: str
    note: str | None = None


def _is_empty(cell: Cell) -> bool:
    text = "" if cell is None else text_of(cell)
    return not text or is_nothing(text)


class _Reading:
    """The cells of a row, and what was wrong or odd about those that were asked for."""

    def __init__(self, cells: Mapping[str, Cell]) -> None:
        self._cells = cells
        self.faults: list[FieldProblem] = []
        self.warnings: list[FieldProblem] = []

    def optional(self, name: str, meaning: Callable[[Cell], T]) -> T | None:
        """Returns what the cell means; None for one that is blank, says that there is nothing, or cannot be used."""
        cell = self._cells.get(name)
        if _is_empty(cell):
            return None
        try:
            return meaning(cell)
        except CellError as error:
            self.refuse(name, error.message, error.cure)
            return None

    def needed(self, name: str, meaning: Callable[[Cell], str]) -> str:
        """Does the same, and finds fault with a blank cell; then something stands in for it."""
        if _is_empty(self._cells.get(name)):
            self.refuse(name, "Belum diisi.", "Isi sel ini.")
        return self.optional(name, meaning) or _STAND_INS[name]

    def mended(self, name: str, meaning: Callable[[Cell], _Typed]) -> str | None:
        found = self.optional(name, meaning)
        if found is not None and found.note is not None:
            self.warn(name, found.note)
        return None if found is None else found.typed

    def refuse(self, name: str, message: str, cure: str) -> None:
        self.faults.append(FieldProblem(name, message, cure))

    def warn(self, name: str, message: str) -> None:
        self.warnings.append(FieldProblem(name, message, _CONFIRM))


def _form(reading: _Reading, office: str, survey: Survey) -> BusinessForm | None:
    """The form as a clerk would have typed it; None, with faults, where a cell is too long for it."""
    cooperative_number = reading.optional("cooperative_number", number_text)
    kinds = _kinds(reading, survey, cooperative_number)
    told = {
        "office": office,
        "trade_name": _trade_name(reading, kinds),
        "kinds": kinds,
        "kelurahan": _kelurahan(reading, office),
        "nib": reading.optional("nib", number_text),
        "cooperative_number": cooperative_number,
        "kbli": _activities(reading),
        "capital": reading.optional("capital", _amount),
        "annual_sales": reading.optional("annual_sales", _amount),
        "owners": [_owner(reading, survey)],
    }
    try:
        return BusinessForm.model_validate(told)
    except ValidationError as errors:
        reading.faults += _too_long(errors)
        return None


def _owner(reading: _Reading, survey: Survey) -> dict[str, str | None]:
    return {
        "name": reading.needed("owner_name", read_text),
        "nik": _nik(reading, survey),
        "npwp": reading.optional("npwp", number_text),
        "phone": _own_phone(reading, survey),
        "address": reading.optional("address", read_text),
    }


def _nik(reading: _Reading, survey: Survey) -> str:
    if survey.niks_are_cut:
        reading.refuse(
            "nik",
            "Semua NIK di lembar ini berakhiran 0: angka terakhirnya dihapus Excel.",
            "Format kolom NIK sebagai Teks, lalu ketik ulang NIK dari KTP.",
        )
        return _STAND_INS["nik"]
    return reading.needed("nik", number_text)


def _own_phone(reading: _Reading, survey: Survey) -> str | None:
    typed = reading.mended("phone", _phone)
    with suppress(NumberError):
        if typed is not None and survey.is_officers(parse_phone(typed)):
            reading.warn(
                "phone",
                f"Nomor ini ditulis untuk lebih dari {MOST_PER_PHONE} pemilik, jadi bukan miliknya; tidak dicatat.",
            )
            return None
    return typed


def _phone(cell: Cell) -> _Typed:
    """The first of several, with the 0 that a number cell has lost."""
    first, *others = _BETWEEN_PHONES.split(number_text(cell))
    note = "Hanya nomor pertama yang dicatat." if others else None
    if _LOST_ZERO.fullmatch(re.sub(r"[ .\-()]", "", first)):
        return _Typed(f"0{first}", note or "Angka 0 di depan nomor ditambahkan.")
    return _Typed(first, note)


def _kinds(reading: _Reading, survey: Survey, cooperative_number: str | None) -> list[Kind]:
    """What a business is if nothing is said: a cooperative by its number, else UMKM."""
    typed = reading.optional("kind", read_text)
    found = None if typed is None else kinds_of(typed)
    if typed is not None and found is None:
        _unknown_kind(reading, survey)
    if found is None:
        return [Kind.UMKM if cooperative_number is None else Kind.COOPERATIVE]
    if cooperative_number is not None and Kind.COOPERATIVE not in found:
        reading.refuse(
            "cooperative_number",
            "Nomor Induk Koperasi hanya untuk koperasi.",
            "Isi Jenis dengan Koperasi, atau kosongkan.",
        )
    if Kind.PROSPECTIVE in found and len(found) > 1:
        reading.refuse("kind", "Calon wirausaha belum punya jenis usaha lain.", "Isi Calon wirausaha saja, atau hapus.")
    return found


def _unknown_kind(reading: _Reading, survey: Survey) -> None:
    if survey.kinds_are_known:
        reading.refuse("kind", "Jenis ini tidak dikenal.", f"Pilih salah satu: {', '.join(KINDS)}.")
    else:
        reading.warn("kind", "Kolom ini tampak berisi hal lain daripada jenis; dicatat sebagai UMKM atau koperasi.")


def _trade_name(reading: _Reading, kinds: Sequence[Kind]) -> str | None:
    if Kind.PROSPECTIVE not in kinds:
        return reading.needed("trade_name", read_text)
    if reading.optional("trade_name", read_text) is not None:
        reading.refuse("trade_name", "Calon wirausaha belum punya nama usaha.", "Hapus namanya, atau ganti Jenis.")
    return None


def _activities(reading: _Reading) -> list[KbliForm]:
    """Codes of five digits, whatever their titles say between them; of the version that such sheets have, 2020."""
    typed = reading.optional("kbli", number_text)
    if typed is None:
        return []
    codes = list(dict.fromkeys(_KBLI.findall(typed)))
    if not codes:
        reading.refuse(
            "kbli",
            "Kode KBLI harus 5 angka.",
            "Ketik 5 angka, misalnya 13134; bila diawali 0, format sel sebagai Teks.",
        )
    return [KbliForm(code=code, version=KbliVersion.V2020) for code in codes]


def _amount(cell: Cell) -> str:
    """A number cell as it would be typed: a comma parts the decimals."""
    if isinstance(cell, float) and not cell.is_integer():
        return f"{cell:f}".rstrip("0").replace(".", ",")
    return read_text(cell)


def _kelurahan(reading: _Reading, office: str) -> str:
    """The code where the cells tell it; else the name as typed, for the registration's own rule to ask back."""
    typed = reading.needed("kelurahan", read_text)
    around = reading.optional("kecamatan", read_text), reading.optional("regency", read_text)
    code, told = _place(typed, *around, office)
    if told is not None:
        reading.warn("kelurahan", told)
    return code


@lru_cache(maxsize=16_384)  # the rows of a sheet name the same places over and over
def _place(typed: str, kecamatan: str | None, regency: str | None, office: str) -> tuple[str, str | None]:
    """The kelurahan's code, and how it was understood where it is not called so.

    A name that stands alone is one of the office's own region.
    """
    for text in _attempts(typed, kecamatan, regency, office):
        with suppress(PlaceUnknown):
            place = find_kelurahan(text)
            return place.code, None if place_name(typed) == fold(regions()[place.code].name) else place.note
    return ", ".join(part for part in (typed, kecamatan, regency) if part), None


def _attempts(typed: str, kecamatan: str | None, regency: str | None, office: str) -> Iterator[str]:
    if typed[0].isdigit():  # a code says all; the names around it would be read instead
        yield typed
        return
    own = regions()[office].name if office in regions() else ""
    if regency and own.casefold().endswith(f" {regency.casefold()}"):
        regency = own  # "Mojokerto" in a sheet of Kota Mojokerto
    places = [(kecamatan, regency or own), (kecamatan, None), (None, regency or own)]
    for around in dict.fromkeys(places):
        yield ", ".join(part for part in (typed, *around) if part)


def _too_long(errors: ValidationError) -> list[FieldProblem]:
    """The one thing that the form's types refuse in texts."""
    fields = [".".join(map(str, error["loc"])) for error in errors.errors(include_input=False, include_url=False)]
    return [FieldProblem(field, "Isinya terlalu panjang.", "Ringkas isi sel ini.") for field in fields]
