"""Rows on their way: some dozen together where nothing has to be decided, the others several at once.

Of those, rows that share a key run one after the other, in the order of the sheet.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import structlog

from shared import failpoint
from shared.clock import utc_now
from shared.commands import MOST_AT_ONCE, Busy, Request
from shared.imports import store
from shared.imports.importer import Entry, Importer, Job, RowCommand, RowRules
from shared.imports.rows import Remark, Row, RowOutcome, RowStatus
from shared.postgres import UNAVAILABLE, Pool, transaction

_AT_ONCE = 4
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 5.0
_LATER: tuple[type[Exception], ...] = (Busy, *UNAVAILABLE)
_SEEN_BEFORE = Remark("Baris yang sama sudah pernah diimpor.")
_SEEN_ABOVE = Remark("Baris yang sama sudah ada di lembar ini.")
_FAULT = Remark(
    "Baris ini tidak bisa dikerjakan karena gangguan di sistem.", "Unggah lagi baris ini; bila terulang, hubungi admin."
)
_FAILED = RowOutcome(RowStatus.REJECTED, (_FAULT,))


@dataclass(frozen=True)
class Task:
    """A row that has no status yet."""

    row: Row
    fingerprint: bytes


@dataclass(frozen=True, eq=False)
class _Turn:
    """A row that was understood."""

    task: Task
    command: RowCommand


class Ledger(Protocol):
    """Where the end of a row is noted, and whether another one may begin."""

    @property
    def halted(self) -> bool: ...

    def end_row(self, number: int, outcome: RowOutcome) -> None: ...


class Lanes:
    """Works pages of rows of one job."""

    def __init__(self, pool: Pool, importer: Importer, job: Job, rules: RowRules, ledger: Ledger) -> None:
        self._pool = pool
        self._importer = importer
        self._job = job
        self._rules = rules
        self._ledger = ledger
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._known: dict[bytes, RowOutcome] = {}
        self._log = structlog.get_logger(job=str(job.id))

    async def work(self, tasks: Sequence[Task]) -> None:
        """Ends every row of the page, unless the ledger halts. A row's lock or lost connection only delays it."""
        self._known = await self._known_already(tasks)
        before: asyncio.Task[None] | None = None
        async with asyncio.TaskGroup() as group:
            for place in range(0, len(tasks), MOST_AT_ONCE):
                turns = [turn async for turn in self._turns(tasks[place : place + MOST_AT_ONCE])]
                if before is not None:
                    await asyncio.wait({before})
                before = group.create_task(self._take(turns))

    async def _turns(self, tasks: Sequence[Task]) -> AsyncIterator["_Turn"]:
        for task in tasks:
            await asyncio.sleep(0)  # requests come first
            turn = self._turn(task)
            if turn is not None:
                yield turn

    def _turn(self, task: Task) -> "_Turn | None":
        try:
            command = self._rules.read(task.row)
            if task.fingerprint not in self._known:
                command.prepare(self._entry(task))
        except Exception:  # noqa: BLE001  one row's fault must not stop the others; it is logged, and told
            self._log.exception("import_row_failed", number=task.row.number)
            self._ledger.end_row(task.row.number, _FAILED)
            return None
        return _Turn(task, command)

    async def _take(self, turns: Sequence["_Turn"]) -> None:
        """Ends the rows about which nothing has to be decided together, then the others one by one."""
        others = await self._end_together(turns)
        latest: dict[str, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            for turn in others:
                keys = {turn.task.fingerprint.hex(), *turn.command.keys}
                before = {latest[key] for key in keys if key in latest}
                latest |= dict.fromkeys(keys, group.create_task(self._in_turn(turn.task, turn.command, before)))

    async def _end_together(self, turns: Sequence["_Turn"]) -> list["_Turn"]:
        """Returns those that have not ended."""
        fresh = [turn for turn in turns if turn.task.fingerprint not in self._known]
        outcomes = dict(zip(fresh, await self._together(fresh), strict=True))
        for turn, outcome in outcomes.items():
            if outcome is not None:
                await self._end(turn.task, outcome)
        return [turn for turn in turns if outcomes.get(turn) is None]

    async def _together(self, turns: Sequence["_Turn"]) -> Sequence[RowOutcome | None]:
        undecided = [None] * len(turns)
        if self._ledger.halted or not turns:
            return undecided
        try:
            return await self._rules.execute_together(self._job, [turn.command for turn in turns])
        except _LATER as error:
            self._log.warning("import_rows_postponed", rows=len(turns), error=type(error).__name__)
        except Exception:  # noqa: BLE001  whichever row's fault it is, it is found when each is executed by itself
            self._log.exception("import_rows_failed", rows=len(turns))
        return undecided

    async def _known_already(self, tasks: Sequence[Task]) -> dict[bytes, RowOutcome]:
        """What rows of these fingerprints have created before, as far as it is still there."""
        async with transaction(self._pool, self._job.principal.offices) as connection:
            fingerprints = [task.fingerprint for task in tasks]
            seen = await store.find_seen(connection, self._job.office, fingerprints)
            above = await store.find_above(connection, self._job.id, fingerprints)
            there = await self._importer.still_there(connection, set(seen.values()))
        known = {fingerprint: _unchanged(_SEEN_ABOVE, subject) for fingerprint, subject in above.items()}
        return known | {mark: _unchanged(_SEEN_BEFORE, subject) for mark, subject in seen.items() if subject in there}

    async def _in_turn(self, task: Task, command: RowCommand, before: Collection[asyncio.Task[None]]) -> None:
        if before:
            await asyncio.wait(before)
        async with self._free:
            outcome = self._known.get(task.fingerprint) or await self._patiently(task, command)
        if outcome is not None:
            await self._end(task, outcome)

    async def _end(self, task: Task, outcome: RowOutcome) -> None:
        await failpoint.point("imports.after_row")
        if outcome.status is RowStatus.CREATED:
            self._known[task.fingerprint] = _unchanged(_SEEN_ABOVE, outcome.subject)
        self._ledger.end_row(task.row.number, outcome)

    async def _patiently(self, task: Task, command: RowCommand) -> RowOutcome | None:
        """Tries until the row has ended; None once the ledger halts."""
        pause = _FIRST_PAUSE_SECONDS
        while not self._ledger.halted:
            try:
                return await command.execute(self._entry(task))
            except _LATER as error:
                self._log.warning("import_row_postponed", number=task.row.number, error=type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            except Exception:  # noqa: BLE001  one row's fault must not stop the others; it is logged, and told
                self._log.exception("import_row_failed", number=task.row.number)
                return _FAILED
        return None

    def _entry(self, task: Task) -> Entry:
        key = f"import-{self._job.id}-{task.row.number}"
        request = Request(self._job.principal, key, task.fingerprint, self._job.correlation_id, None, utc_now())
        return Entry(self._job, task.row, task.fingerprint, request)


def _unchanged(remark: Remark, subject: UUID | None) -> RowOutcome:
    return RowOutcome(RowStatus.UNCHANGED, (remark,), subject)
