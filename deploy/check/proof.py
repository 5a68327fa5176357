"""The whole proof: answers, aggregates, arrival, totals, and what the writers say."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.check import aggregates, answers, arrival, flow, promises, sessions, totals
from deploy.check.aggregates import Behind
from deploy.check.copies import COPIES
from deploy.check.findings import Finding, Kind, Report
from deploy.check.promises import Restored
from deploy.check.reader import Readers
from deploy.check.totals.suspects import Suspect
from shared.contracts.catalogue import TOPICS

PRODUCERS = ("registry", "mentoring")
# Of a backlog that does not shrink, so many are followed one by one; the rest is counted as waiting.
_FOLLOWED = 20_000

Progress = Callable[[str, int], None]


@dataclass
class _Course:
    """What is known while the proof goes on."""

    report: Report
    behind: list[Behind]
    suspects: list[Suspect]
    missing_effects: dict[tuple[str, str], int]
    not_followed: int = 0


async def prove(readers: Readers, *, writers: Path | None, wait_seconds: float, progress: Progress) -> Report:
    """Compares everything with everything, in short ranges; offices may write meanwhile.

    `wait_seconds`: how long the pipeline may take to bring what was acknowledged before the start.
    `progress(stage, n)` is told of each n-th thing compared. Raises what UNAVAILABLE names, and OSError for the logs.
    """
    course = _Course(Report(), [], [], {})
    away, findings = await promises.restored(readers)
    course.report.add(*findings)
    if writers is not None:
        await _writers(course.report, readers, writers, away, progress)
    marks = await flow.mark(readers, PRODUCERS)
    deadline = time.monotonic() + wait_seconds
    progress("pipeline", 0)
    await arrival.caught_up(readers, marks, [copies for each in COPIES.values() for copies in each], deadline)
    await _answers(course.report, readers, away, progress)
    await _aggregates(course, readers, marks, progress)
    await _arrival(course, readers, deadline, progress)
    await _totals(course, readers, progress)
    course.report.add(*await sessions.waiting_in_vain(readers))
    course.report.applied = course.report.stored - sum(course.missing_effects.values()) - course.not_followed
    return course.report


async def _writers(report: Report, readers: Readers, directory: Path, away: Restored, progress: Progress) -> None:
    progress("writers", 0)
    unknown_to_us, findings = await promises.compare(readers, directory, away)
    report.acknowledged += unknown_to_us
    report.add(*findings)


async def _answers(report: Report, readers: Readers, away: Restored, progress: Progress) -> None:
    for service in PRODUCERS:
        async for page, events in answers.commands(readers, service):
            report.acknowledged += sum(1 for command in page if command.event_ids)
            for command in page:
                report.add(*(_unless_restored(each, command, away) for each in answers.judge(command, events)))
            progress("answers", len(page))
        async for findings in answers.unclaimed(readers, service):
            report.add(*findings)


def _unless_restored(finding: Finding, command: answers.Command, away: Restored) -> Finding:
    if finding.kind is Kind.LOST and away.event_ids.issuperset(command.event_ids):
        return Finding(Kind.RESTORED_AWAY, finding.where, finding.what, promises.CURE_AWAY)
    return finding


async def _aggregates(course: _Course, readers: Readers, marks: dict[str, int], progress: Progress) -> None:
    known_aliases = await aggregates.aliases(readers)
    for topic in TOPICS.values():
        async for judged in aggregates.compare(readers, topic.name, marks[topic.service], known_aliases):
            course.report.stored += judged.stored
            course.report.add(*judged.findings)
            course.suspects += judged.suspects
            room = max(0, _FOLLOWED - len(course.behind))
            course.behind += judged.behind[:room]
            course.not_followed += sum(each.newest - each.version for each in judged.behind[room:])
            progress("aggregates", judged.stored)


async def _arrival(course: _Course, readers: Readers, deadline: float, progress: Progress) -> None:
    progress("arrival", len(course.behind))
    verdicts = await arrival.settle(readers, course.behind, deadline)
    for verdict in verdicts:
        place = (verdict.behind.copies.topic, verdict.behind.id)
        missing = verdict.behind.newest - verdict.behind.version
        course.missing_effects[place] = max(missing, course.missing_effects.get(place, 0))
        course.report.add(verdict.finding)
    if course.not_followed:
        course.report.add(
            Finding(
                Kind.WAITING,
                "backlog",
                f"{course.not_followed} more events are not applied, and were not looked into one by one",
                "Let the pipeline catch up (`plut status`), then run the check again.",
            )
        )
    course.suspects += await arrival.suspects(readers, verdicts)


async def _totals(course: _Course, readers: Readers, progress: Progress) -> None:
    async for findings in totals.compare(readers, course.suspects, stored=course.report.stored):
        course.report.add(*findings)
        progress("totals", 1)
