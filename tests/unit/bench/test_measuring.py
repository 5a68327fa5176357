"""What is measured, and what is made of it."""

import asyncio
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.bench.asking import Answer
from deploy.bench.latency import percentile, summary
from deploy.bench.query import kept_by, ratios
from deploy.bench.visibility import Watch


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0.01, 1))
def test_a_percentile_was_measured_and_enough_lie_below_it(values: list[float], share: float) -> None:
    ordered = sorted(values)
    found = percentile(ordered, share)
    assert found in ordered
    assert sum(value <= found for value in ordered) >= share * len(ordered)


def test_a_single_slow_one_of_a_hundred_is_the_greatest_and_not_the_99th() -> None:
    assert summary([0.001] * 99 + [1.0]) == {"p50_ms": 1.0, "p90_ms": 1.0, "p99_ms": 1.0, "max_ms": 1000.0}
    assert summary([0.001] * 98 + [1.0] * 2)["p99_ms"] == 1000.0


def test_an_answer_keeps_its_limits_only_if_it_is_flat_and_quick() -> None:
    flat = [Answer("/a", 100, 4.0, 9.0, 2.0), Answer("/a", 10_000, 4.8, 49.0, 3.0)]
    assert ratios(flat) == {"/a": 1.2}
    assert ratios(flat, by=lambda each: each.cpu_ms) == {"/a": 1.5}
    assert kept_by(flat)
    assert not kept_by([*flat, Answer("/b", 100, 4.0, 9.0, 2.0), Answer("/b", 10_000, 4.9, 9.0, 2.0)])
    assert not kept_by([flat[0], replace(flat[1], p99_ms=50.5)])


def test_nothing_measured_is_not_zero() -> None:
    assert summary([])["p50_ms"] is None


async def test_a_watch_counts_each_effect_from_its_own_instant_and_names_what_is_missing() -> None:
    shown: set[str] = set()

    async def look(wanted: Collection[str]) -> Collection[str]:
        return shown & set(wanted)

    watch: Watch[str] = Watch(look)
    running = asyncio.create_task(watch.run())
    now = time.monotonic()
    watch.expect("a", now - 5)
    watch.expect("b", now)
    shown.add("a")
    assert not await watch.drain(0.1)
    assert watch.missing == 1
    assert watch.seconds == [pytest.approx(5, abs=1)]
    shown.add("b")
    assert await watch.drain(10)
    assert len(watch.seconds) == 2
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
