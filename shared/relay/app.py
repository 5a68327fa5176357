"""The relay's process: one loop, and the probes."""

from shared.connections import kafka_options
from shared.http.probes import create_probe_app
from shared.http.serve import serve
from shared.memory import OF_BATCHES, RareCollector
from shared.relay.loop import RelayLoop
from shared.settings import Settings


class RelayProcess:
    """One relay of a service. Two of them run: one leads, the other takes over."""

    def __init__(self, service: str, settings: Settings) -> None:
        self._service = service
        self._settings = settings
        kafka_options(settings)  # says before it begins what is missing
        self.loop = RelayLoop(service, settings)

    async def run(self) -> None:
        """Serves the probes and relays until SIGTERM."""
        health = self.loop.health
        app = create_probe_app(self._service, "relay", live=health.live, ready=health.ready)
        await serve(app, self._settings, [self.loop, RareCollector(OF_BATCHES)])


def build(service: str, settings: Settings) -> RelayProcess:
    """Returns the process of role `relay`, ready to run."""
    return RelayProcess(service, settings)
