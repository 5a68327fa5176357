"""Offices and listeners: what the world does while things break."""

import asyncio
import random
from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import httpx

from deploy.chaos.load.listener import Listener
from deploy.chaos.load.routes import Routes
from deploy.chaos.load.writer import ImpatientWriter, LeftUnknown
from deploy.demo.office import Acknowledged, SimulatedOffice
from deploy.demo.people import OFFICES
from deploy.demo.staff import Staff
from deploy.demo.story import open_offices
from deploy.demo.writer import GaveUpError, Log, Writer
from deploy.local.installation import Installation
from shared.loops import wait_for

_PAUSE_SECONDS = (0.1, 0.4)
_LISTENERS = 2


class Load:
    """Some of the eight offices write at once, over all addresses of each api; browsers listen at reporting's."""

    def __init__(self, installation: Installation, dice: random.Random, offices: int = 4) -> None:
        self._installation = installation
        self._dice = dice
        self._routes = Routes(installation, dice)
        self._wanted = OFFICES[-offices:]
        self._exits = AsyncExitStack()
        self._stopping = asyncio.Event()
        self._writing: list[asyncio.Task[None]] = []
        self._writers: list[ImpatientWriter] = []
        self.staff = Staff(installation)
        self.offices: list[SimulatedOffice] = []
        self.listeners: list[Listener] = []
        self.troubles: list[str] = []

    async def __aenter__(self) -> Self:
        """Opens the offices and lets everybody begin."""
        try:
            await self._begin_all()
        except BaseException:
            await self._exits.aclose()
            raise
        return self

    async def _begin_all(self) -> None:
        staff = self.staff
        self._exits.push_async_callback(staff.close)
        administrator = Writer(Log(self._installation.writers_dir / "administrator.jsonl"), self._routes)
        self._exits.push_async_callback(administrator.close)
        for office in self._wanted:
            log = Log(self._installation.writers_dir / f"{office.code}.jsonl")
            writer = ImpatientWriter(log, self._routes, self._dice)
            self._exits.push_async_callback(writer.close)
            self._writers.append(writer)
            chance = random.Random(self._dice.random())  # noqa: S311  a load's dice
            self.offices.append(SimulatedOffice(office, self._installation, staff, writer, chance, _nobody))
        await open_offices(self._installation, staff, administrator, self.offices)
        for writer in self._writers:
            writer.impatient = True
        self._begin()
        self.listeners = [Listener(self._installation, number) for number in range(_LISTENERS)]
        for listener in self.listeners:
            await listener.start()
            self._exits.push_async_callback(listener.stop)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:  # nobody will judge: what is under way need not end well
            await self._break_off()
        await self.stop()
        await self._exits.aclose()

    async def _break_off(self) -> None:
        writing, self._writing = self._writing, []
        for task in writing:
            task.cancel()
        await asyncio.gather(*writing, return_exceptions=True)

    def acknowledged_by_office(self) -> Mapping[str, int]:
        """Returns how many requests each office was told are accepted."""
        return {
            office.office.code: writer.acknowledged for office, writer in zip(self.offices, self._writers, strict=True)
        }

    @property
    def acknowledged(self) -> int:
        return sum(writer.acknowledged for writer in self._writers)

    @property
    def without_answer(self) -> int:
        """How many requests got no answer, whatever became of them later."""
        return sum(writer.without_answer for writer in self._writers)

    @property
    def told_later(self) -> int:
        """How many requests were answered with 503: try again later."""
        return sum(writer.later for writer in self._writers)

    def answer_seconds(self) -> list[float]:
        """Returns how long each accepted request has taken, in no order, and begins to count anew."""
        taken = [each for writer in self._writers for each in writer.seconds]
        for writer in self._writers:
            writer.seconds.clear()
        return taken

    @property
    def wrong_answers(self) -> list[str]:
        """Answers that no client should ever get, and what ended an office's work."""
        return [*self.troubles, *(wrong for writer in self._writers for wrong in writer.wrong)]

    async def stop(self) -> None:
        """Lets every office finish what it is at; listeners listen on. Safe to call twice."""
        self._stopping.set()
        await asyncio.gather(*self._writing)
        self._writing.clear()

    async def resume(self) -> None:
        """Lets everybody write on after `stop`, with what the services know of today: some may have gone."""
        for office in self.offices:
            office.sessions.clear()
            await office.remember()
        self._stopping.clear()
        self._begin()

    def _begin(self) -> None:
        self._writing = [asyncio.create_task(self._write(office)) for office in self.offices]

    async def resolve(self) -> int:
        """Sends every request that was left without an answer again, with its key; returns how many there were.

        What is still not answered stands in `wrong_answers`.
        """
        return sum([await writer.resolve() for writer in self._writers])

    async def _write(self, office: SimulatedOffice) -> None:
        while not self._stopping.is_set():
            try:
                await office.write_once()
            except LeftUnknown:
                pass
            except (GaveUpError, httpx.HTTPError) as error:
                self.troubles.append(f"{office.office.code}: {error!r}")
            await wait_for(self._stopping, office.chance.uniform(*_PAUSE_SECONDS))


def _nobody(_told: Acknowledged) -> None:
    """Nobody waits for single effects here: the judge compares all of them."""
