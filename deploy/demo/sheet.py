"""A sheet of businesses as offices keep them: titles above, totals below, dirt and doubles in between.

Nobody in it lives; every kelurahan is real. The same sheet for the same dice.
"""

import io
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import xlsxwriter

from deploy.demo.people import Office, kelurahan_of, nik, phone
from shared.reference.regions import regions

ROWS = 500
LABELS = (
    "No", "Nama Usaha", "Nama Pemilik", "NIK", "No. HP / WA", "Alamat", "Desa/Kelurahan", "Kecamatan", "Jenis",
    "Omzet / Tahun",
)  # fmt: skip
_NAME, _OWNER, _NIK, _PHONE, _KELURAHAN = 1, 2, 3, 4, 6
_PER_SECTION = 125
# Of all rows, in this order behind each other; what is left are businesses that are written down once.
_TWICE, _MISTYPED, _REGISTERED, _CUT_NIKS, _NO_NIK, _STRANGE_PLACE, _ALIKE = 15, 10, 8, 12, 6, 6, 10
_OFFICERS_PHONE = 20
_TRADES = (
    "Keripik Singkong", "Batik Tulis", "Sepatu Kulit", "Kopi Bubuk", "Tempe", "Sambal Pecel", "Anyaman Bambu",
    "Katering", "Roti Manis", "Jamu", "Kerupuk Ikan", "Tas Rajut", "Mebel Jati", "Madu", "Salon", "Bengkel",
    "Laundry", "Konveksi", "Warung Soto", "Toko Kelontong",
)  # fmt: skip
_PROPER = (
    "Barokah", "Rejeki", "Makmur", "Arum", "Melati", "Tunas", "Sejahtera", "Sumber", "Citra", "Karya", "Bina",
    "Mekar", "Abadi", "Utama", "Santosa", "Mulia", "Agung", "Kencana", "Surya", "Wijaya", "Dahlia", "Cempaka",
    "Anugrah", "Harapan", "Kurnia", "Bahagia", "Gemilang", "Nusantara", "Pelangi", "Kartika", "Sakinah", "Hidayah",
    "Amanah", "Berlian", "Mutiara", "Samudra", "Rahayu", "Widodo", "Argopuro", "Semeru",
)  # fmt: skip
_GIVEN = (
    "Siti", "Budi", "Sri", "Agus", "Dewi", "Nur", "Joko", "Endang", "Mochamad", "Yuli", "Bambang", "Lilik", "Rina",
    "Hadi", "Fatimah", "Wahyu", "Khusnul", "Eko", "Titik", "Suharto",
)  # fmt: skip
_FAMILY = (
    "Aminah", "Santoso", "Wahyuni", "Prasetyo", "Lestari", "Hidayati", "Susilo", "Rahayu", "Arifin", "Astutik",
    "Hariyanto", "Indrawati", "Kusumawati", "Purnomo", "Nugroho", "Khotimah", "Wibowo", "Handayani",
)  # fmt: skip

Row = list[str | float]


def made_sheet(chance: random.Random, office: Office, registered: Sequence[Row]) -> bytes:
    """Returns an .xlsx of 500 rows beneath its header; `registered` are rows of what stands in the registry already."""
    return _workbook(office, _with_sections(_rows(chance, office.code, registered)))


def _row(chance: random.Random, office: str, trade_name: str, owner: str, number: str) -> Row:
    """Returns the cells of a business; the place is told in words, as people write it."""
    code = chance.choice(kelurahan_of(office))
    village, district = regions()[code].name, regions()[code[:8]].name
    prefix = chance.choice(("", "", "Desa ", "Ds. "))
    return [
        "",
        trade_name,
        owner,
        number,
        chance.choice((phone(chance), _grouped(phone(chance)), phone(chance).removeprefix("0"), "-")),
        f"Dusun Krajan RT {chance.randint(1, 9):02d}/RW {chance.randint(1, 5):02d}",
        f"{prefix}{village}" if chance.random() < 0.7 else village.upper(),
        district,
        chance.choice(("UMKM", "UMKM", "IKM", "Usaha Mikro")),
        chance.choice(("", f"Rp {chance.randint(2, 90)}.000.000", f"{chance.randint(5, 90)} jt", "1,2 M")),
    ]


