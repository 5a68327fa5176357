"""Compares, once all is quiet: the check of the promise, and what stands in Kafka against what was stored.

Nothing of it is code of the services' write path.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from deploy.chaos import topics
from deploy.chaos.load import Load
from deploy.chaos.scenario import Scenario
from deploy.chaos.stage import Stage
from deploy.chaos.topics import Contents
from deploy.check.findings import Report
from deploy.check.proof import prove
from deploy.check.reader import SERVICES, open_readers
from deploy.local.installation import Installation

_CHECK_SECONDS = 30.0
_NAMED = 5
_STORED = "select event_id::text as id from registry.outbox union all select event_id::text from mentoring.outbox"
_HELD = """
select event_id::text from registry.outbox join registry.relay_held using (seq) where released_at is null
union all
select event_id::text from mentoring.outbox join mentoring.relay_held using (seq) where released_at is null
"""


@dataclass
class Judgement:
    """The counts of the check, how many records Kafka holds twice, and everything that is wrong, as sentences."""

    report: Report
    contents: Contents
    problems: list[str] = field(default_factory=list)


async def judge(scenario: Scenario, stage: Stage, load: Load, recovery_seconds: float) -> Judgement:
    """Judges I1 to I7 of one course. Raises what UNAVAILABLE names, and KafkaTrouble."""
    report = await checked(stage.installation)
    judgement = Judgement(report, await topics.survey(stage.installation.kafka_bootstrap))
    judgement.problems += [] if report.ok else [_sentence(report)]
    judgement.problems += await published(stage.installation, judgement.contents, stage.foreign)
    judgement.problems += load.wrong_answers
    if not scenario.positions_may_go_back:
        judgement.problems += [back for listener in load.listeners for back in listener.went_back]
    if recovery_seconds > scenario.recovers_within:
        judgement.problems.append(
            f"it took {recovery_seconds:.1f} s to recover, {scenario.recovers_within:g} s at most"
        )
    judgement.problems += await scenario.judge(stage)
    return judgement


async def checked(installation: Installation) -> Report:
    """Runs `plut check` with the writers' logs: I1 to I4 for stored rows, facts, totals and answers."""
    settings = {service: installation.settings(service, "worker") for service in SERVICES}
    async with open_readers(settings) as readers:
        return await prove(
            readers,
            writers=installation.writers_dir,
            wait_seconds=_CHECK_SECONDS,
            progress=lambda _stage, _number: None,
        )


async def published(installation: Installation, contents: Contents, foreign: Iterable[str]) -> list[str]:
    """I4 for Kafka, both ways: nothing stands there that was never stored, and everything stored does."""
    connection = await asyncpg.connect(installation.superuser_dsn(), timeout=5)
    try:
        stored = {row["id"] for row in await connection.fetch(_STORED)}
        held = {row["event_id"] for row in await connection.fetch(_HELD)}
    finally:
        await connection.close(timeout=5)
    known = {each for each in contents.events if _is_id(each)}
    return [
        *_told("in Kafka and never stored", known - stored - set(foreign)),
        *_told("stored and not in Kafka", stored - held - known),
    ]


def toothless(scenario: Scenario, stage: Stage) -> list[str]:
    """I8: says what of the fault was not seen; a course without its fault proves nothing."""
    return [
        f"the fault did not bite: {what} was seen {stage.seen[what]} times, {least} at least are needed"
        for what, least in scenario.bites.items()
        if stage.seen[what] < least
    ]


def _sentence(report: Report) -> str:
    counts = {name: value for name, value in report.as_json().items() if name not in ("details", "ok")}
    named = "; ".join(f"{each.kind} {each.where}: {each.what}" for each in report.details[:_NAMED])
    return f"the promise does not hold: {counts}: {named}"


def _told(what: str, ids: set[str]) -> list[str]:
    if not ids:
        return []
    return [f"{len(ids)} events are {what}: {', '.join(sorted(ids)[:_NAMED])}"]


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
