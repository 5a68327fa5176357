"""The life of a subscription: wait for its topics, join the group, keep house, and join anew if it wedges."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker

from shared import metrics
from shared.consumer import kafka
from shared.consumer.placing import Gate, Placer
from shared.contracts.catalogue import Topic
from shared.kafka_admin import KafkaTrouble, bounded
from shared.loops import BackgroundLoop, wait_for
from shared.settings import Settings

_TICK_SECONDS = 1.0
_START_SECONDS = 25.0
_STOP_SECONDS = 3.0
_COMMIT_SECONDS = 2.0
# Fetches answer every half second: longer silence means that the broker was away, and may have come back with
# another log.
_SILENCE_MS = 2_500
_WEDGED_MS = 15_000
# A broker that has just come back may answer a new client before it answers an old one.
_TIMES_ANOTHER_IS_ANSWERED = 3
_LIVE_SECONDS = 60.0
_WORK_SECONDS = 150.0


class Wedged(Exception):
    """The consumer does nothing though it could; it is thrown away and made anew."""


class Subscription(BackgroundLoop):
    """Reads topics through a group until it is stopped; what is done with the records is the placer's."""

    name = "subscription"

    def __init__(self, reader: Placer, topics: Sequence[Topic], broker: KafkaBroker, settings: Settings) -> None:
        super().__init__()
        self.group = reader.group
        self._reader = reader
        self._topics = [settings.topic_prefix + topic.name for topic in topics]
        self._broker = broker
        self._settings = settings
        self._ticked_at = time.monotonic()
        self._waiting_for: str | None = "it has not begun yet"
        self._was_silent = False
        self._answers_to_others = 0
        self._committed: dict[TopicPartition, int] = {}
        self._gauges: set[tuple[str, str]] = set()

    async def run(self) -> None:
        """Follows until stopped. Raises Wedged, for the loop to begin again, if the consumer cannot be trusted any
        more.
        """
        if not await self._topics_exist():
            return
        async with self._subscribed():
            self.started.set()
            due = 0.0
            while not self.stopping.is_set():
                await self._wait()
                self._reader.wake.clear()
                self._ticked_at = time.monotonic()
                await self._reader.place()
                if time.monotonic() >= due:
                    due = time.monotonic() + _TICK_SECONDS
                    await self._keep_house()

    async def _topics_exist(self) -> bool:
        """Waits for the relays to make the topics: a process that starts before them is no accident."""
        while not self.stopping.is_set():
            self._ticked_at = time.monotonic()
            try:
                missing = await kafka.missing_topics(self._settings, self._topics)
            except KafkaTrouble as error:
                self._waiting_for = str(error)
            else:
                self._waiting_for = f"topics {', '.join(missing)} do not exist yet" if missing else None
            if self._waiting_for is None:
                return True
            await self.rest(0.5)
        return False

    @asynccontextmanager
    async def _subscribed(self) -> AsyncIterator[None]:
        gate = Gate(self._reader)
        subscriber = kafka.subscribe(
            self._broker, self._topics, self._settings.topic_prefix + self.group, gate, gate.receive
        )
        self._reader.subscriber = subscriber
        self._waiting_for = "it is joining its group"
        try:
            async with asyncio.timeout(_START_SECONDS):
                await subscriber.start()
            if self._reader.consumer is not None:
                self._reader.consumer.gather = self._reader.gather
            self._waiting_for = None
            self._answers_to_others = 0
            yield
        finally:
            self._waiting_for = "it has left its group"
            if self.stopping.is_set():
                await self._commit()
            await kafka.stop_subscriber(subscriber, _STOP_SECONDS)
            gate.shut()
            self._reader.subscriber = self._reader.unanswered_since = None
            self._reader.forget()
            self._reader.unplaced.clear()
            await self._reader.close()

    async def _wait(self) -> None:
        """Returns when something waits to be placed, it is time for a tick, or it is told to stop."""
        await wait_for(self._reader.wake, _TICK_SECONDS / 4)

    # Once a second

    async def _keep_house(self) -> None:
        await self._commit()
        self._measure()
        self._look_for_silence()
        with suppress(KafkaTrouble):
            await self._reader.look_for_strays()
        await self._look_for_a_wedge()
        await self.run_errands()

    async def run_errands(self) -> None:
        """Does what else is to be done once a second."""

    async def _commit(self) -> None:
        """Tells Kafka where we are, for lag tools only: nothing of ours ever reads it."""
        consumer, positions = self._reader.consumer, self._reader.positions
        moved = {each: offset for each, offset in positions.items() if self._committed.get(each) != offset}
        if consumer is None or not moved:
            return
        with suppress(KafkaTrouble, KafkaError):
            await bounded(consumer.commit(moved), "committing offsets for lag tools", _COMMIT_SECONDS)
            self._committed.update(moved)

    def _measure(self) -> None:
        now = {(each.topic, str(each.partition)): lag for each, lag in self.lags().items()}
        for gone in self._gauges - now.keys():
            metrics.CONSUMER_LAG.remove(*gone, self.group)
        for (topic, partition), lag in now.items():
            metrics.CONSUMER_LAG.labels(topic, partition, self.group).set(lag)
        self._gauges = set(now)
        metrics.PROJECTION_POSITION.labels(self.group).set(sum(self._reader.positions.values()))

    def lags(self) -> dict[TopicPartition, int]:
        """Returns how many records each placed partition is behind, as far as the last fetch tells."""
        consumer = self._reader.consumer
        if consumer is None:
            return {}
        mine = consumer.assignment()
        ends = {each: consumer.highwater(each) for each in self._reader.positions if each in mine}
        return {each: max(0, end - self._reader.positions[each]) for each, end in ends.items() if end is not None}

    def _look_for_silence(self) -> None:
        """After a silence the broker may have come back without its log: every place is checked."""
        silent = self._silence_ms() > _SILENCE_MS
        if self._was_silent and not silent:
            self._log.info("broker_is_back", group=self.group)
            self._reader.doubt()
        self._was_silent = silent

    async def _look_for_a_wedge(self) -> None:
        consumer = self._reader.consumer
        if consumer is None:
            raise Wedged("there is no consumer")
        if consumer.failure is not None:
            raise Wedged(f"polling failed: {consumer.failure!r}")
        if self._reader.working_since is None and time.monotonic() - consumer.polled_at > _WEDGED_MS / 1000:
            raise Wedged("nobody polls")
        if max(self._silence_ms(), self._unanswered_ms()) < _WEDGED_MS:
            self._answers_to_others = 0
        elif await self._answers_another():
            self._answers_to_others += 1
            if self._answers_to_others == _TIMES_ANOTHER_IS_ANSWERED:
                raise Wedged("the broker answers others, but not this consumer")

    async def _answers_another(self) -> bool:
        """Asks by a client of its own: what hangs in this consumer's client hangs in every question put through it."""
        try:
            await kafka.missing_topics(self._settings, self._topics)
        except KafkaTrouble:
            return False
        return True

    def _unanswered_ms(self) -> float:
        since = self._reader.unanswered_since
        return 0.0 if since is None else (time.monotonic() - since) * 1000

    def _silence_ms(self) -> float:
        """Returns for how long no fetch was answered; 0 where nothing is fetched."""
        consumer = self._reader.consumer
        if consumer is None or self._reader.working_since is not None:
            return 0.0
        placed = self._reader.positions.keys() & consumer.assignment()
        polled = [at for each in placed if (at := consumer.last_poll_timestamp(each)) is not None]
        return time.time() * 1000 - max(polled) if polled else 0.0

    # What people ask

    def dead(self) -> str | None:
        """Says why this loop should be restarted, or None. Brokers and databases that are away are no reason."""
        now = time.monotonic()
        working_since = self._reader.working_since
        if working_since is not None and now - working_since > _WORK_SECONDS:
            return f"{self.group}: one batch has taken {now - working_since:.0f} s"
        if now - self._ticked_at > _LIVE_SECONDS + _START_SECONDS:
            return f"{self.group}: its loop has not ticked for {now - self._ticked_at:.0f} s"
        return None

    def trouble(self) -> str | None:
        """Says why it does not follow, or follows without getting on; None if all is well."""
        if self._waiting_for is not None:
            return f"{self.group}: {self._waiting_for}"
        if self._was_silent:
            return f"{self.group}: Kafka does not answer"
        if self._reader.last_error is not None:
            return f"{self.group}: {self._reader.last_error}"
        if self._reader.unplaced:
            return f"{self.group}: it is looking for its place"
        still = time.monotonic() - self._reader.progressed_at
        lag = sum(self.lags().values())
        if lag and still > _LIVE_SECONDS:
            return f"{self.group}: {lag} records behind, and nothing has moved for {still:.0f} s"
        return None
