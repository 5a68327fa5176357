"""The story: eight offices open, hire, and write at the same time; then the proof; then quiet work until Ctrl-C."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from rich.console import Console

from deploy.bench.visibility import Watch
from deploy.demo.board import Board, Shown
from deploy.demo.clients import Clients, contested
from deploy.demo.office import Acknowledged, SimulatedOffice
from deploy.demo.people import OFFICES, Office
from deploy.demo.staff import Staff
from deploy.demo.writer import GaveUpError, Log, Writer
from deploy.local.import_desk import Progress
from deploy.local.installation import Installation
from shared.auth.principal import Role
from shared.loops import wait_for
from shared.postgres import UNAVAILABLE, Pool, create_pool, role_name

_STORY_SECONDS = 20.0
_PAUSE_SECONDS = (0.05, 0.25)
_QUIET_SECONDS = 1.5
_LOOK_EVERY_SECONDS = 0.5
_PLAIN_LOOK_EVERY_SECONDS = 3.0
_CATCH_UP_SECONDS = 30.0
_IMPORTING = "35.09"
_IMPORT_AFTER_SECONDS = 3.0
_ANSWER_EVERY_SECONDS = 1.0

_SHOWN_BUSINESSES = """
select id::text as id from fact_business
where set_version = (select version from read_model_pointer) and id = any($1::text[]::uuid[])
"""
_SHOWN_SESSIONS = """
select id::text as id from fact_session
where set_version = (select version from read_model_pointer) and id = any($1::text[]::uuid[])
"""

Aggregate = tuple[str, str]


@dataclass
class Stage:
    """The people of the story and what watches them."""

    installation: Installation
    console: Console
    staff: Staff
    offices: Sequence[SimulatedOffice]
    administrator: Writer
    watch: Watch[Aggregate]
    board: Board
    clients: Clients
    scenes: "Scenes"


@dataclass
class Scenes:
    """What happens beside the writing, told in one line each."""

    offices: Sequence[SimulatedOffice]
    clients: Clients
    imported: Progress | None = None
    contested: list[str] = field(default_factory=list)
    corrected: list[str] = field(default_factory=list)

    @property
    def hold(self) -> bool:
        """Every row of the sheet ended in one state, and whatever clients disputed is contested, or was corrected."""
        all_shown = {*self.contested, *self.corrected} == set(self.clients.disputed)
        if self.imported is None:
            return all_shown
        rows, *parts = self.imported.counts.values()
        return all_shown and self.imported.state == "done" and rows == sum(parts)

    def lines(self) -> list[str]:
        corrections = sum(office.tally.corrections for office in self.offices)
        told = [
            f"Koreksi diterima: {corrections}",
            f"Klien membenarkan: {self.clients.attested}, menyanggah: {len(self.clients.disputed)}",
        ]
        if self.imported is not None:
            counts = self.imported.counts
            told.append(
                f"Impor lembar {_IMPORTING}: {counts['rows']} baris, {counts['created']} dibuat, "
                f"{counts['possible_duplicate']} perlu ditinjau, {counts['rejected']} ditolak, "
                f"{counts['matched'] + counts['unchanged']} sudah ada, {counts['skipped']} dilewati"
            )
        return told


@asynccontextmanager
async def set_stage(installation: Installation, console: Console) -> AsyncIterator[Stage]:
    """Opens each office's connection and log, and the watch on the read model; closes all of it at the end."""
    async with AsyncExitStack() as stack:
        staff = Staff(installation)
        stack.push_async_callback(staff.close)
        reporting = installation.settings("reporting", "worker")
        pool = await create_pool(
            reporting, role_name("reporting", "worker"), schema="reporting", application="plut-demo", size=1
        )
        stack.callback(pool.terminate)
        watch: Watch[Aggregate] = Watch(_looking_into(pool))

        def heard(told: Acknowledged) -> None:
            watch.expect((told.kind, told.id), told.at)

        offices = [
            SimulatedOffice(
                office,
                installation,
                staff,
                _writer(installation, stack, office.code),
                _chance(installation, office),
                heard,
            )
            for office in OFFICES
        ]
        administrator = _writer(installation, stack, "administrator")
        clients = Clients(installation, random.Random())  # noqa: S311  a story's dice
        stack.push_async_callback(clients.close)
        scenes = Scenes(offices, clients)
        board = Board(console, offices, scenes.lines)
        yield Stage(installation, console, staff, offices, administrator, watch, board, clients, scenes)


async def open_offices(
    installation: Installation, staff: Staff, administrator: Writer, offices: Sequence[SimulatedOffice]
) -> None:
    """The administrator opens the offices, which hire; those that stand already stay as they are."""
    url = f"{installation.url('registry')}/v1/offices"
    token = staff.token_of(Role.ADMINISTRATOR)
    known = {office["code"] for office in (await administrator.read(url, token))["items"]}
    for office in (each.office for each in offices):
        if office.code not in known:
            body = {"code": office.code, "name": office.name, "opened_on": office.opened_on}
            await administrator.send(url, body, token)
    await asyncio.gather(*(office.employ() for office in offices))
    await asyncio.gather(*(office.remember() for office in offices))


