"""An HTTP command measured: authenticated, validated, scoped, idempotent, encrypted and committed.

Beside it, in the same run: an empty endpoint with the same body, and pgbench with "update and insert" as one statement.
"""

import asyncio
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg

from deploy.bench import lines, province
from deploy.bench.cpu import Spent
from deploy.bench.desk import only_the_api, open_office, registry_pool, registry_settings, request
from deploy.bench.latency import summary
from deploy.bench.words import unlike_name
from deploy.demo.people import nik
from deploy.demo.staff import Staff
from deploy.local.installation import Installation
from deploy.local.postgres import find_runner
from services.registry.app import open_vault
from services.registry.commands.registrations import Registrations
from services.registry.domain import business as rules
from services.registry.domain.forms import BusinessForm
from shared.auth.principal import Role
from shared.auth.tokens import Verifier
from shared.clock import business_day, utc_now
from shared.ids import new_id
from shared.postgres import Pool

# Eight desks in each of eight offices: so many connections leave nothing of the api idle.
_LINES = 64
_WARM_UP_SECONDS = 5.0
# Commands and the empty endpoint take turns, for a machine that others share changes its speed within a minute.
_TURNS = 6
_MOST_PER_SECOND = 2_000
_STAGE_COMMANDS = 300
_PGBENCH_SECONDS = 5
_PGBENCH = """
\\set id random(1, 10000)
with changed as (update bench.aggregate set version = version + 1 where id = :id returning version)
insert into bench.told (aggregate_id, version, payload) select :id, version, '{"state": {"name": "x"}}' from changed;
"""
_PGBENCH_TABLES = """
create schema bench;
create table bench.aggregate (id int primary key, version bigint not null);
insert into bench.aggregate select n, 0 from generate_series(1, 10000) n;
create table bench.told (seq bigint generated always as identity primary key, xid xid8 default pg_current_xact_id(),
                         aggregate_id int not null, version bigint not null, payload json not null);
create index on bench.told (xid);
"""

Say = Callable[[str], None]


class RefusedError(Exception):
    """Commands were not accepted: what was measured would be something else."""


@dataclass(frozen=True)
class Measured:
    """Rates per second; `spent_on`: microseconds of processor time per command."""

    commands: float
    empty: float
    pgbench: float
    half_load: list[float]
    spent_on: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        times = summary(self.half_load)
        return {
            "commands_per_s": round(self.commands),
            "p50_ms": times["p50_ms"],
            "p99_ms": times["p99_ms"],
            "empty_per_s": round(self.empty),
            "pgbench_tps": round(self.pgbench),
            "ratio_empty": round(self.commands / self.empty, 3),
            "ratio_pgbench": round(self.commands / self.pgbench, 3),
            "spent_on": self.spent_on,
        }


async def measure(installation: Installation, seconds: float, say: Say) -> Measured:
    """Measures registrations at an installation's registry for `seconds` each: as many as it can, then half of that.

    Raises RefusedError if any is not accepted.
    """
    bench = await _Bench.open(installation)
    try:
        await bench.open_offices()
        await only_the_api(installation)
        requests = bench.requests(round((_WARM_UP_SECONDS + 2 * seconds) * _MOST_PER_SECOND))
        port = int(installation.url("registry").rsplit(":", 1)[1])
        same = cycle(bench.requests(_MOST_PER_SECOND))
        say(f"registrations, and an empty endpoint with the same bodies, as fast as {_LINES} connections are answered")
        full, empty = lines.Answered(), lines.Answered()
        async with _empty_endpoint() as empty_port:
            await lines.as_fast_as_possible(port, requests, _WARM_UP_SECONDS, _LINES)
            await lines.as_fast_as_possible(empty_port, same, _WARM_UP_SECONDS, _LINES)
            before = Spent.by(installation)
            for _ in range(_TURNS):
                full += _accepted(await lines.as_fast_as_possible(port, requests, seconds / _TURNS, _LINES))
                empty += _accepted(await lines.as_fast_as_possible(empty_port, same, seconds / _TURNS, _LINES))
            spent = Spent.by(installation)
        say(f"{full.rate:.0f} and {empty.rate:.0f} per second; now half of the first")
        half = _accepted(await lines.at_rate(port, requests, full.rate / 2, seconds, _LINES))
        say("pgbench")
        tps = await _pgbench(installation)
        stages = await bench.stages()
    finally:
        await bench.close()
    commands = len(full.delays)
    api, postgres = (spent.of(name, before) / commands * 1e6 for name in ("registry-api", "postgres"))
    known = {"framework": 1e6 / empty.rate, **stages}
    spent_on = {"api": api, **known, "edge_and_rest": max(0.0, api - sum(known.values())), "postgres": postgres}
    return Measured(full.rate, empty.rate, tps, half.delays, {name: round(each) for name, each in spent_on.items()})


