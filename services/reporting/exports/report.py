"""A report: a table with all that must be known to rely on it, however it is written down."""

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from services.reporting.answers.snapshots import Instant
from services.reporting.indicators import INDICATORS, Indicator
from services.reporting.periods import PeriodAsked
from services.reporting.small_cells import Bounds
from services.reporting.wording import clock, wib_day

Cell = str | int | Decimal | date | datetime | Bounds | None
Row = Sequence[Cell]
_SLUG = re.compile(r"[^a-z0-9.]+")


class Type(StrEnum):
    """What a column holds. An empty cell is unknown or withheld, never nothing."""

    TEXT = "text"
    NUMBER = "number"
    DECIMAL = "decimal"
    DAY = "day"
    MOMENT = "moment"


class Classification(StrEnum):
    """Who may have a report. None holds personal data."""

    RESTRICTED = "TERBATAS – tanpa data pribadi"
    PUBLIC = "PUBLIK"


@dataclass(frozen=True, slots=True)
class Column:
    """`key` names the column for programs, `label` for people."""

    key: str
    label: str
    type: Type = Type.TEXT
    unit: str = ""
    indicator: str | None = None

    @classmethod
    def of(cls, code: str, *, key: str | None = None, label: str | None = None) -> "Column":
        """Returns the column of an indicator, called as its card calls it unless told otherwise."""
        card = INDICATORS[code]
        kind = Type.DECIMAL if card.is_decimal else Type.NUMBER
        return cls(key or code, label or card.name, kind, card.unit, code)


@dataclass(frozen=True)
class Report:
    """`name` is a slug for file names; `filters` tell what was asked, as label → text; `asked_by` is a role.

    `next_cursor`: of a page, where the next one begins; None where nothing follows.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: AsyncIterator[Row]
    instant: Instant
    asked_by: str
    periods: Sequence[PeriodAsked] = ()
    filters: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    next_cursor: str | None = None
    classification: Classification = Classification.RESTRICTED

    @property
    def indicators(self) -> list[Indicator]:
        """The cards of what is shown, each once, in the order of the columns."""
        codes = dict.fromkeys(column.indicator for column in self.columns if column.indicator)
        return [INDICATORS[code] for code in codes]

    def file_name(self, ending: str) -> str:
        """Returns a name that tells what, of when and as of when, and nobody's name."""
        what = [self.name, *map(str, self.periods[:1]), f"{self.instant.today:%Y%m%d}"]
        return f"plut-{_SLUG.sub('-', '-'.join(what).lower())}.{ending}"

    def about(self) -> list[tuple[str, str]]:
        """Returns what must be known of the table: label and text, line by line."""
        return [
            ("Judul", self.title),
            ("Klasifikasi", self.classification.value),
            *(("Periode", _told(period, self.instant)) for period in self.periods),
            *self.filters.items(),
            ("Data s.d.", _as_of(self.instant)),
            ("Posisi", str(self.instant.position)),
            ("Diunduh", f"{wib_day(self.instant.now)} pukul {clock(self.instant.now)}"),
            ("Diminta oleh", self.asked_by),
            *(("Catatan", note) for note in self.notes),
            *([("Halaman berikutnya", f"cursor={self.next_cursor}")] if self.next_cursor else []),
        ]


def _told(period: PeriodAsked, instant: Instant) -> str:
    return f"{period.label} (masih berjalan)" if period.is_running(instant.today) else period.label


def _as_of(instant: Instant) -> str:
    if instant.as_of is None:
        return "belum diketahui: belum semua layanan terdengar"
    return f"{wib_day(instant.as_of)} pukul {clock(instant.as_of)}"


async def listed(rows: Iterable[Row]) -> AsyncIterator[Row]:
    """Yields rows that are already there."""
    for row in rows:
        yield row
