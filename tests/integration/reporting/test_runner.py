"""Which sets the consumer runs: all that are not retired, but for those that stand still or are of newer rules."""

from typing import cast

import pytest

from services.reporting import freshness
from services.reporting.projections import RULES
from services.reporting.runner import SetRunner
from shared.clock import utc_now
from shared.consumer import watermarks
from shared.consumer.applier import Applier
from shared.consumer.host import ConsumerHost
from shared.contracts.platform import Watermark
from shared.postgres import Pool


class Host:
    """Remembers whom it was asked to follow."""

    def __init__(self) -> None:
        self.groups: set[str] = set()

    async def add(self, applier: Applier) -> None:
        assert applier.group not in self.groups
        self.groups.add(applier.group)

    async def remove(self, group: str) -> None:
        self.groups.remove(group)


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def runner(host: Host, worker: Pool) -> SetRunner:
    return SetRunner(cast("ConsumerHost", host), worker)


async def _set(worker: Pool, version: int, rules: int, state: str, stage: str) -> None:
    await worker.execute(
        "insert into read_model_set (version, rules, state, stage) values ($1, $2, $3, $4)"
        " on conflict (version) do update set rules = $2, state = $3, stage = $4",
        version,
        rules,
        state,
        stage,
    )


async def test_a_set_is_followed_from_its_beginning_to_its_end(runner: SetRunner, host: Host, worker: Pool) -> None:
    await runner.look()
    assert host.groups == {"reporting-set-1"}
    for state, stage, followed in (
        ("building", "reading", True),
        ("building", "summing", False),
        ("building", "following", True),
        ("retired", "following", False),
    ):
        await _set(worker, 2, RULES, state, stage)
        await runner.look()
        assert ("reporting-set-2" in host.groups) is followed, (state, stage)
        assert "reporting-set-1" in host.groups


async def test_a_set_of_newer_rules_is_left_to_a_newer_program(runner: SetRunner, host: Host, worker: Pool) -> None:
    await _set(worker, 2, RULES + 1, "building", "reading")
    await runner.look()
    assert host.groups == {"reporting-set-1"}


async def test_each_read_model_is_as_fresh_as_the_services_that_feed_it(worker: Pool) -> None:
    async with worker.acquire() as connection:
        told = Watermark(service="registry", history=1, epoch=1, fence=1, at=utc_now(), ends=[], held_back=0)
        await watermarks.file(connection, [told])
        found = {one.name: one for one in await freshness.read_models(connection)}
    assert found["businesses_by_region"].as_of == told.at
    assert (found["businesses_by_region"].behind_ms or 0) >= 0
    assert (found["office_activity"].as_of, found["office_activity"].behind_ms) == (None, None)
