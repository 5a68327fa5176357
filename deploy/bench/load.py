"""The writers of the measurement, a process of their own: `python -m deploy.bench.load`, told by a JSON line on stdin.

Commands run at a fixed rate whatever becomes of them (open loop). For each one a JSON line tells the effect to look for
and the instant (time.monotonic, one clock for the whole machine) at which COMMIT had returned.
"""

import asyncio
import json
import sys
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import uvloop

from deploy.bench import province
from deploy.demo.people import nik
from deploy.local.installation import Installation
from services.mentoring import commands as mentoring
from services.mentoring.domain import Channel, Field, NewConsultant, Occupation, Service, SessionDraft
from services.registry import commands as registry
from services.registry.app import open_vault
from services.registry.domain.forms import BusinessCorrection, BusinessForm, Kind, OfficeForm, OwnerForm
from services.registry.domain.identity import Vault
from services.registry.settings import RegistrySettings
from shared.clock import business_day, utc_now
from shared.commands import Answer, Busy, Request
from shared.ids import new_id
from shared.postgres import UNAVAILABLE, Pool, role_name
from shared.settings import Settings

_CONSULTANTS_PER_OFFICE = 40
_BUSINESSES_PER_OFFICE = 25
_CONNECTIONS = 8
# Of ten commands seven complete a session, two register a business, one corrects one.
_SESSIONS_OF_TEN, _REGISTRATIONS_OF_TEN = 7, 2


_TOO_MUCH: tuple[type[BaseException], ...] = (Busy, *UNAVAILABLE)


@dataclass
class _Commit:
    """When the COMMIT of a command had returned."""

    at: float = 0.0


_commit: ContextVar[_Commit] = ContextVar("_commit")


def _note_commit(query: Any) -> None:  # noqa: ANN401  asyncpg's LoggedQuery
    if query.query == "COMMIT;":
        _commit.get(_Commit()).at = time.monotonic()


