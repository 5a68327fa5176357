"""The consuming process of a service: any number of appliers, begun and ended while it runs, behind one port with
its probes.
"""

import asyncio
from collections.abc import Sequence

import structlog
from faststream.asgi import AsgiFastStream
from faststream.kafka import KafkaBroker
from starlette.applications import Starlette
from starlette.routing import Mount

from shared import kafka_admin
from shared.consumer import kafka
from shared.consumer.alarms import open_alarms
from shared.consumer.applier import Applier
from shared.consumer.follower import Follower
from shared.consumer.subscription import Subscription
from shared.consumer.watermarks import WatermarkReader
from shared.contracts.catalogue import WATERMARK
from shared.http.probes import probe_routes
from shared.http.serve import serve
from shared.kafka_admin import KafkaTrouble
from shared.loops import BackgroundLoop
from shared.memory import OF_BATCHES, RareCollector
from shared.metrics import CONSUMER_ALARMS
from shared.postgres import UNAVAILABLE, Pool
from shared.settings import Settings

_ROLE = "consume"
_STOP_SECONDS = 6.0
_ALARM_SECONDS = 5.0


class _Subscriptions(BackgroundLoop):
    """All subscriptions of a process, started and stopped as one."""

    name = "consumer"

    def __init__(self, broker: KafkaBroker, pool: Pool) -> None:
        super().__init__()
        self.by_group: dict[str, Subscription] = {}
        self._broker = broker
        self._pool = pool

    async def add(self, subscription: Subscription) -> None:
        if subscription.group in self.by_group:
            raise ValueError(f"group {subscription.group} is followed already: remove it first")
        self.by_group[subscription.group] = subscription
        if self.started.is_set():
            await subscription.start()

    async def remove(self, group: str) -> None:
        subscription = self.by_group.pop(group, None)
        if subscription is not None:
            await subscription.stop(_STOP_SECONDS)

    async def run(self) -> None:
        await self._broker.connect()
        for subscription in list(self.by_group.values()):
            await subscription.start()
        self.started.set()
        while not self.stopping.is_set():
            await self._show_alarms()
            await self.rest(_ALARM_SECONDS)

    async def stop(self, within: float = _STOP_SECONDS) -> None:
        self.stopping.set()
        await asyncio.gather(super().stop(within), *(each.stop(within) for each in self.by_group.values()))

    async def _show_alarms(self) -> None:
        try:
            alarms = await open_alarms(self._pool)
        except UNAVAILABLE as error:
            self._log.warning("alarms_unknown", error=f"{type(error).__name__}: {error}")
            return
        CONSUMER_ALARMS.clear()
        for alarm in alarms:
            CONSUMER_ALARMS.labels(alarm.group, alarm.kind).inc()


class ConsumerHost:
    """Runs a subscription for each applier; appliers may come and go while it runs."""

    def __init__(self, service: str, settings: Settings, pool: Pool) -> None:
        self._service = service
        self._settings = settings
        self._pool = pool
        self._broker = kafka.create_broker(settings, f"{service}-{_ROLE}")
        self._subscriptions = _Subscriptions(self._broker, pool)

    async def add(self, applier: Applier) -> None:
        """Follows the applier's topics as long as the host runs. Raises ValueError if its group is followed already."""
        await self._subscriptions.add(Follower(applier, self._broker, self._settings, self._pool))

    async def file_watermarks(self) -> None:
        """Files the relays' watermarks in this service's schema, by a group of its own: one member of it does."""
        reader = WatermarkReader(watermark_group(self._service), self._pool, self._settings.topic_prefix)
        await self._subscriptions.add(Subscription(reader, [WATERMARK], self._broker, self._settings))

    async def remove(self, group: str) -> None:
        """Stops following for a group, within seconds; does nothing if it is not followed. Its rows stay.

        Kafka forgets the group with its last member: what nobody follows any more must not look like a dead consumer.
        """
        await self._subscriptions.remove(group)
        try:
            await kafka_admin.forget_group(self._settings, group)
        except KafkaTrouble as error:
            structlog.get_logger().info("group_not_forgotten", group=group, reason=str(error))

    async def run(self, loops: Sequence[BackgroundLoop] = ()) -> None:
        """Is the process: probes and metrics on its port, subscriptions and `loops` behind, until SIGTERM or SIGINT."""
        stream = AsgiFastStream(self._broker, logger=None)
        app = Starlette(
            routes=[*probe_routes(self._service, _ROLE, live=self.live, ready=self.ready), Mount("/", stream)],
            lifespan=lambda _app: stream.start_lifespan_context(),
        )
        await serve(app, self._settings, [self._subscriptions, *loops, RareCollector(OF_BATCHES)])

    async def start(self) -> None:
        """Begins without a port; `run` is what a process calls."""
        await self._subscriptions.start()

    async def stop(self) -> None:
        """Ends what `start` began, within seconds even if Kafka and Postgres are gone."""
        await self._subscriptions.stop()

    def live(self) -> str | None:
        """Says which loop hangs; brokers and databases that are away are no reason to restart."""
        return _joined([each.dead() for each in self._subscriptions.by_group.values()])

    async def ready(self) -> str | None:
        """Says who waits for what, who stands still and why: for people, not for restarting."""
        return _joined([each.trouble() for each in self._subscriptions.by_group.values()])


def watermark_group(service: str) -> str:
    """Returns the group by which a service files the relays' watermarks."""
    return f"{service}-watermark"


def _joined(reasons: Sequence[str | None]) -> str | None:
    return "; ".join(reason for reason in reasons if reason is not None) or None
