"""What a relay process says of itself to whoever asks."""

import time
from dataclasses import dataclass, field

_LIVE_SECONDS = 60.0


@dataclass
class Health:
    """Alive means that the loop turns; what Kafka and Postgres do is told, but no reason to be restarted."""

    ticked_at: float = field(default_factory=time.monotonic)
    alarm: str | None = None
    kafka_trouble: str | None = None
    postgres_trouble: str | None = None

    def tick(self) -> None:
        self.ticked_at = time.monotonic()

    def live(self) -> str | None:
        """Returns None while the loop turns."""
        silence = time.monotonic() - self.ticked_at
        return None if silence < _LIVE_SECONDS else f"the relay's loop has not turned for {silence:.0f} s"

    async def ready(self) -> str | None:
        """Returns None if all is well, else what is wrong, the gravest first."""
        return self.alarm or self.postgres_trouble or self.kafka_trouble
