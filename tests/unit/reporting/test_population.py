"""Population and rates, at the boundaries of rounding."""

from decimal import Decimal

import pytest

from services.reporting.population import population, rate
from shared.reference.regions import regencies


def test_all_38_kabupaten_and_kota_have_people_and_make_up_the_province() -> None:
    people = dict(population())
    province = people.pop("35")
    assert people.keys() == regencies().keys()
    assert sum(people.values()) == province
    assert min(people.values()) > 100_000


@pytest.mark.parametrize(
    ("count", "region", "told"),
    [
        (0, "35.76", "0.0"),
        (1, "35.76", "0.7"),  # of 142,272
        (142_272, "35.76", "100000.0"),
        (1_000, "35.78", "33.1"),  # 33.134 of 3,018,022
        (3_773, "35.78", "125.0"),  # 125.015
        (41_919_906, "35", "100000.0"),
        (210, "35.79", "93.2"),  # 93.164 of 225,408
    ],
)
def test_a_rate_has_one_decimal(count: int, region: str, told: str) -> None:
    assert rate(count, region) == Decimal(told)
    assert str(rate(count, region)) == told


def test_a_half_is_rounded_up(monkeypatch: pytest.MonkeyPatch) -> None:
    for people, told in ((2_000_000, "0.1"), (2_000_001, "0.0"), (1_999_999, "0.1")):
        monkeypatch.setattr("services.reporting.population.population", lambda people=people: {"35.99": people})
        assert rate(1, "35.99") == Decimal(told)


@pytest.mark.parametrize("region", ["35.76.01", "35.76.01.1008", "36.01", ""])
def test_a_region_whose_population_is_not_known_has_no_rate(region: str) -> None:
    assert rate(5, region) is None
