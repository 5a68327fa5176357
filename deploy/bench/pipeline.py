"""The pipeline measured: commit → visible at a steady rate, and how fast a backlog goes through.

Everything real: commands, relays, Kafka, consumers, every read model; the sight is that of another connection.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from typing import Any

from deploy.bench.backlog import BUSINESSES, Backlog, written
from deploy.bench.cpu import Spent
from deploy.bench.eyes import Eyes
from deploy.bench.latency import summary
from deploy.bench.load import Effect, Load, Writers
from deploy.bench.rebuilding import rebuilt
from deploy.bench.visibility import Watch
from deploy.check import flow
from deploy.check.reader import SERVICES, Readers, open_readers
from deploy.local import launcher
from deploy.local.installation import Installation
from shared.clock import business_day, utc_now

_CONSUMING = ("mentoring", "reporting")
_SCALED = "reporting-consume"
# Reads the sessions too, but keeps no read model: it asks clients whether they were there.
_MESSENGER = "registry-consume"
_PRODUCERS = ("registry", "mentoring")
# A Java machine that was just started compiles its code while it runs; a try of a few seconds is not worth as much.
_LONGEST_WARM_UP_SECONDS = 15.0
_WARM_UP_BY_SECOND = 2.0
_ARRIVAL_SECONDS = 60.0
_BACKLOG_SECONDS = 600.0
_LOOK_EVERY_SECONDS = 0.005

# Of a backlog that one transaction wrote, the last row tells: relays publish in the order of seq. Cheap to ask.
_ACKNOWLEDGED = """
select pg_visible_in_snapshot(o.xid, r.snapshot)
       or coalesce(pg_visible_in_snapshot(o.xid, r.target) and o.seq <= r.after_seq, false)
