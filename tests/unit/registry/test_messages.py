"""What clients are written, and how often it is tried."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.domain import messages as rules
from services.registry.domain.messages import MOST_TRIES, ClientSecret
from shared import days
from tests.unit.registry.test_attestations import NOW, opened

SECRET = ClientSecret("Jx0c2vVb7nQ4mT9rY1kLsA", "042517")


def test_a_message_says_all_of_it_in_one_piece() -> None:
    text = rules.text_of(opened(), "PLUT Kota Mojokerto", SECRET, "https://plut.test")
    for part in (
        "PLUT Kota Mojokerto",
        "Batik Uji",
        "Jumat, 20 November 2026 pukul 09.30 WIB",
        "1 jam 30 menit",
        "pendampingan usaha bidang produksi",
        "https://plut.test/konfirmasi/Jx0c2vVb7nQ4mT9rY1kLsA",
        "042517",
        "Ini tidak benar",
        "Selasa, 24 November 2026 pukul 10.00 WIB",
        "gratis",
    ):
        assert part in text
    assert len(text) < 640, "four SMS at the most"


@pytest.mark.parametrize(
    ("minutes", "told"), [(0, "0 menit"), (1, "1 menit"), (59, "59 menit"), (60, "1 jam"), (61, "1 jam 1 menit")]
)
def test_how_long(minutes: int, told: str) -> None:
    assert rules.how_long(minutes) == told


def test_a_day_without_an_hour_and_an_instant_in_wib() -> None:
    assert days.when(date(2025, 3, 4), None) == "Selasa, 4 Maret 2025"
    assert days.when(date(2025, 3, 4), time(7, 5)) == "Selasa, 4 Maret 2025 pukul 07.05 WIB"
    assert days.instant(datetime(2023, 12, 31, 18, 30, tzinfo=UTC)) == "Senin, 1 Januari 2024 pukul 01.30 WIB"


def test_secrets_are_hard_to_guess_and_survive_packing() -> None:
    drawn = [rules.new_secret() for _ in range(500)]
    assert len({one.token for one in drawn}) == 500
    assert {len(one.token) for one in drawn} == {22}
    assert all(len(one.code) == 6 and one.code.isdigit() for one in drawn)
    assert len({one.code[0] for one in drawn}) == 10, "a code may begin with any digit"
    assert [ClientSecret.unpacked(one.packed()) for one in drawn] == drawn
    assert SECRET.code not in repr(SECRET)
    assert SECRET.token not in repr(SECRET)


@pytest.mark.parametrize(("tries", "seconds"), [(1, 30), (2, 60), (3, 120), (7, 1920), (8, 3600), (20, 3600)])
def test_pauses_double_up_to_an_hour(tries: int, seconds: int) -> None:
    assert rules.pause_after(tries) == timedelta(seconds=seconds)


@given(st.integers(1, 10_000))
def test_pauses_never_shrink(tries: int) -> None:
    assert timedelta(0) < rules.pause_after(tries) <= rules.pause_after(tries + 1) <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("tries", "late", "given_up"),
    [(1, -1, False), (MOST_TRIES - 1, -1, False), (MOST_TRIES, -1, True), (1, 0, True), (1, 1, True)],
)
def test_a_message_is_given_up_after_so_many_tries_or_so_long(tries: int, late: int, *, given_up: bool) -> None:
    assert rules.give_up(tries, NOW, NOW + timedelta(seconds=late)) is given_up
