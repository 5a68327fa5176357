"""Regions of East Java: province, kabupaten/kota, kecamatan, kelurahan/desa (domain.md §2.1)."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files


class Level(StrEnum):
    PROVINCE = "provinsi"
    KABUPATEN = "kabupaten"
    KOTA = "kota"
    KECAMATAN = "kecamatan"
    KELURAHAN = "kelurahan"
    DESA = "desa"


@dataclass(frozen=True, slots=True)
class Region:
    """`code` is dotted, `35.76.01.1008`."""

    code: str
    name: str
    level: Level

    @property
    def regency(self) -> str:
        """The code of the kabupaten or kota in which the region lies."""
        return self.code[:5]


@cache
def regions() -> Mapping[str, Region]:
    """Returns the 9,199 regions by code."""
    text = files(__package__).joinpath("wilayah_jatim.csv").read_text(encoding="utf-8")
    return {
        row["kode"]: Region(row["kode"], row["nama"], Level(row["tingkat"]))
        for row in csv.DictReader(text.splitlines())
    }


@cache
def regencies() -> Mapping[str, Region]:
    """Returns the 38 kabupaten and kota by code."""
    return {code: region for code, region in regions().items() if region.level in (Level.KABUPATEN, Level.KOTA)}


def is_kelurahan(code: str) -> bool:
    """Tells whether the code names a kelurahan or desa of East Java."""
    region = regions().get(code)
    return region is not None and region.level in (Level.KELURAHAN, Level.DESA)
