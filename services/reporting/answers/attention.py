"""Which offices somebody should call: those that do nothing, and those whose clients do not confirm."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from services.reporting import store
from services.reporting.answers.figures import asked_about, counted
from services.reporting.answers.snapshots import Snapshot
from services.reporting.domain import Period
from services.reporting.projections import office_activity
from services.reporting.projections.reading import Span, sums
from services.reporting.store import Office

TOTALS = (office_activity.TOTAL,)
# Clients have 72 hours to answer: sessions of these last days may well be confirmed yet.
ANSWERED_WITHIN = timedelta(days=3)
LOOKED_BACK = timedelta(days=90)
_NOTHING = dict.fromkeys(office_activity.TOTAL.amounts, 0)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """An office is idle after more than `idle_days`; its clients do not confirm if `unconfirmed_percent` or more of at
    least `unconfirmed_least` sessions have no answer.
    """

    idle_days: int
    unconfirmed_percent: int
    unconfirmed_least: int

    def is_idle(self, days: int) -> bool:
        return days > self.idle_days

    def is_unconfirmed(self, asked: int, unconfirmed: int) -> bool:
        return asked >= self.unconfirmed_least and 100 * unconfirmed >= self.unconfirmed_percent * asked


@dataclass(frozen=True, slots=True)
class Standing:
    """`active_on`: the newest day with a session held or a business registered, None before the first.

    `idle_days` are counted from then, or from the day it was opened. `asked`: sessions of the 90 days up to three days
    ago about which clients were asked; `unconfirmed`: those without an answer.
    """

    office: Office
    active_on: date | None
    idle_days: int
    asked: int
    unconfirmed: int
    is_idle: bool
    is_unconfirmed: bool


async def standings(seen: Snapshot, thresholds: Thresholds) -> list[Standing]:
    """Returns where each registered office of the caller's stands, by code."""
    version, today = seen.live.version, seen.instant.today
    offices = await store.offices(seen.connection, version, seen.offices)
    active = await office_activity.last_active(seen.connection, version, seen.offices, today)
    until = today - ANSWERED_WITHIN
    span = Span("asked", Period.DAY, until - LOOKED_BACK + timedelta(days=1), until)
    within = {"office": seen.offices}
    rows = await sums(seen.connection, version, office_activity.TOTAL, [span], by=("office",), within=within)
    done = {row.key[0]: row.amounts for row in rows}
    return [_standing(one, active.get(one.code), done.get(one.code, _NOTHING), today, thresholds) for one in offices]


def _standing(
    office: Office, active_on: date | None, done: Mapping[str, int], today: date, thresholds: Thresholds
) -> Standing:
    idle = max(0, (today - (active_on or office.opened_on)).days)
    asked, unconfirmed = asked_about(done), counted("unconfirmed", done)
    outcome = (thresholds.is_idle(idle), thresholds.is_unconfirmed(asked, unconfirmed))
    return Standing(office, active_on, idle, asked, unconfirmed, *outcome)
