"""Rows are known again, and counted."""

from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from shared.imports.content import Seal
from shared.imports.rows import LABELS, Counts, Row, RowOutcome, RowStatus, tally
from shared.privacy.blind_index import BlindIndex
from shared.privacy.sealing import PersonKey
from shared.sheets.cells import Cell
from shared.sheets.tables import SheetRow

INDEX = BlindIndex(b"x" * 32, "test.import_row.fingerprint")
CELLS: st.SearchStrategy[Cell] = st.one_of(
    st.none(), st.text(), st.integers(), st.floats(allow_nan=False), st.booleans(), st.dates(), st.datetimes()
)


def mark(**cells: Cell) -> bytes:
    return Row(1, cells).fingerprint(INDEX)


def test_the_same_row_is_known_whatever_its_case_spaces_and_number() -> None:
    assert mark(name="Batik Maja", phone="0812") == mark(phone=" 0812", name="BATIK\u00a0 maja")
    assert mark(name="Batik", phone=None) == mark(name="Batik") == mark(name="Batik", nib="")
    assert mark(modal=35.0) == mark(modal="35")


def test_another_cell_is_another_row() -> None:
    assert mark(name="Batik", phone="0812") != mark(name="Batik", phone="0813")
    assert mark(name="Batik") != mark(owner="Batik")
    assert mark(name="a", owner="bc") != mark(name="ab", owner="c")


@given(st.lists(st.sampled_from(RowStatus)))
def test_the_counts_are_the_rows(statuses: list[RowStatus]) -> None:
    counted = tally(RowOutcome(status) for status in statuses)
    assert set(counted) == set(RowStatus) == set(LABELS)
    assert Counts(len(statuses), **counted).finished == len(statuses)


@given(st.lists(CELLS, max_size=8), st.integers(min_value=1, max_value=1_048_576))
def test_a_sealed_row_opens_as_it_was(cells: list[Cell], number: int) -> None:
    seal = Seal(PersonKey(uuid4(), 1, b"k" * 32))
    row = SheetRow(number, tuple(cells), {0: "Gedongan"})
    assert seal.open_row(number, seal.row(row)) == row


@given(st.binary(min_size=1, max_size=4000))
def test_a_sealed_file_opens_piece_by_piece(content: bytes) -> None:
    seal = Seal(PersonKey(uuid4(), 1, b"k" * 32))
    pieces = list(seal.pieces(bytearray(content)))
    assert b"".join(seal.open_piece(place, piece) for place, piece in enumerate(pieces)) == content
