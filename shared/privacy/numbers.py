"""The numbers that people are known by: how they may be typed and what is wrong with them (domain.md §2.2).

Each rule takes the typed text and returns the number or raises NumberError, in Bahasa and without the number itself.
What is odd but happens is a warning, never a refusal: people keep the NIK of a region that was split, and a card is
right even where our tables are old.
"""

import re
from datetime import date

from shared.privacy.identity import Nik, Npwp, Phone
from shared.reference.regions import regencies

_SEPARATORS = re.compile(r"[ .\-/]")
_NIK = re.compile(r"[0-9]{16}")
_NIB = re.compile(r"[0-9]{13}")
_KBLI = re.compile(r"[0-9]{5}")
_COOPERATIVE = re.compile(r"[0-9]{10,16}")
_NPWP = re.compile(r"[0-9]{15,16}")
_MOBILE = re.compile(r"(?:\+?62|0)(8[1-9][0-9]{7,10})")
_WOMEN_DAY = 40
# Provinces that ever stood first in a NIK: the 38 of today (Kepmendagri 300.2.2-2138/2025) and 54, Timor Timur.
_PROVINCE_CODES = (
    "11 12 13 14 15 16 17 18 19 21 31 32 33 34 35 36 51 52 53 54 "
    "61 62 63 64 65 71 72 73 74 75 76 81 82 91 92 93 94 95 96"
)
_PROVINCES = frozenset(_PROVINCE_CODES.split())
_OWN_PROVINCE = "35"


class NumberError(ValueError):
    """A number that cannot be right: `message` says what is wrong, `cure` how to mend it. Holds no digit of it."""

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure


def parse_nik(typed: str) -> Nik:
    """Returns the NIK. Refused: not 16 digits, a birth date that no calendar has, serial 0000."""
    digits = _digits(typed)
    if not _NIK.fullmatch(digits):
        raise NumberError("NIK harus 16 angka.", "Ketik 16 angka seperti pada KTP.")
    if not _has_birth_date(digits):
        raise NumberError(
            "Tanggal lahir di dalam NIK tidak ada di kalender.", "Periksa angka ke-7 sampai ke-12 pada KTP."
        )
    if digits.endswith("0000"):
        raise NumberError("Empat angka terakhir NIK tidak boleh 0000.", "Periksa empat angka terakhir pada KTP.")
    return Nik(digits)


def nik_warning(nik: Nik) -> str | None:
    """Returns what is odd about a NIK that may be right all the same: a region that is in no table of ours."""
    province, regency = nik.reveal()[:2], nik.reveal()[2:4]
    if province not in _PROVINCES:
        return "Dua angka pertama NIK bukan kode provinsi yang dikenal; periksa lagi dengan KTP."
    if province == _OWN_PROVINCE and f"{province}.{regency}" not in regencies():
        return "Empat angka pertama NIK bukan kabupaten/kota Jawa Timur yang dikenal; periksa lagi dengan KTP."
    return None


def parse_npwp(typed: str) -> Npwp:
    """Returns the NPWP, 15 digits (until 2023) or 16 (PMK 112/2022). Refused: any other length."""
    digits = _digits(typed)
    if not _NPWP.fullmatch(digits):
        raise NumberError("NPWP harus 15 atau 16 angka.", "Ketik angka NPWP tanpa huruf; titik dan strip boleh.")
    return Npwp(digits)


def npwp_warning(npwp: Npwp) -> str | None:
    """Returns what is odd: a check digit (Luhn) that does not fit, or a personal NPWP that is no NIK."""
    digits = npwp.reveal()
    if len(digits) == 15:
        fits = _luhn(digits[:9])
    elif digits.startswith("0"):
        fits = _luhn(digits[1:10])
    else:
        fits = _has_birth_date(digits) and not digits.endswith("0000")
    return None if fits else "Angka pemeriksa NPWP tidak cocok; periksa lagi dengan kartu NPWP."


def parse_phone(typed: str) -> Phone:
    """Returns a mobile number in E.164 from `08…`, `628…` or `+628…`. Refused: everything else."""
    match = _MOBILE.fullmatch(re.sub(r"[ .\-()]", "", typed))
    if match is None:
        raise NumberError(
            "Nomor ponsel tidak dikenal.",
            "Ketik nomor ponsel Indonesia, misalnya 0812 3456 7890 atau +62 812 3456 7890.",
        )
    return Phone(f"+62{match[1]}")


def parse_nib(typed: str) -> str:
    """Returns the NIB, 13 digits without a meaning or a check digit."""
    digits = _digits(typed)
    if not _NIB.fullmatch(digits):
        raise NumberError("NIB harus 13 angka.", "Ketik 13 angka seperti pada dokumen NIB dari OSS.")
    return digits


def parse_cooperative_number(typed: str) -> str:
    """Returns the number of a cooperative (NIK koperasi), 10 to 16 digits (Permenkop 10/2016)."""
    digits = _digits(typed)
    if not _COOPERATIVE.fullmatch(digits):
        raise NumberError(
            "Nomor Induk Koperasi harus 10 sampai 16 angka.", "Ketik angka seperti pada sertifikat NIK koperasi."
        )
    return digits


def parse_kbli(typed: str) -> str:
    """Returns the five digits of a kelompok of KBLI, whichever version (Peraturan BPS 2/2020, 7/2025)."""
    digits = typed.strip()
    if not _KBLI.fullmatch(digits):
        raise NumberError("Kode KBLI harus 5 angka.", "Ketik 5 angka kelompok KBLI, misalnya 13134 untuk batik.")
    return digits


def holds_long_number(text: str) -> bool:
    """Tells whether a text holds nine digits in a row, however they are grouped: a phone, an NPWP, a NIK."""
    return re.search(r"\d(?:[ .\-/]?\d){8}", text) is not None


def holds_identity_number(text: str) -> bool:
    """Tells whether a public text holds 16 digits in a row, however they are grouped: a NIK, or what looks like one."""
    return re.search(r"\d(?:[ .\-/]?\d){15}", text) is not None


def holds_tax_or_identity_number(text: str) -> bool:
    """Tells whether a text holds 15 digits in a row or more, however they are grouped: an NPWP, a NIK, an account."""
    return re.search(r"\d(?:[ .\-/]?\d){14}", text) is not None


def holds_phone(text: str) -> bool:
    """Tells whether a text holds a mobile number, however it is grouped; an amount of rupiah is none."""
    return (
        re.search(r"(?<!\d)(?<!\d[.,])(?:\+?62|0)[ .\-()]{0,2}8[1-9](?:[ .\-()]{0,2}\d){7,10}(?!\d)", text) is not None
    )


def _digits(typed: str) -> str:
    return _SEPARATORS.sub("", typed)


def _has_birth_date(nik: str) -> bool:
    """Digits 7 to 12 are DDMMYY, the day raised by 40 for women (81 and above is nothing); the century is not told."""
    day, month, year = int(nik[6:8]), int(nik[8:10]), int(nik[10:12])
    day -= _WOMEN_DAY if day > _WOMEN_DAY else 0
    return any(_is_date(century + year, month, day) for century in (1900, 2000))


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
