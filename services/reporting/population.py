"""How many people live in each kabupaten and kota, and how many businesses there are for so many people."""

import csv
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files

from services.reporting.rounding import divided

PER = 100_000


@cache
def population() -> Mapping[str, int]:
    """Returns the population of the province (`35`) and of its 38 kabupaten and kota, by code."""
    text = files("services.reporting").joinpath("reference/penduduk_jatim_kabkota.csv").read_text(encoding="utf-8")
    return {row["kode"]: int(row["total"]) for row in csv.DictReader(text.splitlines())}


def rate(count: int, region: str) -> Decimal | None:
    """Returns the count per 100,000 inhabitants to one decimal; None where the population is not known."""
    people = population().get(region)
    return None if people is None else divided(count * PER, people)
