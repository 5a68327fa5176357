"""What an office's page shows: its figures, what they were about, who worked, and what happened last."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.reporting import store
from services.reporting.answers import Snapshot
from services.reporting.answers.activity import Beside, Services, activities, by_service
from services.reporting.codes import COLUMNS, name_of
from services.reporting.domain import Period
from services.reporting.indicators import INDICATORS
from services.reporting.periods import PeriodAsked
from services.reporting.projections import consultant_load, happenings
from services.reporting.projections.reading import Span, Sum, sums
from services.reporting.web.asking import Asked
from services.reporting.web.cards import Amounts, Cards
from services.reporting.web.evidence import evidence_about, evidence_of
from services.reporting.web.happened import told
from services.reporting.web.overview import bar_length, by_month, of_office, periods_to_choose
from services.reporting.web.trend import bars
from shared.http.problem import Problem

LATEST = 10


@dataclass(frozen=True, slots=True)
class Line:
    """A field, service, channel or consultant with what was done. `length` is that of its bar in percent; at the
    address `evidence` the sessions are listed.
    """

    name: str
    done: Amounts
    length: int
    evidence: str


async def office(seen: Snapshot, code: str, asked: Asked) -> Mapping[str, Any]:
    """Returns what the office's template asks for; raises a 404 Problem for one that is not registered."""
    today = seen.instant.today
    period = asked.period(today)
    beside = Beside.of(period)
    registered = await store.offices(seen.connection, seen.live.version, [code])
    if not registered:
        raise _unregistered()
    done = await activities(seen, [code], beside.periods)
    latest = await happenings.latest(seen.connection, seen.live.version, [code], None, LATEST)
    return {
        "heading": registered[0].name,
        "office": registered[0],
        "asked": asked,
        "period": period,
        "running": period.is_running(today),
        "periods": periods_to_choose(today),
        "cards": Cards(beside, of_office(done, code)).all(),
        "about": [(label, await _lines(seen, code, period, column)) for column, label in COLUMNS.items()],
        "consultants": await _consultants(seen, code, period),
        "trend": bars(await by_month(seen, [code], today), "sessions", "confirmed"),
        "evidence": evidence_of(periode=str(period), kantor=code),
        "latest": [told(one) for one in latest],
    }


async def _lines(seen: Snapshot, code: str, period: PeriodAsked, column: str) -> list[Line]:
    rows = await by_service(seen, Services([code], [period]), [column], {})
    card, most = INDICATORS["sessions"], _most(rows)
    return _ordered(
        _line(name_of(column, row.key[0]), row, most, evidence_about(card, code, period, column, row.key[0]))
        for row in rows
    )


async def _consultants(seen: Snapshot, code: str, period: PeriodAsked) -> list[Line] | None:
    """None for a day: what consultants did is summed by month."""
    if period.grain is Period.DAY:
        return None
    span = Span(str(period), Period.MONTH, period.first, period.last)
    total, within = consultant_load.TOTAL, {"office": [code]}
    rows = await sums(seen.connection, seen.live.version, total, [span], by=("consultant",), within=within)
    card, most = INDICATORS["consultant_sessions"], _most(rows)
    return _ordered(
        _line(row.key[0], row, most, evidence_about(card, code, period, "consultant", row.key[0])) for row in rows
    )


def _line(name: str, row: Sum, most: int, evidence: str) -> Line:
    return Line(name, row.amounts, bar_length(row.amounts["sessions"], most), evidence)


def _most(rows: Sequence[Sum]) -> int:
    return max((row.amounts["sessions"] for row in rows), default=0)


def _ordered(lines: Iterable[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: (-line.done["sessions"], line.name))


def _unregistered() -> Problem:
    return Problem(
        404,
        "office-not-registered",
        "Kantor belum terdaftar",
        "Di kabupaten/kota ini belum ada kantor PLUT yang terdaftar.",
        cure="Pilih kantor dari tabel di ringkasan.",
    )
