"""What the terminal shows while the offices write: per office what was acknowledged, and what the read model shows.

Beneath it one line each of what happens beside: corrections, what clients say, a sheet that is imported.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from deploy.demo.office import SimulatedOffice
from shared.clock import WIB


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers of one office: businesses and sessions."""

    businesses: int = 0
    sessions: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(self.businesses + other.businesses, self.sessions + other.sessions)


@dataclass(frozen=True)
class Shown:
    """What the read model shows, by office, and up to when (None: not heard of all services yet)."""

    offices: Mapping[str, Figures]
    as_of: datetime | None

    @classmethod
    def read(cls, overview: Mapping[str, Any]) -> "Shown":
        """Reads reporting's overview."""
        offices = {
            office["code"]: Figures(office["all"]["registrations"], office["all"]["sessions"])
            for office in overview["offices"]
        }
        as_of = overview["as_of"]
        return cls(offices, datetime.fromisoformat(as_of) if as_of else None)

    @property
    def until(self) -> str:
        """When the figures are of, as pages say it."""
        return f"data s.d. {self.as_of.astimezone(WIB):%H:%M:%S} WIB" if self.as_of else "menunggu data pertama"


class Board:
    """A live table on a terminal; elsewhere a plain line now and then. `before`: the figures at the start."""

    def __init__(
        self, console: Console, offices: Sequence[SimulatedOffice], beside: Callable[[], Sequence[str]] = tuple
    ) -> None:
        self._console = console
        self._beside = beside
        self._offices = offices
        self._live = Live(console=console, refresh_per_second=4, transient=False) if console.is_terminal else None
        self.before = Shown({}, None)
        self.shown = Shown({}, None)

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.update(self._table(), refresh=True)
            self._live.stop()

    def update(self, shown: Shown) -> None:
        """Shows new figures of the read model beside what was acknowledged by now."""
        self.shown = shown
        if self._live:
            self._live.update(self._table())
        else:
            told, seen = self.sums()
            self._console.print(
                f"diterima kantor: {told.businesses} usaha, {told.sessions} sesi; "
                f"terlihat di laporan: {seen.businesses} usaha, {seen.sessions} sesi ({shown.until})"
            )
            for line in self._beside():
                self._console.print(f"  {line}", soft_wrap=True)

    def sums(self) -> tuple[Figures, Figures]:
        """Returns what was acknowledged and what is shown of it, over all offices."""
        told, seen = Figures(), Figures()
        for office in self._offices:
            told += self._told(office)
            seen += self.shown.offices.get(office.office.code, Figures())
        return told, seen

    def _told(self, office: SimulatedOffice) -> Figures:
        return self.before.offices.get(office.office.code, Figures()) + Figures(
            office.tally.businesses + office.tally.imported, office.tally.sessions
        )

    def _table(self) -> Table:
        table = Table(title=f"Delapan kantor PLUT menulis bersamaan ({self.shown.until})", title_justify="left")
        table.caption, table.caption_justify = "\n".join(self._beside()), "left"
        table.add_column("Kantor")
        for heading in ("usaha\nditerima", "usaha\nterlihat", "sesi\nditerima", "sesi\nterlihat"):
            table.add_column(heading, justify="right")
        table.add_column("jawaban\nhilang", justify="right", style="dim")
        table.add_column("klik\nganda", justify="right", style="dim")
        for office in self._offices:
            told, seen = self._told(office), self.shown.offices.get(office.office.code, Figures())
            table.add_row(
                f"{office.office.code} {office.office.name}",
                str(told.businesses),
                _beside(seen.businesses, told.businesses),
                str(told.sessions),
                _beside(seen.sessions, told.sessions),
                str(office.tally.lost_answers),
                str(office.tally.double_clicks),
            )
        told, seen = self.sums()
        table.add_section()
        table.add_row(
            "Jawa Timur",
            str(told.businesses),
            _beside(seen.businesses, told.businesses),
            str(told.sessions),
            _beside(seen.sessions, told.sessions),
            style="bold",
        )
        return table


def _beside(seen: int, told: int) -> str:
    return f"[green]{seen}[/green]" if seen >= told else f"[yellow]{seen}[/yellow]"