async def _listen(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    connection.add_query_logger(_note_commit)


@dataclass
class Load:
    """What the writers know: their pools, and what they have registered so far."""

    registry: Pool
    mentoring: Pool
    vault: Vault
    today: date
    consultants: dict[str, list[UUID]] = field(default_factory=dict)
    businesses: dict[str, list[UUID]] = field(default_factory=dict)
    revisions: dict[UUID, int] = field(default_factory=dict)
    sessions: int = 0
    numbers: int = 0
    failed: int = 0

    async def prepare(self) -> None:
        """Opens the offices and registers consultants and a few businesses of each."""
        opened_on = province.first_day(self.today).isoformat()
        for code in province.CODES:
            form = OfficeForm.model_validate({"code": code, "name": f"PLUT {code}", "opened_on": opened_on})
            await registry.open_office(self.registry, request(), form)
        await asyncio.gather(*(self._staff(code) for code in province.CODES))

    async def _staff(self, code: str) -> None:
        self.consultants[code] = [await self._consultant(code) for _ in range(_CONSULTANTS_PER_OFFICE)]
        self.businesses[code] = []
        for _ in range(_BUSINESSES_PER_OFFICE):
            await self.register(code)

    async def _consultant(self, code: str) -> UUID:
        new = NewConsultant(
            code, f"stf-{uuid4().hex}", "Konsultan Ukur", [Field.PRODUCTION], province.first_day(self.today)
        )
        return UUID((await mentoring.register_consultant(self.mentoring, request(), new)).body["id"])

    async def write(self, number: int) -> dict[str, Any]:
        """Runs the n-th command and returns the effect to look for."""
        code = province.CODES[number % len(province.CODES)]
        kind = number // len(province.CODES) % 10
        if kind < _SESSIONS_OF_TEN:
            return await self.complete()
        if kind < _SESSIONS_OF_TEN + _REGISTRATIONS_OF_TEN:
            return {"business": str(await self.register(code)), "version": 1}
        return await self.correct(code)

    async def complete(self) -> dict[str, Any]:
        number, self.sessions = self.sessions, self.sessions + 1
        office, day, count = province.place_of(number, self.today)
        draft = SessionDraft(
            office=office,
            occupation=Occupation(day, None, 30, 5, 5),
            consultants=[self.consultants[office][number // len(province.CODES) % _CONSULTANTS_PER_OFFICE]],
            businesses=[self.businesses[office][number % len(self.businesses[office])]],
            field=Field.PRODUCTION,
            service=Service.BUSINESS_MENTORING,
            channel=Channel.OFFICE_VISIT,
        )
        await mentoring.complete_session(self.mentoring, request(), draft)
        return {"office": office, "day": day.isoformat(), "count": count}

    async def register(self, code: str) -> UUID:
        number, self.numbers = self.numbers, self.numbers + 1
        form = BusinessForm(
            office=code,
            trade_name=f"Usaha Ukur {number}",
            kinds=[Kind.UMKM],
            kelurahan=province.kelurahan(code, number),
            owners=[OwnerForm(name="Pemilik Ukur", nik=nik(_dice(number), code))],
        )
        answer = await registry.register_business(self.registry, self.vault, request(), form)
        business = UUID(answer.body["id"])
        self.businesses[code].append(business)
        self.revisions[business] = 1
        return business

    async def correct(self, code: str) -> dict[str, Any]:
        business = self.businesses[code].pop(0)
        form = BusinessCorrection(trade_name=f"Usaha Ukur {new_id().hex[-8:]}")
        answer: Answer = await registry.correct_business(
            self.registry, self.vault, request(), business, self.revisions[business], form
        )
        self.revisions[business] = answer.body["revision"]
        self.businesses[code].append(business)
        return {"business": str(business), "version": answer.body["version"]}

    async def run(self, rate: float, seconds: float, warm_up: float) -> float:
        """Starts a command every 1/rate seconds, whether or not earlier ones have ended; returns the rate reached.

        What is written in the first `warm_up` seconds is marked as not counted.
        """
        start = time.monotonic()
        running: set[asyncio.Task[None]] = set()
        commands = round(rate * (warm_up + seconds))
        for number in range(commands):
            await asyncio.sleep(max(0.0, start + number / rate - time.monotonic()))
            task = asyncio.create_task(self._timed(number, counted=number >= round(rate * warm_up)))
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.gather(*running)
        return commands / (time.monotonic() - start)

    async def _timed(self, number: int, *, counted: bool) -> None:
        commit = _Commit()
        _commit.set(commit)
        try:
            effect = await self.write(number)
        except _TOO_MUCH:
            self.failed += 1  # more was asked than the machine can do; what became of it is not measured
        else:
            say({**effect, "at": commit.at, "counted": counted})


def request() -> Request:
    """Returns what the edge would have known of a write."""
    key = str(uuid4())
    return Request(province.everybody(), key, key.encode(), new_id(), None, utc_now())


def say(told: dict[str, Any]) -> None:
    """Tells the process that measures."""
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def _dice(number: int) -> Any:  # noqa: ANN401  random.Random
    import random

    return random.Random(number)  # noqa: S311  a measurement's dice


async def _pool(settings: Settings, service: str) -> Pool:
    """A pool like the api's, which also notes when COMMIT returns."""
    return await asyncpg.create_pool(
        host=settings.postgres_host,
        port=settings.postgres_port,
        database=settings.postgres_database,
        user=role_name(service, "app"),
        password=settings.postgres_password.get_secret_value(),
        min_size=_CONNECTIONS,
        max_size=_CONNECTIONS,
        init=_listen,
        server_settings={"search_path": f"{service}, extensions", "application_name": "plut-bench"},
    )


async def _main(told: dict[str, Any]) -> None:
    installation = Installation.open(Path(told["data_dir"]))
    registry_settings = installation.settings("registry", "api", RegistrySettings, keys_dir=installation.keys_dir)
    load = Load(
        await _pool(registry_settings, "registry"),
        await _pool(installation.settings("mentoring", "api"), "mentoring"),
        open_vault(registry_settings),
        business_day(utc_now()),
    )
    await load.prepare()
    say({"prepared": True})
    await asyncio.to_thread(sys.stdin.readline)
    before = time.process_time()
    reached = await load.run(told["rate"], told["seconds"], told["warm_up"])
    say({"done": True, "reached": reached, "failed": load.failed, "spent": time.process_time() - before})


if __name__ == "__main__":
    uvloop.run(_main(json.loads(sys.stdin.readline())))
