"""`plut parked`, from the terminal to the running consumer and back."""

import asyncio
import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy.cli import parked
from deploy.cli.main import app
from tests.infrastructure.databases import Database
from tests.integration.consumer.conftest import GROUP, TIMES, Bench, Counting
from tests.integration.consumer.test_bad_records import PARKED
from tests.support.log import business

pytestmark = pytest.mark.kafka


@pytest.fixture(autouse=True)
def installation(monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    """The command finds this test's database."""
    found = SimpleNamespace(settings=database.settings)
    monkeypatch.setattr(parked, "Installation", SimpleNamespace(open=lambda _directory: found))


async def plut(*words: str, status: int = 0) -> Any:
    """Returns what the command prints as JSON, or what it says is wrong."""
    outcome = await asyncio.to_thread(CliRunner().invoke, app, ["parked", *words, "--json"])
    assert outcome.exit_code == status, outcome.output
    # The consumer runs in this process too, and its log lines go the same way.
    return json.loads(outcome.stdout.splitlines()[-1]) if status == 0 else outcome.stderr


async def test_an_operator_lists_shows_retries_and_skips(bench: Bench, counting: Counting, tmp_path: Path) -> None:
    await bench.host(counting)
    await bench.log.publish(business(name="forbidden"))
    await bench.until(PARKED, 1)
    await bench.log.put_bad(value=b"\xff not json")
    await bench.until(PARKED, 2)
    garbage, refused = (await plut("list", "--data-dir", str(tmp_path)))["parked"]
    shown = await plut("show", garbage["id"])
    assert shown["value"] == "\\xff not json"
    assert shown["value_digest"] == hashlib.sha256(b"\xff not json").hexdigest()
    assert "still refused" in await plut("retry", refused["id"], status=1)
    await bench.allow_forbidden_names()
    assert (await plut("retry", refused["id"]))["status"] == "applied"
    assert await bench.value(TIMES) == 1
    closed = await plut("skip", garbage["id"], "--reason", "a test of the producer")
    assert closed["status"] == "skipped"
    assert closed["closed_by"]
    assert [action["action"] for action in (await plut("show", refused["id"]))["actions"]] == [
        "retry_requested",
        "retry_failed",
        "retry_requested",
        "applied",
    ]
    assert (await plut("list"))["parked"] == []
    assert len((await plut("list", "--all"))["parked"]) == 2
    assert "not open" in await plut("retry", garbage["id"], status=1)
    # The audit outlives the records: a new history deletes those.
    await bench.pool.execute("delete from parked_record")
    audit = (await plut("audit"))["actions"]
    assert [(each["action"], each["detail"]) for each in audit[:2]] == [
        ("skipped", "a test of the producer"),
        ("applied", None),
    ]
    assert len(audit) == 5
    assert all(each["actor"] and each["consumer_group"] == GROUP for each in audit)
    assert all("registry.business.v1" in each["record"] for each in audit)


async def test_several_are_closed_at_once_and_one_that_cannot_be_keeps_none_back(
    bench: Bench, counting: Counting
) -> None:
    await bench.host(counting)
    await bench.log.put_bad(3)
    await bench.until(PARKED, 3)
    first, second, third = [each["id"] for each in (await plut("list"))["parked"]]
    await plut("skip", second, "--reason", "noise")
    assert f"{second} is not open" in await plut("skip", first, second, third, "--reason", "noise", status=1)
    assert (await plut("list"))["parked"] == []
    assert "not open" in await plut("retry", first, third, status=1)


async def test_an_operator_lets_a_stopped_consumer_go_on(bench: Bench, counting: Counting) -> None:
    host = await bench.host(counting)
    await bench.log.put_bad(55)
    await bench.until_ready(host, "stands still")
    assert (await plut("list"))["stopped"] == [{"service": "mentoring", "group": GROUP}]
    assert (await plut("resume", GROUP, "--reason", "somebody has looked"))["group"] == GROUP
    (resumed,) = (await plut("audit"))["actions"]
    assert (resumed["action"], resumed["detail"], resumed["id"]) == ("resumed", "somebody has looked", None)
    await bench.until(PARKED, 55)
    assert "neither stands still" in await plut("resume", GROUP, status=1)


@pytest.mark.parametrize("number", ["12", "registry-1", "reporting-x", "reporting-99999999999999999999"])
async def test_a_wrong_id_is_told_with_its_cure(number: str) -> None:
    assert "plut parked list" in await plut("show", number, status=1)


async def test_an_unanswered_retry_stands(bench: Bench, counting: Counting) -> None:
    host = await bench.host(counting)
    await bench.log.put_bad()
    await bench.until(PARKED, 1)
    await host.stop()
    number = (await plut("list"))["parked"][0]["id"]
    assert "the request stands" in await plut("retry", number, "--timeout", "1", status=1)
    assert (await plut("show", number))["status"] == "retry_requested"
