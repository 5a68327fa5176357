"""Keeps the broker of a secure installation told who may do what."""

from collections.abc import Sequence

from deploy.kafka import acl
from deploy.local.installation import Installation
from deploy.local.keeper import Keeper
from deploy.local.process import Identity
from shared.kafka_admin import KafkaTrouble
from shared.loops import BackgroundLoop

_LOOK_SECONDS = 0.5


class RightsKeeper(BackgroundLoop):
    """Tells them again when one of the brokers was started: its data may have been taken away. `started`: they know."""

    name = "rights"

    def __init__(self, installation: Installation, brokers: Sequence[Keeper]) -> None:
        super().__init__()
        self._installation = installation
        self._brokers = brokers
        self._told: set[Identity] = set()

    async def run(self) -> None:
        while not self.stopping.is_set():
            await self._tell_if_new()
            await self.rest(_LOOK_SECONDS)

    async def _tell_if_new(self) -> None:
        running = {each.running.identity for each in self._brokers if each.running is not None}
        if running <= self._told or not await self._installation.kafka_answers():
            return
        try:
            # Only at the first start, when nobody is connected: a right taken away for an instant is missed.
            await acl.grant(self._installation.settings("registry", "relay"), anew=not self._told)
        except KafkaTrouble as trouble:
            self._log.warning("rights_not_told", error=str(trouble))
            return
        self._told = running
        self.started.set()