def _accepted(answered: lines.Answered) -> lines.Answered:
    if answered.refused():
        raise RefusedError(f"not accepted, by status: {answered.refused()}")
    return answered


class _Bench:
    """Requests by the front desks of all offices, and what each of their stages costs when it is run by itself."""

    def __init__(self, installation: Installation, staff: Staff, tokens: Mapping[str, str], pool: Pool) -> None:
        self._installation = installation
        self._staff = staff
        self._tokens = tokens
        self._pool = pool
        self._settings = registry_settings(installation)
        self._vault = open_vault(self._settings)
        self._chance = random.Random()  # noqa: S311  a measurement's dice

    @classmethod
    async def open(cls, installation: Installation) -> "_Bench":
        staff = Staff(installation)
        tokens = {code: await staff.token_of(Role.FRONT_DESK, code)() for code in province.CODES}
        return cls(installation, staff, tokens, await registry_pool(installation, size=2))

    async def close(self) -> None:
        self._pool.terminate()
        await self._staff.close()

    async def open_offices(self) -> None:
        for code in province.CODES:
            await open_office(self._pool, code)

    def requests(self, count: int) -> Iterator[bytes]:
        """Returns so many registrations over the wire, each of another business: made now, not while it is measured."""
        return iter([self._request(code) for code in islice(cycle(province.CODES), count)])

    async def stages(self) -> dict[str, float]:
        """Returns microseconds of our own processor time for each stage of a command."""
        codes = list(islice(cycle(province.CODES), _STAGE_COMMANDS))
        bodies = [json.dumps(self._body(code)).encode() for code in codes]
        forms = [BusinessForm.model_validate_json(body) for body in bodies]
        registrations = [rules.register(form, new_id(), business_day(utc_now())) for form in forms]
        desk = Registrations(self._pool, self._vault)
        verifier = Verifier(self._settings)
        await verifier.ready()

        async def verify(number: int) -> None:
            await verifier.verify(self._tokens[codes[number]])

        async def validate(number: int) -> None:
            rules.register(BusinessForm.model_validate_json(bodies[number]), new_id(), business_day(utc_now()))

        async def seal(number: int) -> None:
            (owner,) = registrations[number].owners
            self._vault.seal_new(new_id(), self._vault.candidate(owner))

        async def run(number: int) -> None:
            await desk.register(request(body=bodies[number]), forms[number])

        token, validation, sealing = await _cost(verify), await _cost(validate), await _cost(seal)
        command = max(0.0, await _cost(run) - validation - sealing)
        return {"token": token, "validation": validation, "sealing": sealing, "command": command}

    def _request(self, code: str) -> bytes:
        headers = [("authorization", f"Bearer {self._tokens[code]}"), ("idempotency-key", uuid4().hex)]
        return lines.request("/v1/businesses", headers, json.dumps(self._body(code)).encode())

    def _body(self, code: str) -> dict[str, Any]:
        return {
            "office": code,
            "trade_name": unlike_name(self._chance),
            "kinds": ["umkm"],
            "kelurahan": province.kelurahan(code, self._chance.randrange(10_000)),
            "owners": [{"name": "Pemilik Ukur", "nik": nik(self._chance, code)}],
        }


async def _cost(stage: Callable[[int], Awaitable[None]]) -> float:
    """As many at once as there are connections: commands that come together share what they may."""
    numbers = iter(range(_STAGE_COMMANDS))

    async def line() -> None:
        for number in numbers:
            await stage(number)

    began = time.process_time()
    await asyncio.gather(*(line() for _ in range(_LINES)))
    return (time.process_time() - began) / _STAGE_COMMANDS * 1e6


@asynccontextmanager
async def _empty_endpoint() -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.bench.empty", stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None  # noqa: S101  a pipe was asked for
        yield int(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()


async def _pgbench(installation: Installation) -> float:
    """Returns transactions per second with eight clients, on the same server."""
    connection = await asyncpg.connect(installation.superuser_dsn(), timeout=5)
    try:
        await connection.execute(_PGBENCH_TABLES)
    finally:
        await connection.close(timeout=5)
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory) / "one.sql"
        script.write_text(_PGBENCH, encoding="utf-8")
        return await asyncio.to_thread(_run_pgbench, installation, script)


def _run_pgbench(installation: Installation, script: Path) -> float:
    options = ["-n", "-M", "prepared", "-f", str(script), "-c", "8", "-T", str(_PGBENCH_SECONDS)]
    argv = [str(find_runner().programs / "pgbench"), *options, installation.superuser_dsn()]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env=os.environ)  # noqa: S603  our own words
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout  # noqa: S101  pgbench always says it
    return float(found[1])