from outbox o, relay_state r where o.seq = $1
"""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Measured:
    """What came out; rates are None where no backlog was asked for. `missing` never became visible."""

    events: int
    missing: int
    seconds: list[float]
    backlog_events: int | None = None
    backlog_rate: float | None = None
    relay_rate: float | None = None
    rebuild_rate: float | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "events": self.events,
            "missing": self.missing,
            **summary(self.seconds),
            "backlog_events": self.backlog_events,
            "backlog_events_per_s": None if self.backlog_rate is None else round(self.backlog_rate),
            "relay_events_per_s": None if self.relay_rate is None else round(self.relay_rate),
            "rebuild_events_per_s": None if self.rebuild_rate is None else round(self.rebuild_rate),
        }


@dataclass(frozen=True)
class Asked:
    """What is to be measured: a rate for so many seconds, by real commands or by their events, and a backlog.

    `messages`: clients are asked meanwhile, on the same processors. `consumers`: how many of reporting share the work.
    `scattered`: sessions come in the worst order. `rebuild`: afterwards the read models are rebuilt.
    """

    rate: float
    seconds: float
    commands: bool
    backlog: int
    messages: bool = False
    consumers: int = 1
    scattered: bool = False
    rebuild: bool = False


# Between two looks: a tenth of the usual delay, which so is measured a twentieth too long, for each look takes part of
# what is measured. In seconds, at least and at most.
_REST = (0.0005, 0.004)
_OF_DELAY = 10


async def measure(installation: Installation, asked: Asked, say: Say) -> Measured:
    """Measures a running installation, which is filled with made-up events. Raises what UNAVAILABLE names."""
    if not asked.messages:
        installation.hold(_MESSENGER)
        await _until(lambda: _is_down(installation, (_MESSENGER,)))
    await launcher.scale(installation, _SCALED, asked.consumers)
    async with AsyncExitStack() as stack:
        eyes = await Eyes.open(installation, stack, lambda: _rest(watch.usual))
        watch: Watch[Effect] = Watch(eyes.reporting.look, eyes.mentoring.look, rest=0.0)
        await _steady(installation, watch, asked, say)
        measured = Measured(len(watch.seconds) + watch.missing, watch.missing, watch.seconds)
        if asked.backlog:
            settings = {service: installation.settings(service, "worker") for service in SERVICES}
            readers = await stack.enter_async_context(open_readers(settings))
            relay_rate = await _relay_alone(installation, eyes, readers, asked, say)
            whole_rate = await _whole_way(installation, eyes, asked, say)
            measured = replace(measured, backlog_events=asked.backlog, backlog_rate=whole_rate, relay_rate=relay_rate)
        return replace(measured, rebuild_rate=await rebuilt(installation, say)) if asked.rebuild else measured


def _rest(usual: float) -> float:
    least, most = _REST
    return min(most, max(least, usual / _OF_DELAY))


# Steady


async def _steady(installation: Installation, watch: Watch[Effect], asked: Asked, say: Say) -> None:
    what = "commands" if asked.commands else "commands' events"
    warm_up = min(_LONGEST_WARM_UP_SECONDS, _WARM_UP_BY_SECOND * asked.seconds)
    writes = round(asked.rate * (asked.seconds + warm_up))
    writers = await _writers(installation, asked)
    await writers.prepare(writes)
    say(f"{asked.rate:g} {what} per second for {asked.seconds:g} s, after {warm_up:g} s to warm up")
    spent, own = Spent.by(installation), time.process_time()
    load = Load(writers, watch.expect)
    watching = asyncio.create_task(watch.run())
    try:
        reached = await load.run(asked.rate, asked.seconds, warm_up)
        say(f"{reached:.0f} per second were reached, {load.failed} failed")
        measuring = (time.process_time() - own) / writes * 1e6
        say(f"{_cost(installation, spent, writes)}, writers and watch {measuring:.0f}")
        await watch.drain(_ARRIVAL_SECONDS)
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await writers.close()


async def _writers(installation: Installation, asked: Asked) -> Writers:
    if asked.commands:
        from deploy.bench.by_command import Commands

        return await Commands.open(installation)
    from deploy.bench.by_event import Events

    return await Events.open(installation, scattered=asked.scattered)


# Backlog


async def _relay_alone(installation: Installation, eyes: Eyes, readers: Readers, asked: Asked, say: Say) -> float:
    """Returns events per second from the outbox until Kafka has acknowledged, with the consumers stopped."""
    events, consumers = asked.backlog, _consumers(installation, messages=asked.messages)
    businesses = min(BUSINESSES, events // 2)
    backlog = Backlog(businesses, events - businesses, 0, business_day(utc_now()), asked.scattered)
    before = await eyes.shown()
    for name in consumers:
        installation.hold(name)
    await _until(lambda: _is_down(installation, consumers))
    say(f"the relays alone: {events:,} events")
    begun, spent = await _commit(installation, backlog, say)
    marks = await flow.mark(readers, _PRODUCERS)
    await _until(lambda: _is_acknowledged(readers, marks))
    rate = events / (time.monotonic() - begun)
    say(_cost(installation, spent, events))
    for name in consumers:
        installation.release(name)
    say(f"the relays published {rate:,.0f} events/s; the consumers are started again and catch up")
    await _until(lambda: eyes.see_whole(backlog, before))
    return rate


def _consumers(installation: Installation, *, messages: bool) -> list[str]:
    """Returns the names of the processes that read the log; the messenger is held already where nobody is asked."""
    consumers = [process for process in installation.processes() if process.role == "consume"]
    return [process.name for process in consumers if process.service in _CONSUMING or messages]


async def _is_acknowledged(readers: Readers, marks: Mapping[str, int]) -> bool:
    for service, seq in marks.items():
        async with readers.instant(service) as connection:
            if not await connection.fetchval(_ACKNOWLEDGED, seq):
                return False
    return True


async def _whole_way(installation: Installation, eyes: Eyes, asked: Asked, say: Say) -> float:
    """Returns events per second from the outbox until every read model shows all of them, with everything running."""
    events = asked.backlog
    first = events - min(BUSINESSES, events // 2)
    backlog = Backlog(0, events, first, business_day(utc_now()), asked.scattered)
    before = await eyes.shown()
    say(f"the whole way: {events:,} events")
    begun, spent = await _commit(installation, backlog, say)
    await _until(lambda: eyes.see_whole(backlog, before))
    rate = events / (time.monotonic() - begun)
    say(_cost(installation, spent, events))
    say(f"outbox, Kafka, all read models: {rate:,.0f} events/s")
    return rate


async def _commit(installation: Installation, backlog: Backlog, say: Say) -> tuple[float, Spent]:
    """Writes a backlog in one transaction per service.

    Returns when both had been committed (time.monotonic), and what all processes had spent just before.
    """
    async with AsyncExitStack() as stack:
        for service, events in (("registry", backlog.of_registry()), ("mentoring", backlog.of_mentoring())):
            await stack.enter_async_context(written(installation.settings(service, "owner"), service, events))
        say("the backlog is written and is committed now")
        spent = Spent.by(installation)
    return time.monotonic(), spent


def _cost(installation: Installation, before: Spent, events: int) -> str:
    return f"microseconds of processor time per event: {Spent.by(installation).since(before, events)}"


async def _is_down(installation: Installation, names: Collection[str]) -> bool:
    return all(process.pid is None for process in installation.processes() if process.name in names)


async def _until(reached: Callable[[], Any]) -> None:
    async with asyncio.timeout(_BACKLOG_SECONDS):
        while not await reached():  # noqa: ASYNC110  what is waited for lies in another process
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
