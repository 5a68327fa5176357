"""Applies events to the set that is asked meanwhile, by the product's own applier: a process beside the measurement.

`python -m deploy.bench.applying DIRECTORY RATE CIRCLES`, until SIGTERM; says a line when it is ready, and then goes and
rests as it is told.
"""

import asyncio
import os
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

from aiokafka import TopicPartition

from deploy.bench import asking, generated
from deploy.local.installation import Installation
from services.reporting import store
from services.reporting.domain import Fact
from services.reporting.projections.applier import SetApplier
from services.reporting.settings import SERVICE
from shared.clock import business_day, utc_now
from shared.consumer import offsets
from shared.consumer.applier import Received
from shared.consumer.offsets import Move
from shared.contracts.catalogue import SESSION
from shared.contracts.mentoring import SessionState
from shared.ids import new_id
from shared.postgres import BY_KEY, connect, role_name

_BATCHES_PER_SECOND = 50
# Businesses of so many circles have their sessions told anew: two minutes of 200 per second without a second time.
_CIRCLES = 12


async def main(installation: Installation, rate: float, circles: int) -> None:
    """Applies `rate` events per second in small batches, each with the position that it moves."""
    settings = installation.settings(SERVICE, "worker")
    worker = role_name(SERVICE, "worker")
    connection = await connect(
        settings, worker, schema=SERVICE, application="plut-bench-applier", server_settings=BY_KEY
    )
    applier = SetApplier(await store.live_set(connection))
    source = _news(circles)
    size = max(1, round(rate / _BATCHES_PER_SECOND))
    batch = [next(source) for _ in range(size)]
    may_go = _told_to_go()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    due = 0.0
    while True:
        await may_go.wait()
        due = max(due, time.monotonic()) + size / rate  # what was not applied in a rest is not made up for
        partition = TopicPartition(SESSION.name, batch[0].partition)
        async with connection.transaction():
            place = (await offsets.places(connection, applier.group, [partition]))[partition]
            further = replace(place, next_offset=place.next_offset + size)
            await offsets.advance(connection, applier.group, [Move(partition, place, further)], durable=False)
            await applier.apply(connection, batch)
        batch = [next(source) for _ in range(size)]
        await asyncio.sleep(max(0.0, due - time.monotonic()))


def _told_to_go() -> asyncio.Event:
    """Returns what is set while it may go; ends the process when nobody is there any more to tell it."""
    going, stdin = asyncio.Event(), sys.stdin.fileno()

    def obey() -> None:
        match os.read(stdin, 1):
            case asking.GO:
                going.set()
            case asking.REST:
                going.clear()
            case _:
                os._exit(0)

    asyncio.get_running_loop().add_reader(stdin, obey)
    return going


def _news(circles: int) -> Iterator[Received]:
    """Yields what happens to sessions that are there: each is told anew, with a version more and other minutes.

    They are made before the first is yielded, for making them takes more than applying them.
    """
    dice = random.Random(circles)  # noqa: S311  a choice, no secret
    some = dice.sample(range(circles), min(_CIRCLES, circles))
    told = [fact for number in some for fact in generated.circle(number, business_day(utc_now())).sessions]
    dice.shuffle(told)
    for turn in count(1):
        for fact in told:
            yield _told_anew(fact, fact.version + turn, dice.randrange(10, 60))


def _told_anew(fact: Fact, version: int, minutes: int) -> Received:
    assert isinstance(fact.state, SessionState)  # noqa: S101  a session's fact
    state = fact.state.model_copy(update={"contact_minutes": minutes})
    event = generated.event_of(fact._replace(version=version, event_id=new_id(), state=state))
    event = event.model_copy(update={"occurred_at": utc_now()})
    return Received(SESSION.name, fact.slice, 0, event, None, 0)


if __name__ == "__main__":
    directory, per_second, there = sys.argv[1:]
    asyncio.run(main(Installation.open(Path(directory)), float(per_second), int(there)))
