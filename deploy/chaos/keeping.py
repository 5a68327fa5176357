"""What is kept of a course that failed: enough to see what happened, and the command that repeats it."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg

from deploy.chaos import topics
from deploy.chaos.result import Result
from deploy.local.installation import Installation
from deploy.local.table import SERVICES
from shared.kafka_admin import KafkaTrouble
from shared.postgres import UNAVAILABLE

_CANNOT: tuple[type[Exception], ...] = (KafkaTrouble, asyncpg.PostgresError, *UNAVAILABLE)
_TABLES = "select tablename from pg_tables where schemaname = $1 order by 1"


async def keep(result: Result, installation: Installation, directory: Path, rounds: int) -> Path:
    """Copies the writers' histories, logs, tables and topics of an installation that still runs; returns where to.

    What cannot be read is told in a file instead: a course may fail because it cannot.
    """
    place = directory / f"{result.name}-{result.seed}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    (place / "result.json").write_text(json.dumps(result.as_json(), indent=1), encoding="utf-8")
    (place / "repeat.sh").write_text(f"{repeating(result, rounds)}\n", encoding="utf-8")
    for source in (installation.writers_dir, installation.logs):
        if source.is_dir():
            shutil.copytree(source, place / source.name)
    for name, dump in (("tables", _dump_tables), ("topics", _dump_topics)):
        (place / name).mkdir()
        await _or_say_why(place / name, dump, installation)
    return place


def repeating(result: Result, rounds: int) -> str:
    """Returns the command that runs the same schedule again."""
    return f"plut chaos --scenario {result.name} --seed {result.seed} --rounds {rounds}"


async def _or_say_why(place: Path, dump: Any, installation: Installation) -> None:  # noqa: ANN401  one of the two below
    try:
        await dump(place, installation)
    except _CANNOT as error:
        (place / "not-dumped.txt").write_text(f"{error!r}\n", encoding="utf-8")


async def _dump_tables(place: Path, installation: Installation) -> None:
    """As CSV; identities are encrypted in them, and the keys stay where they are."""
    connection = await asyncpg.connect(installation.superuser_dsn(), timeout=5)
    try:
        for schema in SERVICES:
            for row in await connection.fetch(_TABLES, schema):
                table = row["tablename"]
                await connection.copy_from_table(
                    table, schema_name=schema, output=place / f"{schema}.{table}.csv", format="csv", header=True
                )
    finally:
        await connection.close(timeout=5)


async def _dump_topics(place: Path, installation: Installation) -> None:
    """As JSON lines, one file per topic."""
    files: dict[str, Any] = {}
    try:
        async for record in topics.records(installation.kafka_bootstrap):
            if record.topic not in files:
                files[record.topic] = (place / f"{record.topic}.jsonl").open("w", encoding="utf-8")
            files[record.topic].write(json.dumps(_readable(record)) + "\n")
    finally:
        for file in files.values():
            file.close()


def _readable(record: Any) -> Mapping[str, Any]:  # noqa: ANN401  aiokafka's
    return {
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": _text(record.key),
        "headers": {name: _text(value) for name, value in record.headers},
        "value": _text(record.value),
    }


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", errors="backslashreplace")
