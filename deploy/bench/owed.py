"""What the product owes, and how what was measured stands to it: each figure with its limit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.bench.asking import Answer
from deploy.bench.pipeline import Asked
from deploy.bench.query import LIMIT_MS, LIMIT_RATIO, ratios

# From COMMIT until it is seen in all read models: milliseconds that 99 of 100 events may take, by events per second.
_VISIBLE_MS = {200.0: 20.0, 1000.0: 50.0}
# Events per second of a backlog, the whole way, by consumers of reporting.
_WHOLE_WAY = {1: 10_000.0, 2: 16_000.0}
_RELAY_ALONE = 60_000.0
_REBUILD = 10_000.0
_OF_EMPTY = 0.15
_COMMAND_MS = 50.0
_FIND_MS = 100.0
_SHEET_ROWS, _SHEET_SECONDS = 20_000, 60.0
_PROCESS_MIB = 150.0


@dataclass(frozen=True)
class Figure:
    """One thing that was measured; `limit`: what it must reach (`at_least`) or may not pass, None if there is none."""

    what: str
    measured: float
    unit: str
    command: str
    limit: float | None = None
    at_least: bool = False
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The measured to the limit."""
        return None if self.limit is None else self.measured / self.limit

    @property
    def is_kept(self) -> bool | None:
        """Tells whether the limit is kept; None where there is none."""
        if self.limit is None:
            return None
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


def of_pipeline(asked: Asked, told: Mapping[str, Any]) -> list[Figure]:
    """Returns the figures of `plut bench pipeline`; `told` is its JSON, as in all functions below."""
    flags = f"--consumers {asked.consumers}{' --scattered' if asked.scattered else ''}"
    steady = (
        f"plut bench pipeline --rate {asked.rate:g} --seconds {asked.seconds:g} {flags}"
        f"{' --commands' if asked.commands else ''}{' --messages' if asked.messages else ''}"
    )
    backlog = f"plut bench pipeline --backlog {asked.backlog} {flags}"
    share = "one consumer" if asked.consumers == 1 else f"{asked.consumers} consumers"
    share += ", sessions scattered" if asked.scattered else ""
    how = f"{', by commands' if asked.commands else ''}{', clients asked' if asked.messages else ''}"
    visible = f"commit → visible in all read models, {asked.rate:g} events/s, {share}{how}"
    whole_way = _WHOLE_WAY.get(asked.consumers)
    quick = _VISIBLE_MS.get(asked.rate) if asked.consumers == 1 else None
    rates = (
        ("outbox → Kafka, relays alone", "relay_events_per_s", _RELAY_ALONE, backlog),
        (f"outbox → Kafka → all read models, {share}", "backlog_events_per_s", whole_way, backlog),
        (f"rebuild beside the live set, {share}", "rebuild_events_per_s", _REBUILD, f"{backlog} --rebuild"),
    )
    return [
        Figure(f"{visible}: p50", told["p50_ms"], "ms", steady),
        Figure(f"{visible}: p99", told["p99_ms"], "ms", steady, quick),
        *(
            Figure(what, told[key], "events/s", command, least, at_least=True)
            for what, key, least, command in rates
            if told[key] is not None
        ),
    ]


def of_api(told: Mapping[str, Any]) -> list[Figure]:
    """Returns the figures of `plut bench api`."""
    command, pace = "plut bench api", f"{told['commands_per_s']} per second, the empty one {told['empty_per_s']}"
    return [
        Figure(
            "a registration over HTTP, to an empty endpoint's rate",
            told["ratio_empty"],
            "",
            command,
            _OF_EMPTY,
            at_least=True,
            note=pace,
        ),
        Figure(
            "a registration over HTTP at half of its greatest rate: p99", told["p99_ms"], "ms", command, _COMMAND_MS
        ),
    ]


def of_find(told: Mapping[str, Any]) -> list[Figure]:
    """Returns the figures of `plut bench find`."""
    among, command = (
        f"among {told['businesses']:,} businesses: p99",
        f"plut bench find --businesses {told['businesses']}",
    )
    return [
        Figure(f"finding a business {among}", told["find_p99_ms"], "ms", command, _FIND_MS),
        Figure(f"search for duplicates {among}", told["duplicates_p99_ms"], "ms", command, _FIND_MS),
    ]


def of_import(told: Mapping[str, Any], *, pipeline: bool) -> list[Figure]:
    """Returns the figures of `plut bench import`."""
    rows, beside = told["rows"], "relays and consumers running" if pipeline else "relays and consumers held"
    command = f"plut bench import --rows {rows}" + (" --pipeline" if pipeline else "")
    limit = _SHEET_SECONDS if rows == _SHEET_ROWS else None
    what = f"import of {rows:,} rows, {beside}"
    return [
        Figure(f"{what}: time", round(rows / told["rows_per_s"], 1), "s", command, limit),
        Figure(f"{what}: the api's greatest memory", told["peak_mib"], "MiB", command, _PROCESS_MIB),
    ]


def of_dedupe(told: Mapping[str, Any]) -> list[Figure]:
    """Returns the figures of `plut bench dedupe`."""
    shares = [(name, value) for name, value in told.items() if isinstance(value, float)]
    return [Figure(f"duplicates of a labelled set: {name}", value, "", "plut bench dedupe") for name, value in shares]


def of_query(answers: Sequence[Answer], rate: float) -> list[Figure]:
    """Returns the figures of `plut bench query`: of all questions the slowest, and the one that is least flat."""
    most = max(each.events for each in answers)
    events = most // 100_000 * 100_000 or most  # about so many were asked for: whole circles of them are made
    command = f"plut bench query --events {events} --rate {rate:g}"
    slowest = max(answers, key=lambda each: each.p99_ms)
    by_question = ratios(answers)
    steepest = max(by_question, key=by_question.__getitem__)
    what = f"{len(by_question)} questions to reporting, {rate:g} events/s applied meanwhile"
    of_all = f"{what}, to {events:,} events"
    return [
        Figure(f"{of_all}: slowest p99", slowest.p99_ms, "ms", command, LIMIT_MS, note=f"`{slowest.query}`"),
        Figure(
            f"{of_all}: p50 at the most events to p50 at a hundredth",
            by_question[steepest],
            "",
            command,
            LIMIT_RATIO,
            note=f"`{steepest}`",
        ),
    ]
