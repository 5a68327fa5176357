"""What the writers were told, by their own logs, against what the services have accepted."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from deploy.check.answers import aggregate_of
from deploy.check.findings import Finding, Kind
from deploy.check.reader import Readers
from deploy.check.writers import Line, Outcome, Unreadable, chunks, read_logs

_ACCEPTED = "select key, status, answer, event_ids from accepted_command where key = any($1::text[])"
_CHANGES = "select coalesce(kept_until, '-infinity') as kept_until, changed_at from history_change"
_AWAY = "select event_id, aggregate_id, version, type from restored_away"
_PRODUCERS = ("registry", "mentoring")
_LOOKS = 3
_BETWEEN_LOOKS_SECONDS = 2.0
CURE_AWAY = "A restore to an earlier point took it away; whoever entered it must enter it again."


@dataclass(frozen=True)
class Restored:
    """What restores to an earlier point took away: events by aggregate and version, and spans of time."""

    events: frozenset[tuple[str, int | None]]
    event_ids: frozenset[Any]
    spans: tuple[tuple[datetime, datetime], ...]

    def explains(self, line: Line) -> bool:
        """Tells whether a restore is why nothing is found of an acknowledged line."""
        answer = line.answer if isinstance(line.answer, dict) else {}
        if (aggregate_of(answer), answer.get("version")) in self.events:
            return True
        return line.at is not None and any(since < line.at <= until for since, until in self.spans)


async def restored(readers: Readers) -> tuple[Restored, list[Finding]]:
    """Returns what restores took away in all services, and a finding for each event."""
    events, ids, spans = [], [], []
    for service in _PRODUCERS:
        async with readers.instant(service) as connection:
            spans += [(row["kept_until"], row["changed_at"]) for row in await connection.fetch(_CHANGES)]
            for row in await connection.fetch(_AWAY):
                events.append((row["aggregate_id"], row["version"], row["type"]))
                ids.append(row["event_id"])
    findings = [
        Finding(
            Kind.RESTORED_AWAY,
            f"{id_} version {version}",
            f"{type_ or 'an event'} was published before the restore",
            CURE_AWAY,
        )
        for id_, version, type_ in events
    ]
    return Restored(frozenset((id_, version) for id_, version, _ in events), frozenset(ids), tuple(spans)), findings


@dataclass(frozen=True)
class Accepted:
    """A kept answer of one key."""

    service: str
    status: int
    answer: Any
    events: int


async def compare(readers: Readers, directory: Path, away: Restored) -> tuple[int, list[Finding]]:
    """Returns how many acknowledged keys the services know nothing of, and the findings.

    Reads the logs in chunks; only keys that were refused are remembered. Raises OSError if the logs cannot be read.
    """
    findings: list[Finding] = []
    refused: dict[str, str] = {}
    unknown_to_us: set[str] = set()
    for chunk in chunks(read_logs(directory)):
        findings += [_unreadable(line) for line in chunk if isinstance(line, Unreadable)]
        lines = [line for line in chunk if isinstance(line, Line)]
        accepted = await _accepted(readers, {line.key for line in lines})
        for line in lines:
            known = accepted.get(line.key, ())
            if line.outcome is Outcome.REFUSED and known == ():
                continue
            if line.outcome is Outcome.REFUSED:
                refused.setdefault(line.key, line.where)
            if line.outcome is Outcome.ACCEPTED and not known:
                unknown_to_us.add(line.key)
            findings += _judge(line, known, away)
    findings += [_against_refusal(key, refused[key]) for key in await _only_refused(directory, refused)]
    return len(unknown_to_us), findings


async def _accepted(readers: Readers, keys: Iterable[str]) -> dict[str, tuple[Accepted, ...]]:
    found: dict[str, tuple[Accepted, ...]] = {}
    wanted = sorted(keys)
    for service in _PRODUCERS:
        async with readers.instant(service) as connection:
            for row in await connection.fetch(_ACCEPTED, wanted):
                kept = Accepted(service, row["status"], json.loads(row["answer"]), len(row["event_ids"]))
                found[row["key"]] = (*found.get(row["key"], ()), kept)
    return found


def _judge(line: Line, known: Sequence[Accepted], away: Restored) -> list[Finding]:
    if len(known) > 1:
        services = ", ".join(kept.service for kept in known)
        return [
            Finding(
                Kind.TWICE,
                f"key {line.key}",
                f"{line.where}: accepted {len(known)} times ({services})",
                "Compare the answers kept in accepted_command; correct the surplus aggregate through the API.",
            )
        ]
    if line.outcome is not Outcome.ACCEPTED:
        return []
    if not known:
        return [_unfound(line, away)]
    if (line.status, line.answer) != (known[0].status, known[0].answer) and line.answer is not None:
        return [
            Finding(
                Kind.DIFFERING,
                f"key {line.key}",
                f"{line.where}: the writer was told {line.status} {line.answer!r}, "
                f"{known[0].service} keeps {known[0].status} {known[0].answer!r}",
                "One of the two was changed afterwards; the outbox tells what was done.",
            )
        ]
    return []


def _unfound(line: Line, away: Restored) -> Finding:
    answer = line.answer if isinstance(line.answer, dict) else {}
    where = f"{answer.get('id', answer.get('code', line.key))} version {answer.get('version')}"
    what = f"{line.where}: the key {line.key} was acknowledged with {line.status}, no service has accepted it"
    if away.explains(line):
        return Finding(Kind.RESTORED_AWAY, where, what, CURE_AWAY)
    return Finding(
        Kind.LOST,
        where,
        what,
        "Enter it again, and find out how it went: was a backup restored without `plut replay --new-history`?",
    )


def _unreadable(line: Unreadable) -> Finding:
    return Finding(Kind.DIFFERING, line.where, line.why, "Mend or remove the line: what it says cannot be proven.")


async def _only_refused(directory: Path, refused: dict[str, str]) -> set[str]:
    """Keys of which every line is a refusal, though there is an effect.

    The same key may be refused (busy) and accepted later, and that line may be on its way: hence some patience.
    """
    left = set(refused)
    for _ in range(_LOOKS):
        if not left:
            break
        left -= {
            line.key
            for line in read_logs(directory)
            if isinstance(line, Line) and line.key in left and line.outcome is not Outcome.REFUSED
        }
        if left:
            await asyncio.sleep(_BETWEEN_LOOKS_SECONDS)
    return left


def _against_refusal(key: str, where: str) -> Finding:
    return Finding(
        Kind.TWICE,
        f"key {key}",
        f"{where}: refused, and yet there is an effect",
        "Correct the aggregate through the API, and report the refusal that was none.",
    )
