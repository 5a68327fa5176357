"""Every read model once more, of the newest states alone: by definition and not by difference, however slow.

It shares no code with the product; both are held against the words of the issue.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from shared.contracts.catalogue import AnyEvent
from shared.contracts.mentoring import SessionState
from shared.contracts.registry import BusinessState

Rows = dict[tuple[Any, ...], dict[str, int]]
_NO_ALIASES: Mapping[UUID, UUID] = MappingProxyType({})


def recompute(events: Sequence[AnyEvent], now: datetime, aliases: Mapping[UUID, UUID] = _NO_ALIASES) -> dict[str, Rows]:
    """Returns each table: key without slice → amounts that are not 0. `aliases`: business → the one that it is."""
    newest = {event.aggregate_id: event for event in sorted(events, key=lambda event: event.version)}
    sums: dict[str, dict[Any, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for event in newest.values():
        sums["fact"][event.aggregate_id, event.event_id]["version"] = event.version
        if isinstance(state := event.payload.state, BusinessState) and state.id not in aliases:
            _business(sums, state)
        if isinstance(state, SessionState) and state.accepted:
            _session(sums, state, aliases)
    _served(sums, _visits([event.payload.state for event in newest.values()], aliases))
    _happened(sums, [event for event in events if event.occurred_at > now - timedelta(days=30)])
    return {
        name: {key: dict(some) for key, amounts in rows.items() if (some := +amounts)} for name, rows in sums.items()
    }


def _happened(sums: Any, events: Iterable[AnyEvent]) -> None:
    for event in events:
        office = event.office or event.aggregate_id
        sums["happening"][event.event_id, event.type, event.aggregate_id, office]["version"] = event.version


def _business(sums: Any, state: BusinessState) -> None:
    for grain in ("day", "month", "year"):
        sums["office_activity"][state.registered_by or state.home_office, grain, _start(grain, state.registered_on)][
            "registrations"
        ] += 1
    for kind in {"*", *state.kinds}:
        for level, region in zip(("regency", "district", "village"), _regions(state.kelurahan), strict=True):
            sums["businesses_by_region"][level, region, state.home_office, kind, state.status]["businesses"] += 1
        place = (state.kelurahan[:5], state.home_office, kind)
        sums["businesses_over_time"][(*place, _start("month", state.registered_on))]["registered"] += 1
        if state.closed_on is not None:
            sums["businesses_over_time"][(*place, _start("month", state.closed_on))]["closed"] += 1


def _regions(kelurahan: str) -> list[str]:
    parts = kelurahan.split(".")
    return [".".join(parts[:length]) for length in (2, 3, 4)]


def _session(sums: Any, state: SessionState, aliases: Mapping[UUID, UUID]) -> None:
    held = state.state in ("completed", "confirmed", "contested")
    told = Counter({state.state: 1}) if state.state != "completed" else Counter[str]()
    if held:
        told["sessions"] = 1
        told["imported"] = int(state.imported)
        told["visits"] = len({aliases.get(one.id, one.id) for one in state.businesses if one.known})
        for kind in ("contact", "preparation", "travel"):
            minutes = getattr(state, f"{kind}_minutes")
            told[f"{kind}_minutes"] = minutes
            told[f"confirmed_{kind}_minutes"] = minutes if state.state == "confirmed" else 0
    for grain in ("day", "month", "year"):
        key = (state.office, grain, _start(grain, state.day))
        sums["office_activity"][key] += told
        if held:
            about = (state.field, state.service, state.channel)
            amounts = _only(
                told,
                "sessions",
                "confirmed",
                "contact_minutes",
                "preparation_minutes",
                "travel_minutes",
                "confirmed_contact_minutes",
            )
            sums["sessions_by_service"][(*key, *about)] += amounts
            if grain != "day":
                sums["sessions_in_province"][("*", *key[1:], *about)] += amounts
    for consultant in set(state.consultants) if held else ():
        sums["consultant_load"][state.office, consultant, _start("month", state.day)] += _only(
            told, "sessions", "confirmed", "contested", "contact_minutes", "preparation_minutes", "travel_minutes"
        )


def _only(told: Counter[str], *names: str) -> Counter[str]:
    return Counter({name: told[name] for name in names})


Visit = tuple[date, str, str, int, bool]  # day, session, office, contact minutes, attested


def _visits(states: Iterable[Any], aliases: Mapping[UUID, UUID]) -> dict[UUID, list[Visit]]:
    found: dict[UUID, dict[UUID, Visit]] = defaultdict(dict)
    for state in states:
        if (
            isinstance(state, SessionState)
            and state.accepted
            and state.state in ("completed", "confirmed", "contested")
        ):
            for one in state.businesses:
                if one.known:
                    known = found[aliases.get(one.id, one.id)]
                    attested = one.attested or (state.id in known and known[state.id][4])
                    known[state.id] = (state.day, str(state.id), state.office, state.contact_minutes, attested)
    return {subject: sorted(visits.values()) for subject, visits in found.items()}


def _served(sums: Any, businesses: Mapping[UUID, list[Visit]]) -> None:
    for subject, visits in businesses.items():
        first_day = visits[0][0]
        sums["served_business"][(subject,)] += Counter({str(visit): 1 for visit in visits})
        for office in {"*", *(visit[2] for visit in visits)}:
            mine = [visit for visit in visits if office in ("*", visit[2])]
            for grain in ("day", "month", "quarter", "year", "all"):
                for start in {_start(grain, visit[0]) for visit in mine}:
                    within = [visit for visit in mine if _start(grain, visit[0]) == start]
                    row = sums["businesses_served"][office, grain, start]
                    row["served"] += 1
                    row["attested"] += any(visit[4] for visit in within)
                    row["newly_served"] += any(visit[0] == first_day for visit in within)
                    minutes = sum(visit[3] for visit in visits if visit[0].year == start.year)
                    if grain == "year" and minutes >= 300:
                        row["intensive"] += 1
                        sums["intensive_business"][office, start.year, subject]["contact_minutes"] = minutes


def _start(grain: str, day: date) -> date:
    month = {"day": day.month, "month": day.month, "quarter": 1 + 3 * ((day.month - 1) // 3), "year": 1}
    return date(2000, 1, 1) if grain == "all" else date(day.year, month[grain], day.day if grain == "day" else 1)
