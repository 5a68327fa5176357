"""The consuming process of a service: any number of appliers, begun and ended while it runs, behind one port with its probes."""

import asyncio
from collections.abc import Sequence

from faststream.asgi import AsgiFastStream
from starlette.applications import Starlette
from starlette.routing import Mount

from shared.consumer import kafka
from shared.consumer.alarms import open_alarms
from shared.consumer.applier import Applier
from shared.consumer.follower import Follower
from shared.consumer.subscription import Subscription
from shared.consumer.watermarks import WatermarkReader
from shared.contracts.catalogue import WATERMARK
from shared.http.probes import probe_routes
from shared.http.serve import serve
from shared.loops import BackgroundLoop
from shared.metrics import CONSUMER_ALARMS
from shared.postgres import UNAVAILABLE, Pool
from shared.settings import Settings

_ROLE = "consume"
_STOP_SECONDS = 6.0
_ALARM_SECONDS = 5.0


class ConsumerHost(BackgroundLoop):
    """Runs a subscription for each applier. As a loop it can be started and stopped without its port."""

    name = "consumer"

    def __init__(self, service: str, settings: Settings, pool: Pool) -> None:
        super().__init__()
        self._service = service
        self._settings = settings
        self._pool = pool
        self._broker = kafka.create_broker(settings, f"{service}-{_ROLE}")
        self._subscriptions: dict[str, Subscription] = {}

    async def add(self, applier: Applier) -> None:
        """Follows the applier's topics as long as the host runs. Raises ValueError if its group is followed already."""
        await self._add(Follower(applier, self._broker, self._settings, self._pool))

    async def file_watermarks(self) -> None:
        """Files the relays' watermarks in this service's schema, by a group of its own: one member of it does."""
        reader = WatermarkReader(f"{self._service}-watermark", self._pool, self._settings.topic_prefix)
        await self._add(Subscription(reader, [WATERMARK], self._broker, self._settings))

    async def remove(self, group: str) -> None:
        """Stops following for a group, within seconds; does nothing if it is not followed. Its rows stay."""
        subscription = self._subscriptions.pop(group, None)
        if subscription is not None:
            await subscription.stop(_STOP_SECONDS)

    async def run(self) -> None:
        """Runs what was added and what will be, until it is told to stop."""
        await self._broker.connect()
        for subscription in list(self._subscriptions.values()):
            await subscription.start()
        self.started.set()
        try:
            while not self.stopping.is_set():
                await self._show_alarms()
                await self.rest(_ALARM_SECONDS)
        finally:
            await asyncio.gather(*(each.stop(_STOP_SECONDS) for each in self._subscriptions.values()))

    async def serve(self, loops: Sequence[BackgroundLoop] = ()) -> None:
        """Is the process: probes and metrics on its port, itself and the loops behind, until SIGTERM or SIGINT."""
        stream = AsgiFastStream(self._broker, logger=None)
        app = Starlette(
            routes=[*probe_routes(self._service, _ROLE, live=self.live, ready=self.ready), Mount("/", stream)],
            lifespan=lambda _app: stream.start_lifespan_context(),
        )
        await serve(app, self._settings, [self, *loops])

    def live(self) -> str | None:
        """Says which loop hangs; brokers and databases that are away are no reason to restart."""
        return _joined([each.dead() for each in self._subscriptions.values()])

    async def ready(self) -> str | None:
        """Says who waits for what, who stands still and why: for people, not for restarting."""
        return _joined([each.trouble() for each in self._subscriptions.values()])

    async def _add(self, subscription: Subscription) -> None:
        if subscription.group in self._subscriptions:
            raise ValueError(f"group {subscription.group} is followed already: remove it first")
        self._subscriptions[subscription.group] = subscription
        if self.started.is_set():
            await subscription.start()

    async def _show_alarms(self) -> None:
        try:
            alarms = await open_alarms(self._pool)
        except UNAVAILABLE as error:
            self._log.warning("alarms_unknown", error=f"{type(error).__name__}: {error}")
            return
        CONSUMER_ALARMS.clear()
        for alarm in alarms:
            CONSUMER_ALARMS.labels(alarm.group, alarm.kind).inc()


def _joined(reasons: Sequence[str | None]) -> str | None:
    return "; ".join(reason for reason in reasons if reason is not None) or None
