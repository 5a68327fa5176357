"""What an office says in our columns of a result sheet."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.imports.rows import NOTHING_SAID, Said
from shared.imports.said import read_said
from shared.sheets.columns import Own
from shared.sheets.tables import SheetRow, Table

ONE, OTHER = UUID("01926f3e-7c1a-7000-8000-4a3b2c1d0e9f"), UUID("01926f3e-7c1a-7000-8000-4a3b2c1d0e90")
OWN = {Own.ROW: 1, Own.STATUS: 2, Own.SUBJECT: 3, Own.REASON: 4, Own.CURE: 5}


def said(status: str, subject: str = "", reason: str = "", *, own: dict[Own, int] | None = None) -> Said:
    table = Table((1,), ("Nama Usaha",), {0: "trade_name"}, {}, own=OWN if own is None else own)
    return read_said(table, SheetRow(2, ("Batik", 2, status, subject, reason, "")))


def test_new_counts_for_the_businesses_that_the_row_names() -> None:
    reason = f"Mirip Batik Satu ({ONE}). Mirip Batik Dua ({OTHER})."
    assert said("baru", reason=reason) == Said(confirmed_new=True, seen=(ONE, OTHER))
    assert said(" BARU ", reason=f"{ONE} {ONE}".upper()) == Said(confirmed_new=True, seen=(ONE,))
    assert said("baru") == Said(confirmed_new=True)


def test_the_same_names_exactly_one() -> None:
    assert said("Cocok", str(ONE)) == Said(same_as=ONE)
    assert said("cocok", f"{ONE}, {OTHER}") == NOTHING_SAID
    assert said("cocok") == NOTHING_SAID
    assert said("cocok", "yang di sebelah") == NOTHING_SAID


@pytest.mark.parametrize("status", ["dibuat", "sama", "perlu ditinjau", "ditolak", "dilewati", "", "baru saja"])
def test_any_other_status_says_nothing(status: str) -> None:
    assert said(status, str(ONE), str(OTHER)) == NOTHING_SAID


def test_an_offices_own_status_column_says_nothing() -> None:
    assert said("baru", own={}) == NOTHING_SAID


@given(st.text(), st.text(), st.text())
def test_whatever_stands_there_is_understood_or_passed_over(status: str, subject: str, reason: str) -> None:
    assert isinstance(said(status, subject, reason), Said)
