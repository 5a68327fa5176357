"""What a page is asked for, as its address writes it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from urllib.parse import urlencode

from services.reporting import periods
from services.reporting.domain import Period
from services.reporting.periods import EVER, PeriodAsked
from shared.http.problem import at_field

GRAINS: Mapping[str, Period] = {
    "hari": Period.DAY,
    "bulan": Period.MONTH,
    "triwulan": Period.QUARTER,
    "tahun": Period.YEAR,
    "semua": Period.ALL,
}
FIGURES: Mapping[str, str] = {
    "usaha": "Usaha binaan aktif",
    "rasio": "Usaha aktif per 100.000 penduduk",
    "baru": "Usaha baru terdaftar",
}
ORDERS = ("nama", *FIGURES)


@dataclass(frozen=True, slots=True)
class Asked:
    """`urut`: a column to sort by, with `-` for the largest first. `unduh`: a table to take along, as `kantor.csv`."""

    periode: str = "bulan"
    peta: str = "usaha"
    urut: str = "-usaha"
    unduh: str = ""

    @classmethod
    def of(cls, told: Mapping[str, str], today: date) -> "Asked":
        """Raises a 422 Problem for what no page knows."""
        names = {one.name for one in fields(cls)}
        for name in told:
            if name not in names:
                raise at_field(name, f"Parameter `{name}` tidak dikenal.", f"Pakai: {', '.join(sorted(names))}.")
        asked = cls(**told)
        period_of(asked.periode, today)
        _check("peta", asked.peta, FIGURES)
        _check("urut", asked.urut.removeprefix("-"), ORDERS)
        return asked

    def period(self, today: date) -> PeriodAsked:
        """Returns the period asked for, on this day."""
        return period_of(self.periode, today)

    def query(self, **changes: str) -> str:
        """Returns the address's query with these changes; what is as usual is left out."""
        usual, asked = Asked(), replace(self, **changes)
        told = {one.name: getattr(asked, one.name) for one in fields(asked)}
        shown = {name: value for name, value in told.items() if value != getattr(usual, name)}
        return f"?{urlencode(shown)}" if shown else "?"

    def others(self, left_out: str) -> dict[str, str]:
        """Returns what a form keeps besides the field that it asks for."""
        told = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in told.items() if name != left_out}

    def steps(self, period: PeriodAsked) -> list[tuple[str, str]]:
        """Returns the ways to the periods beside, each once: what they are called and how they are written."""
        near = {period.year_before: "Setahun sebelumnya", period.before: "Sebelumnya"}
        return [(f"{label}: {one.label}", str(one)) for one, label in reversed(near.items()) if one is not None]

    def sorted_by(self, column: str) -> str:
        """Returns the query that sorts by a column, the other way round if it does already."""
        first = column if column == "nama" else f"-{column}"
        other = f"-{column}" if first == column else column
        return self.query(urut=other if self.urut == first else first)

    def direction(self, column: str) -> str:
        """Returns what aria-sort says of a column."""
        if self.urut.removeprefix("-") != column:
            return "none"
        return "descending" if self.urut.startswith("-") else "ascending"


def period_of(text: str, today: date) -> PeriodAsked:
    """Returns the period of today that a word names, or the one that is written as 2024-Q2."""
    grain = GRAINS.get(text)
    if grain is None:
        return periods.asked(text, today, "periode")
    return EVER if grain is Period.ALL else PeriodAsked.containing(grain, today)


def _check(field: str, value: str, known: Mapping[str, str] | tuple[str, ...]) -> None:
    if value not in known:
        raise at_field(field, "Pilihan tidak dikenal.", f"Pilih salah satu: {', '.join(known)}.")
