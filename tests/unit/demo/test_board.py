"""What the terminal shows is what was acknowledged beside what the read model says."""

import io
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from deploy.demo.board import Board, Figures, Shown
from deploy.demo.office import SimulatedOffice, Tally
from deploy.demo.people import OFFICES

OVERVIEW: dict[str, Any] = {
    "as_of": "2026-11-21T03:42:07+00:00",
    "offices": [{"code": "35.01", "all": {"registrations": 5, "sessions": 7}}],
}


def _office(number: int, tally: Tally) -> SimulatedOffice:
    return cast("SimulatedOffice", SimpleNamespace(office=OFFICES[number], tally=tally))


def _board(*, terminal: bool, beside: Sequence[str] = ()) -> tuple[Board, io.StringIO]:
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=120)
    offices = [_office(0, Tally(businesses=2, sessions=3)), _office(1, Tally(sessions=1))]
    board = Board(console, offices, lambda: beside)
    board.before = Shown({"35.01": Figures(4, 4)}, None)
    return board, text


def test_yesterdays_figures_are_the_beginning_of_todays() -> None:
    board, _ = _board(terminal=False)
    with board:
        board.update(Shown.read(OVERVIEW))
    assert board.sums() == (Figures(6, 8), Figures(5, 7))


def test_without_a_terminal_there_are_plain_lines() -> None:
    board, text = _board(terminal=False)
    with board:
        board.update(Shown.read(OVERVIEW))
    line = " ".join(text.getvalue().split())
    assert line == ("diterima kantor: 6 usaha, 8 sesi; terlihat di laporan: 5 usaha, 7 sesi (data s.d. 10:42:07 WIB)")
    assert "\x1b" not in text.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_what_happens_beside_is_told_beneath(terminal: bool) -> None:  # noqa: FBT001  a parameter
    board, text = _board(terminal=terminal, beside=["Koreksi diterima: 12", "Klien membenarkan: 3, menyanggah: 1"])
    with board:
        board.update(Shown.read(OVERVIEW))
    assert "Koreksi diterima: 12" in text.getvalue()
    assert "Klien membenarkan: 3, menyanggah: 1" in text.getvalue()


def test_what_was_imported_was_acknowledged_as_well() -> None:
    board = Board(Console(file=io.StringIO()), [_office(0, Tally(businesses=2, imported=400))])
    assert board.sums()[0] == Figures(402, 0)


def test_on_a_terminal_there_is_a_table_of_all_offices() -> None:
    board, text = _board(terminal=True)
    with board:
        board.update(Shown.read(OVERVIEW))
    for words in ("PLUT Kabupaten Pacitan", "PLUT Kabupaten Tulungagung", "Jawa Timur", "10:42:07 WIB"):
        assert words in text.getvalue()


def test_until_all_services_were_heard_of_nobody_claims_a_time() -> None:
    assert Shown.read({**OVERVIEW, "as_of": None}).until == "menunggu data pertama"
