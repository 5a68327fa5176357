"""Looks at Kafka every few seconds and tells what it sees."""

import time

from shared.contracts.catalogue import TOPICS
from shared.kafka_admin import KafkaTrouble
from shared.loops import BackgroundLoop
from shared.watch import figures
from shared.watch.eyes import Eyes, open_eyes
from shared.watch.settings import WatchSettings

_LOOK_SECONDS = 5.0
_LIVE_SECONDS = 60.0


class WatchLoop(BackgroundLoop):
    """A service that was never heard of has been silent since the watch began: its relays may never have started."""

    name = "watch"

    def __init__(self, settings: WatchSettings, *, every_seconds: float = _LOOK_SECONDS) -> None:
        super().__init__()
        self._every_seconds = every_seconds
        self._settings = settings
        self._turned_at = time.monotonic()
        self._trouble: str | None = "it has not looked yet"
        services = {topic.service for topic in TOPICS.values()}
        self._heard = dict.fromkeys(sorted(services), time.time())

    async def run(self) -> None:
        while not self.stopping.is_set():
            try:
                async with open_eyes(self._settings) as eyes:
                    await self._look_on(eyes)
            except KafkaTrouble as error:
                self._cannot_see(error)
            await self.rest(self._every_seconds)

    async def _look_on(self, eyes: Eyes) -> None:
        while not self.stopping.is_set():
            look, heard = await eyes.look(), await eyes.heard()
            self._heard.update({service: at for service, at in heard.items() if service in self._heard})
            figures.tell(look)
            self._tell_the_rest()
            self._trouble = None
            self.started.set()
            await self.rest(self._every_seconds)

    def _cannot_see(self, error: KafkaTrouble) -> None:
        self._log.warning("kafka_trouble", reason=str(error))
        self._trouble = str(error)
        figures.tell_nothing_known()
        self._tell_the_rest()

    def _tell_the_rest(self) -> None:
        """What is known without Kafka."""
        self._turned_at = time.monotonic()
        now = time.time()
        figures.tell_silence({service: max(0.0, now - at) for service, at in self._heard.items()})
        figures.tell_disks(self._settings.directories)

    def live(self) -> str | None:
        """Says that it hangs; Kafka that is away is no reason to restart."""
        silence = time.monotonic() - self._turned_at
        return None if silence < _LIVE_SECONDS else f"the watch has not looked for {silence:.0f} s"

    async def ready(self) -> str | None:
        return self._trouble