async def write_together(stage: Stage, stopping: asyncio.Event) -> None:
    """Lets all offices write at once with the table beside them, until it has caught up."""
    stage.board.before = await look(stage)
    with stage.board:
        async with (
            _in_background(stage.watch.run()),
            _in_background(_keep_board(stage)),
            _in_background(_keep_answering(stage)),
        ):
            writing = (_write_until(office, stopping, _STORY_SECONDS) for office in stage.offices)
            await asyncio.gather(*writing, _import(stage, stopping))
            await _until_somebody_disputes(stage, stopping)
            await stage.watch.drain(_CATCH_UP_SECONDS)
        await _see_contested(stage)
        stage.board.update(await look(stage))


async def work_quietly(stage: Stage, stopping: asyncio.Event) -> None:
    """Writes now and then, so that the page moves, until told to stop; an installation in trouble is waited for."""
    chance = random.Random()  # noqa: S311  a story's dice
    while not stopping.is_set():
        with suppress(GaveUpError, httpx.HTTPError):
            await chance.choice(stage.offices).write_once()
            await stage.clients.answer_some()
        await wait_for(stopping, _QUIET_SECONDS)


async def look(stage: Stage) -> Shown:
    """Returns what the province's analyst sees now."""
    url = f"{stage.installation.url('reporting')}/v1/overview"
    return Shown.read(await stage.administrator.read(url, stage.staff.token_of(Role.PROVINCE_ANALYST)))


async def _write_until(office: SimulatedOffice, stopping: asyncio.Event, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not stopping.is_set() and time.monotonic() < until:
        await office.write_once()
        await wait_for(stopping, office.chance.uniform(*_PAUSE_SECONDS))


async def _import(stage: Stage, stopping: asyncio.Event) -> None:
    """One office imports a sheet while all write; told to stop, the service goes on with it alone."""
    await wait_for(stopping, _IMPORT_AFTER_SECONDS)
    if stopping.is_set():
        return
    office = next(each for each in stage.offices if each.office.code == _IMPORTING)

    def see(progress: Progress) -> None:
        stage.scenes.imported = progress

    importing = asyncio.create_task(office.import_sheet(see))
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait({importing, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not importing.done():
        importing.cancel()
        await asyncio.wait({importing})
    else:
        importing.result()


async def _keep_answering(stage: Stage) -> None:
    while True:
        await stage.clients.answer_some()
        await asyncio.sleep(_ANSWER_EVERY_SECONDS)


async def _until_somebody_disputes(stage: Stage, stopping: asyncio.Event) -> None:
    deadline = time.monotonic() + _CATCH_UP_SECONDS
    while not stage.clients.disputed and not stopping.is_set() and time.monotonic() < deadline:
        await wait_for(stopping, _LOOK_EVERY_SECONDS)


async def _see_contested(stage: Stage) -> None:
    """Waits until the heads of the offices see what clients disputed."""
    mentoring, disputed = stage.installation.url("mentoring"), stage.clients.disputed
    found = await contested(mentoring, disputed, stage.administrator, stage.staff, _CATCH_UP_SECONDS)
    stage.scenes.contested, stage.scenes.corrected = found


async def _keep_board(stage: Stage) -> None:
    every = _LOOK_EVERY_SECONDS if stage.console.is_terminal else _PLAIN_LOOK_EVERY_SECONDS
    while True:
        with suppress(httpx.HTTPError, GaveUpError):
            stage.board.update(await look(stage))
        await asyncio.sleep(every)


@asynccontextmanager
async def _in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, *UNAVAILABLE):
            await task


def _looking_into(pool: Pool) -> Callable[[Collection[Aggregate]], Awaitable[Collection[Aggregate]]]:
    """Facts and totals change in one transaction, so the fact tells when the figures moved."""

    async def look_into(wanted: Collection[Aggregate]) -> Collection[Aggregate]:
        seen: set[Aggregate] = set()
        for kind, sql in (("business", _SHOWN_BUSINESSES), ("session", _SHOWN_SESSIONS)):
            ids = [id_ for wanted_kind, id_ in wanted if wanted_kind == kind]
            if ids:
                seen |= {(kind, row["id"]) for row in await pool.fetch(sql, ids)}
        return seen

    return look_into


def _writer(installation: Installation, stack: AsyncExitStack, name: str) -> Writer:
    writer = Writer(Log(installation.writers_dir / f"{name}.jsonl"))
    stack.push_async_callback(writer.close)
    return writer


def _chance(installation: Installation, office: Office) -> random.Random:
    """The same story for the same past: a second start goes on with other businesses."""
    path = installation.writers_dir / f"{office.code}.jsonl"
    return random.Random(f"{office.code} {path.stat().st_size}")  # noqa: S311  a story's dice
