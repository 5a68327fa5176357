"""An applier and the subscription that feeds it."""

from faststream.kafka import KafkaBroker

from shared.consumer.applier import Applier
from shared.consumer.reader import Reader
from shared.consumer.subscription import Subscription
from shared.postgres import UNAVAILABLE, Pool
from shared.settings import Settings


class Follower(Subscription):
    """Follows an applier's topics, and does for it what operators ask for."""

    name = "follower"

    def __init__(self, applier: Applier, broker: KafkaBroker, settings: Settings, pool: Pool) -> None:
        self.reader = Reader(applier, pool, settings.topic_prefix)
        super().__init__(self.reader, applier.topics, broker, settings)

    async def run_errands(self) -> None:
        try:
            await self.reader.recover()
            await self.reader.run_errands()
            if self._is_at_the_end():
                await self.reader.settle_replacement()
        except UNAVAILABLE as error:
            self._log.warning("errands_postponed", group=self.group, error=f"{type(error).__name__}: {error}")

    def _is_at_the_end(self) -> bool:
        """Positions move when a batch has been read: only where none is worked on is everything written too."""
        reader = self.reader
        is_placed = bool(reader.positions) and not reader.unplaced
        return is_placed and reader.working_since is None and not any(self.lags().values())

    def trouble(self) -> str | None:
        if self.reader.halted is not None:
            return f"{self.group} stands still: {self.reader.halted}"
        return super().trouble()
