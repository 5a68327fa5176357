"""The process dies in the worst places, or is told to stop in the middle of a batch: each record still takes
effect once.
"""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import asyncpg
import pytest

from tests.integration.consumer.conftest import SERVICE, Bench
from tests.support.log import business

pytestmark = pytest.mark.kafka

ROOT = Path(__file__).parents[3]


async def _start(bench: Bench, group: str, failpoints: str = "", seconds: float = 0) -> Process:
    settings = bench.settings
    environment = {
        **os.environ,
        "PLUT_ENV": "local",
        "PLUT_LOG_FORMAT": "json",
        "PLUT_POSTGRES_HOST": settings.postgres_host,
        "PLUT_POSTGRES_PORT": str(settings.postgres_port),
        "PLUT_POSTGRES_DATABASE": settings.postgres_database,
        "PLUT_POSTGRES_PASSWORD": settings.postgres_password.get_secret_value(),
        "PLUT_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "PLUT_TOPIC_PREFIX": settings.topic_prefix,
        "PLUT_HTTP_PORT": "0",
        "PLUT_FAILPOINTS": failpoints,
    }
    module = "tests.integration.consumer.counting_process"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, group, str(seconds), cwd=ROOT, env=environment, stdout=PIPE
    )
    bench.processes.append(process)
    await _until_it_says(process, b"listening")
    return process


async def _until_it_says(process: Process, word: bytes) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(40):
        while word not in (line := await process.stdout.readline()):
            assert line, f"it ended before it said {word!r}"


async def _stop(process: Process) -> int:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    await asyncio.wait_for(process.communicate(), 15)
    assert process.returncode is not None
    return process.returncode


async def _table(bench: Bench, name: str) -> None:
    connection = await asyncpg.connect(bench.superuser_dsn)
    await connection.execute(f"create table {SERVICE}.{name} (like {SERVICE}.counted including all)")
    await connection.execute(f"grant select, insert, update, delete on {SERVICE}.{name} to {SERVICE}_worker")
    await connection.close()


async def _dies_and_recovers(bench: Bench, failpoint: str) -> None:
    group = failpoint.replace("proj.", "")
    await _table(bench, group)
    doomed = await _start(bench, group, f"{failpoint}=kill")
    await asyncio.wait_for(doomed.communicate(), 40)
    assert doomed.returncode == -signal.SIGKILL, "the fault must have happened"
    heir = await _start(bench, group)
    await bench.until(f"select coalesce(sum(times), 0)::int from {group}", 40)
    assert await bench.value(f"select count(*)::int from {group} where times > 1") == 0
    assert await _stop(heir) == 0


async def test_killed_before_and_after_the_commit_and_in_a_rebalance(bench: Bench) -> None:
    await bench.log.publish(*[business() for _ in range(40)])
    await asyncio.gather(
        *(_dies_and_recovers(bench, f"proj.{where}") for where in ("before_commit", "after_commit", "rebalance"))
    )


async def test_told_to_stop_in_the_middle_of_a_batch(bench: Bench) -> None:
    await _table(bench, "patient")
    await bench.log.publish(*[business() for _ in range(10)])
    process = await _start(bench, "patient", seconds=1)
    await _until_it_says(process, b"applying")
    told = time.monotonic()
    assert await _stop(process) == 0
    assert time.monotonic() - told < 10
    done = await bench.value("select coalesce(sum(times), 0)::int from patient")
    assert done == await bench.value(
        "select sum(next_offset)::int from consumer_offset where consumer_group = 'patient'"
    )
    heir = await _start(bench, "patient")
    await bench.until("select coalesce(sum(times), 0)::int from patient", 10)
    assert await _stop(heir) == 0
