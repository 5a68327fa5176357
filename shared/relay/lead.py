"""The one that publishes: takes what became visible since the last snapshot, and moves on once Kafka has it."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from shared import metrics, spans
from shared.bell import TURN, Hearing
from shared.contracts.catalogue import WATERMARK, topics_of
from shared.contracts.platform import TopicEnd, Watermark
from shared.kafka_admin import KafkaTrouble
from shared.loops import wait_for
from shared.pace import Pace
from shared.postgres import UNAVAILABLE, Connection
from shared.relay import examination, store
from shared.relay.health import Health
from shared.relay.position import NOTHING, Acknowledged, LogLost
from shared.relay.publisher import Prepared, Publisher, Refusal
from shared.relay.records import KEY, PAYLOAD, SEQ, Place, Row, Stamp, by_place
from shared.relay.store import Alarm, SteppedDown
from shared.relay.traced import record_published
from shared.settings import Settings

_SMALL = 1000  # rows that one poll may bring; more is a large difference
_PAGE_BYTES = 6 << 20
_PAGE_ROWS = (50, 4000)
_QUIET_SECONDS = 0.015
_OF_SILENCE = 50  # the part of a silence that the next row may wait
_RETRY_SECONDS = (0.2, 2.0)
_ALARM_LOOKS = 5  # a second apart; then everything is examined anew

_TOLD_BY_THE_LEADER = (
    metrics.OUTBOX_UNPUBLISHED,
    metrics.OUTBOX_OLDEST_AGE,
    metrics.EVENTS_HELD,
    metrics.RELAY_ALARM,
    metrics.RELAY_EPOCH,
    metrics.RELAY_HISTORY,
    metrics.WAL_SLOTS_UNREAD,
    metrics.WAL_ARCHIVE_FAILS,
)


def pause_after(silence: float, busy_ms: float) -> float:
    """Returns how many seconds lie between two turns after `silence` seconds without a row: a part of it, bounded.

    Asking costs both ends of the connection, and a fetch at every consumer: what comes in a busy hour is sent
    together, and what comes rarely may wait a little longer.
    """
    return min(_QUIET_SECONDS, max(busy_ms / 1000, silence / _OF_SILENCE))


class Every:
    """Comes due once per period, the first time after one period."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = time.monotonic() + seconds

    def due(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True


@dataclass(frozen=True)
class Page:
    """Rows ready to be sent; `last_seq` is the highest among them."""

    prepared: Prepared
    rows: int
    last_seq: int


class Lead:
    """Leads while the connection that holds the lock lives and nobody raises the fence. `pages` is a second one."""

    def __init__(
        self,
        service: str,
        settings: Settings,
        connection: Connection,
        pages: Connection,
        hearing: Hearing,
        stopping: asyncio.Event,
        health: Health,
    ) -> None:
        self._service = service
        self._settings = settings
        self._topics = topics_of(service)
        self._connection = connection
        self._pages = pages
        self._hearing = hearing
        self._stopping = stopping
        self._health = health
        self._log = structlog.get_logger(relay=service)
        self._publisher: Publisher | None = None
        self._retry_seconds = _RETRY_SECONDS[0]
        self._pace = Pace(time.monotonic())
        self._page_rows = 500
        self._unsaved = False
        self._as_of: datetime | None = None  # all committed by then has been acknowledged
        self._as_of_target: datetime | None = None
        self._held: dict[tuple[str, str], int] = {}  # (topic, aggregate id) -> lowest seq held back
        self._save_due = Every(0.1)
        self._watermark_due = Every(1)
        self._count_due = Every(10)
        self._look_due = Every(10)
        self._forget_due = Every(60)

    async def run(self) -> None:
        """Publishes until told to stop. Raises SteppedDown, and what UNAVAILABLE names."""
        state = await store.raise_fence(self._connection)
        self._position, self._replay, self._alarm = state.position, state.replay, state.alarm
        self._log.info(
            "relay_leads", fence=self._position.fence, history=self._position.history, epoch=self._position.epoch
        )
        try:
            while not self._stopping.is_set():
                await self._publish_or_recover()
        finally:
            self._leave_the_telling()
            await self._close_publisher()
            if self._unsaved:
                with suppress(SteppedDown, *UNAVAILABLE):
                    await store.save(self._connection, self._position)

    async def _publish_or_recover(self) -> None:
        try:
            await self._publish()
        except KafkaTrouble as trouble:
            await self._recover(trouble)
        except LogLost as loss:
            await self._begin_again(loss)

    async def _publish(self) -> None:
        """Looks whether the log is ours and publishes; returns when something is to be looked at anew."""
        alarm = self._alarm
        if alarm is None or not examination.is_final(alarm):
            alarm = await self._examine()
        if alarm is not None:
            await self._wait_in_alarm(alarm)
            return
        await self._all_is_well()
        self._publisher = await _opened_publisher(self._settings)
        self._health.kafka_trouble = None
        await self._count()
        await self._turn_until_something_is_wrong()

    async def _examine(self) -> Alarm | None:
        return await examination.examine(self._settings, self._connection, self._topics, self._position)

    async def _all_is_well(self) -> None:
        if self._alarm is not None:
            await store.save_alarm(self._connection, self._position.fence, None)
            self._log.info("relay_alarm_over")
        self._alarm = self._health.alarm = None
        metrics.RELAY_ALARM.labels(self._service).set(0)

    async def _wait_in_alarm(self, alarm: Alarm) -> None:
        """Publishes nothing, stays alive, and returns to look again. Raises SteppedDown once an operator has acted."""
        await self._close_publisher()
        if alarm != self._alarm:
            await store.save_alarm(self._connection, self._position.fence, alarm)
            self._log.error("relay_alarm", code=alarm.code, reason=alarm.text)
        self._alarm, self._health.alarm = alarm, alarm.text
        metrics.RELAY_ALARM.labels(self._service).set(1)
        for _ in range(_ALARM_LOOKS):
            self._health.tick()
            await self._count_if_due()
            await wait_for(self._stopping, 1)
            if (await store.read_state(self._connection)).position.fence != self._position.fence:
                raise SteppedDown
            if self._stopping.is_set():
                return

    async def _turn_until_something_is_wrong(self) -> None:
        last_busy = time.monotonic()
        while not self._stopping.is_set():
            self._health.tick()
            began = time.monotonic()
            self._hearing.begin_turn()
            busy = await self._turn()
            self._hearing.end_turn(found=busy and self._goes_singly)
            now = time.monotonic()
            last_busy = now if busy else last_busy
            await self._upkeep()
            if now - last_busy > 1 and self._look_due.due() and await self._examine() is not None:
                return
            if self._position.target is None:
                await self._pause(began, now - last_busy)

    async def _pause(self, began: float, silence: float) -> None:
        """Waits for the bell as long as that is believed, and no longer than it may; else asks again and again.

        Where much comes, it travels together: something will be there, and nobody needs to ring for it.
        """
        if self._hearing.is_believed and self._goes_singly:
            await self._hearing.wait(_QUIET_SECONDS)
        else:
            pause = pause_after(silence, self._pace.wait_ms(TURN))
            await asyncio.sleep(began + pause - time.monotonic())

    @property
    def _goes_singly(self) -> bool:
        """Tells whether too little comes for waiting for company."""
        return not self._pace.gathers(TURN)

    async def _turn(self) -> bool:
        """Publishes what there is; returns whether there was anything."""
        if self._position.target is not None:
            await self._publish_large_difference()
            return True
        delta = await store.next_delta(self._connection, self._position.snapshot, _SMALL)
        if delta.fence != self._position.fence:
            raise SteppedDown
        if not delta.whole:
            await self._head_for(delta)
            return True
        self._pace.note(len(delta.rows), time.monotonic())
        if delta.rows:
            await self._send(self._page(delta.rows))
            self._unsaved = True
        self._position = self._position.arrived(delta.target)
        self._as_of = delta.at
        return await self._replay_a_page() or bool(delta.rows)

    async def _head_for(self, delta: store.Delta) -> None:
        since = self._position.snapshot
        first = 1 if since == NOTHING else await store.first_seq(self._pages, since)
        self._position = self._position.heading_for(delta.target, first - 1)
        self._as_of_target = delta.at
        self._unsaved = True

    async def _publish_large_difference(self) -> None:
        """Page by page; the next one is fetched and built while the one before is under way."""
        page = self._page(await self._next_rows(self._position.after_seq))
        while page.rows and not self._stopping.is_set():
            page = await self._send_and_prefetch(page)
            await self._save_if_due()
            await self._count_if_due()
            self._health.tick()
        if not page.rows and self._position.target is not None:
            self._position = self._position.arrived(self._position.target)
            self._as_of, self._as_of_target = self._as_of_target, None

    async def _send_and_prefetch(self, page: Page) -> Page:
        fetching = asyncio.create_task(self._next_rows(page.last_seq), name="relay-fetch")
        sending = asyncio.create_task(self._send(page), name="relay-send")
        try:
            following = self._page(await fetching)
            await sending
        finally:
            await _ended(fetching, sending)
        self._position = self._position.passed(page.last_seq)
        self._unsaved = True
        return following

    async def _next_rows(self, after_seq: int) -> Sequence[Row]:
        position = self._position
        target = position.target or position.snapshot
        return await store.next_page(self._pages, position.snapshot, target, after_seq, self._page_rows)

    async def _replay_a_page(self) -> bool:
        """Sends some of a topic's old records again, behind the live ones."""
        if self._replay is None:
            return False
        rows = await store.next_topic_page(self._pages, self._replay, self._position.snapshot, self._page_rows)
        if rows:
            page = self._page(rows)
            await self._send(page)
            self._replay = replace(self._replay, after_seq=page.last_seq)
            await store.save_topic_replay(self._connection, self._position.fence, page.last_seq)
        else:
            self._replay = None
            await store.save_topic_replay(self._connection, self._position.fence, None)
        self._unsaved = True
        return True

    def _page(self, rows: Sequence[Row]) -> Page:
        if not rows:
            return Page({}, 0, 0)
        sample = rows[:: 1 + len(rows) // 100]
        row_bytes = 1 + sum(len(row[PAYLOAD]) for row in sample) // len(sample)
        least, most = _PAGE_ROWS
        self._page_rows = max(least, min(most, 2 * self._page_rows, _PAGE_BYTES // row_bytes))
        return Page(self._prepare(by_place(rows)), len(rows), rows[-1][SEQ])

    def _prepare(self, places: dict[Place, list[Row]]) -> Prepared:
        position = self._position
        return self._open_publisher.prepare(places, Stamp(position.history, position.epoch, position.fence))

    async def _send(self, page: Page) -> None:
        began_ns = time.time_ns()
        outcome = await self._open_publisher.send(page.prepared)
        if spans.are_on():
            record_published(outcome.acknowledged, began_ns)
        await self._take_in(outcome.acknowledged)
        for refusal in outcome.refusals:
            await self._settle(refusal)

    async def _take_in(self, batches: Sequence[Acknowledged]) -> None:
        if self._position.is_overtaken(batches):
            await self._look_before_the_tails_are_moved()
        self._position = self._position.acknowledged(batches)
        for batch in batches:
            metrics.EVENTS_PUBLISHED.labels(self._service, batch.place[0]).inc(batch.count)
        if self._held:
            await self._release_what_healed(batches)

    async def _look_before_the_tails_are_moved(self) -> None:
        """A topic made anew may be longer than it was: moved into it, a tail would say that all is well for ever.

        Raises LogLost if it is another log, and KafkaTrouble if it is to be looked at from the start.
        """
        if await self._examine() is not None:
            raise KafkaTrouble("the log has changed while it was written to")

    async def _settle(self, refusal: Refusal) -> None:
        """Halves what Kafka refuses until the culprit is alone and held back. Numbers were skipped: a new producer."""
        await self._reopen_publisher()
        if len(refusal.rows) == 1:
            await self._hold(refusal)
        else:
            middle = len(refusal.rows) // 2
            await self._send_rows(refusal.place, refusal.rows[:middle])
            await self._send_rows(refusal.place, refusal.rows[middle:])
        if refusal.later:
            await self._send_rows(refusal.place, refusal.later)

    async def _send_rows(self, place: Place, rows: Sequence[Row]) -> None:
        await self._send(Page(self._prepare({place: list(rows)}), len(rows), rows[-1][SEQ]))

    async def _hold(self, refusal: Refusal) -> None:
        seq = refusal.rows[0][SEQ]
        await store.hold(self._connection, seq, refusal.error)
        self._log.error("event_held_back", seq=seq, topic=refusal.place[0], reason=refusal.error)
        await self._reload_held()

    async def _release_what_healed(self, batches: Sequence[Acknowledged]) -> None:
        passed = [(batch.place[0], row[KEY].decode(), row[SEQ]) for batch in batches for row in batch.rows]
        healed = [one for one in passed if self._held.get(one[:2], one[2] + 1) <= one[2]]
        for topic, key, seq in healed:
            await store.release(self._connection, topic, key, seq)
        if healed:
            await self._reload_held()

    async def _reload_held(self) -> None:
        self._held = await store.held(self._connection)
        metrics.EVENTS_HELD.labels(self._service).set(await store.count_held(self._connection))

    async def _upkeep(self) -> None:
        await self._save_if_due()
        if self._as_of is not None and self._watermark_due.due():
            await self._tell_watermark(self._as_of)
        await self._count_if_due()
        if self._forget_due.due():
            await store.forget_old_answers(self._pages)

    async def _save_if_due(self) -> None:
        """At most every 100 ms: a row updated at every turn grows slow under anybody's long snapshot."""
        if self._unsaved and self._save_due.due():
            await store.save(self._connection, self._position)
            self._unsaved = False

    async def _tell_watermark(self, as_of: datetime) -> None:
        position = self._position
        watermark = Watermark(
            service=self._service,
            history=position.history,
            epoch=position.epoch,
            fence=position.fence,
            at=as_of,
            ends=[
                TopicEnd(topic=topic, partition=partition, next_offset=tail.next_offset)
                for (topic, partition), tail in sorted(position.tails.items())
            ],
            held_back=await store.count_held(self._connection) if self._held else 0,
        )
        await self._open_publisher.tell(WATERMARK.name, self._service.encode(), watermark.model_dump_json().encode())

    async def _count_if_due(self) -> None:
        if self._count_due.due():
            await self._count()

    async def _count(self) -> None:
        backlog = await store.read_backlog(self._connection)
        metrics.OUTBOX_UNPUBLISHED.labels(self._service).set(backlog.rows)
        metrics.OUTBOX_OLDEST_AGE.labels(self._service).set(backlog.oldest_seconds)
        metrics.RELAY_EPOCH.labels(self._service).set(self._position.epoch)
        metrics.RELAY_HISTORY.labels(self._service).set(self._position.history)
        wal = await store.read_wal(self._connection)
        metrics.WAL_SLOTS_UNREAD.labels(self._service).set(wal.slots_unread)
        metrics.WAL_ARCHIVE_FAILS.labels(self._service).set(wal.archive_fails)
        await self._reload_held()

    def _leave_the_telling(self) -> None:
        """Only the leader knows: what a former one last counted would be taken for the truth for ever."""
        for figure in _TOLD_BY_THE_LEADER:
            figure.remove(self._service)

    async def _recover(self, trouble: KafkaTrouble) -> None:
        """Throws the producer away and keeps what was acknowledged; what is unknown is sent again."""
        self._log.warning("kafka_trouble", reason=str(trouble), retry_seconds=self._retry_seconds)
        self._health.kafka_trouble = str(trouble)
        self._health.tick()
        had_worked = self._publisher is not None
        await self._close_publisher()
        await store.save(self._connection, self._position)
        await self._count_if_due()
        shortest, longest = _RETRY_SECONDS
        self._retry_seconds = shortest if had_worked else min(longest, 2 * self._retry_seconds)
        await wait_for(self._stopping, self._retry_seconds)

    async def _begin_again(self, loss: LogLost) -> None:
        """Kafka lost what it had acknowledged: the whole outbox is sent again under a higher epoch."""
        await self._close_publisher()
        self._position = self._position.after_loss(loss)
        self._as_of = self._as_of_target = None
        await store.save_epoch(self._connection, self._position)
        self._unsaved = False
        self._log.error("log_lost", partitions=str(loss), epoch=self._position.epoch)

    @property
    def _open_publisher(self) -> Publisher:
        if self._publisher is None:
            raise KafkaTrouble("no producer is open")
        return self._publisher

    async def _reopen_publisher(self) -> None:
        fresh = await _opened_publisher(self._settings)
        await self._close_publisher()
        self._publisher = fresh

    async def _close_publisher(self) -> None:
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            await publisher.close()


async def _opened_publisher(settings: Settings) -> Publisher:
    publisher = Publisher(settings)
    try:
        await publisher.open()
    except BaseException:
        await publisher.close()
        raise
    return publisher


async def _ended(*tasks: "asyncio.Task[Any]") -> None:
    """Leaves no task behind, whatever became of the others."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
