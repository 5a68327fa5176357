"""Businesses and owners that do not exist: of the right form, the same for the same seed, and of no living person."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from shared.reference.regions import is_kelurahan, regions

_FIRST = (
    "Siti Aminah", "Budi Santoso", "Sri Wahyuni", "Agus Prasetyo", "Dewi Lestari", "Slamet", "Nur Hidayati",
    "Joko Susilo", "Endang Rahayu", "Mochamad Arifin", "Yuli Astutik", "Bambang Hariyanto", "Lilik Indrawati",
    "Suparman", "Rina Kusumawati", "Hadi Purnomo", "Fatimah", "Wahyu Nugroho", "Khusnul Khotimah", "Eko Wibowo",
)  # fmt: skip
_GOODS = (
    "Keripik Singkong", "Batik Tulis", "Sepatu Kulit", "Kopi Bubuk", "Tempe", "Sambal Pecel", "Anyaman Bambu",
    "Roti Manis", "Jamu Beras Kencur", "Kerupuk Ikan", "Tas Rajut", "Mebel Jati", "Madu Hutan", "Sirup Markisa",
    "Songkok", "Telur Asin",
)  # fmt: skip
_NAMES = (
    "Barokah",
    "Sumber Rejeki",
    "Makmur",
    "Sekar Arum",
    "Maju Jaya",
    "Melati",
    "Lestari",
    "Mandiri",
    "Berkah",
    "Tunas Muda",
)
_KINDS = (("umkm",), ("umkm",), ("umkm",), ("ikm",), ("umkm", "ikm"), ("cooperative",))


@dataclass(frozen=True)
class Office:
    """A PLUT office of the story and the day on which it opened (ISO)."""

    code: str
    name: str
    opened_on: str


# Six offices stood in December 2023, eight by August 2024 (domain.md §1).
OFFICES = (
    Office("35.01", "PLUT Kabupaten Pacitan", "2023-12-01"),
    Office("35.04", "PLUT Kabupaten Tulungagung", "2023-12-01"),
    Office("35.07", "PLUT Kabupaten Malang", "2023-12-04"),
    Office("35.09", "PLUT Kabupaten Jember", "2023-12-04"),
    Office("35.11", "PLUT Kabupaten Bondowoso", "2023-12-11"),
    Office("35.75", "PLUT Kota Pasuruan", "2024-07-01"),
    Office("35.76", "PLUT Maja Citra Kinarya, Kota Mojokerto", "2023-12-11"),
    Office("35.79", "PLUT Kota Batu", "2024-08-01"),
)


@cache
def kelurahan_of(office: str) -> tuple[str, ...]:
    """Returns the codes of the kelurahan and desa in an office's kabupaten or kota."""
    return tuple(sorted(code for code in regions() if code.startswith(office + ".") and is_kelurahan(code)))


def nik(chance: random.Random, office: str) -> str:
    """Returns a NIK of valid form that belongs to nobody: no kecamatan has 9,000 births a day."""
    kecamatan = chance.choice(kelurahan_of(office))[:8].replace(".", "")
    day = chance.randint(1, 28) + 40 * chance.randint(0, 1)
    return f"{kecamatan}{day:02d}{chance.randint(1, 12):02d}{chance.randint(60, 99):02d}{chance.randint(9000, 9999)}"


def phone(chance: random.Random) -> str:
    """Returns a mobile number of valid form; nothing is ever sent from a story."""
    return f"0899{chance.randint(0, 99_999_999):08d}"


def business(chance: random.Random, office: str) -> Mapping[str, Any]:
    """Returns the body of `POST /v1/businesses` for a new business with one new owner."""
    kinds = chance.choice(_KINDS)
    title = "Koperasi" if kinds == ("cooperative",) else chance.choice(_GOODS)
    return {
        "office": office,
        "trade_name": f"{title} {chance.choice(_NAMES)} {chance.randint(2, 9999)}",
        "kinds": list(kinds),
        "kelurahan": chance.choice(kelurahan_of(office)),
        "owners": [{"name": chance.choice(_FIRST), "nik": nik(chance, office), "phone": phone(chance)}],
    }


def consultant_name(chance: random.Random) -> str:
    """Returns a made-up name of a consultant."""
    return f"{chance.choice(_FIRST)}, S.E."