def row_of_business(body: Mapping[str, Any]) -> Row:
    """Returns the cells of a business that was registered by this body."""
    owner, code = body["owners"][0], body["kelurahan"]
    village, district = regions()[code].name, regions()[code[:8]].name
    return ["", body["trade_name"], owner["name"], owner["nik"], owner["phone"], "", village, district, "UMKM", ""]


def _rows(chance: random.Random, office: str, registered: Sequence[Row]) -> list[Row]:
    """Returns all rows but separators and the total, in an order of no meaning."""
    known = list(registered[:_REGISTERED])
    dirt: Sequence[tuple[int, Callable[[Row], Row]]] = (
        (_CUT_NIKS, lambda row: _changed(row, _NIK, float(f"{float(row[_NIK]):.5e}"))),
        (_NO_NIK, lambda row: _changed(row, _NIK, "")),
        (_STRANGE_PLACE, lambda row: _changed(row, _KELURAHAN, "Antah Berantah")),
    )
    additions = len(known) + _TWICE + _MISTYPED + _ALIKE
    new = [_new_row(chance, office) for _ in range(ROWS - _sections() - additions)]
    for row in new[:_OFFICERS_PHONE]:
        row[_PHONE] = "0899 1111 0000"
    doubles = [list(row) for row in new[-_TWICE:]]
    mistyped = [_changed(row, _NAME, _swapped(str(row[_NAME]))) for row in new[-_TWICE - _MISTYPED : -_TWICE]]
    alike = [_another(chance, office, row) for row in new[-60 : -60 + _ALIKE]]
    place = 100
    for count, soil in dirt:
        new[place : place + count] = [soil(row) for row in new[place : place + count]]
        place += count
    chance.shuffle(new)
    return [*new, *known, *mistyped, *alike, *doubles]


def _new_row(chance: random.Random, office: str) -> Row:
    trade_name = f"{chance.choice(_TRADES)} {' '.join(chance.sample(_PROPER, 2))}"
    owner = f"{chance.choice(_GIVEN)} {chance.choice(_FAMILY)}"
    return _row(chance, office, trade_name, owner, nik(chance, office))


def _another(chance: random.Random, office: str, row: Row) -> Row:
    """A business of one name, kelurahan and owner's name, but with another NIK: only people can tell."""
    return _changed(_changed(row, _NIK, nik(chance, office)), _PHONE, "")


def _changed(row: Row, place: int, cell: str | float) -> Row:
    return [*row[:place], cell, *row[place + 1 :]]


def _swapped(name: str) -> str:
    """Two letters in the middle of the last word change places."""
    at = len(name) - 3
    return name[:at] + name[at + 1] + name[at] + name[at + 2 :]


def _grouped(number: str) -> str:
    return f"{number[:4]}-{number[4:8]}-{number[8:]}"


def _sections() -> int:
    """Separators between the years, and the total."""
    return ROWS // _PER_SECTION


def _with_sections(rows: Sequence[Row]) -> list[Row]:
    """Numbers the rows and parts them by year; ends with the total, so that they are ROWS in all."""
    told: list[Row] = []
    for place, row in enumerate(rows):
        if place and place % _PER_SECTION == 0:
            told.append([f"DATA TAHUN {2023 + place // _PER_SECTION}"])
        told.append([str(place + 1), *row[1:]])
    return [*told, ["JUMLAH", str(len(rows))]]


def _workbook(office: Office, rows: Sequence[Row]) -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_numbers": False}) as book:
        sheet = book.add_worksheet("Data UMKM")
        sheet.write_string(0, 0, f"DATA UMKM BINAAN {office.name.upper()}")
        sheet.write_string(1, 0, "Keadaan sampai dengan akhir tahun")
        for place, row in enumerate((LABELS, *rows), start=3):
            for column, cell in enumerate(row):
                if isinstance(cell, float):
                    sheet.write_number(place, column, cell)
                elif cell:
                    sheet.write_string(place, column, cell)
    return target.getvalue()
