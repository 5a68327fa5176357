"""How many brokers one installation has, and by which ports clients are told to reach them."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from deploy.local.files import write_whole
from deploy.local.kafka import Kafka, Membership, new_cluster
from deploy.local.protection import Protection

MOST = 3


@dataclass(frozen=True)
class Brokers:
    """One broker, or a set that keeps each record `number` times. The number stays as it was at the first start.

    `detours` are ports that clients are told instead of a broker's own, by the broker's name: of something in between.
    """

    number: int = 1
    cluster: str = ""
    detours: Mapping[str, int] = field(default_factory=dict)

    @property
    def names(self) -> Sequence[str]:
        return ("kafka", *(f"kafka-{number}" for number in range(2, self.number + 1)))

    @property
    def port_names(self) -> Sequence[str]:
        """Which ports they take: for clients, for the quorum and, in a set, for copies."""
        kinds = ("", "-controller", "-copies") if self.number > 1 else ("", "-controller")
        return [f"{name}{kind}" for name in self.names for kind in kinds]

    def client_port(self, name: str, ports: Mapping[str, int]) -> int:
        """Returns the port that clients are told of a broker. Raises KeyError if it has none yet."""
        return self.detours.get(name, ports[name])

    def broker(
        self, name: str, directory: Path, ports: Mapping[str, int], protection: Protection | None = None
    ) -> Kafka:
        """Returns one of them with its data below `directory`. Raises KeyError if it has no ports yet."""
        return Kafka(
            directory / name,
            ports[name],
            ports[f"{name}-controller"],
            told_port=self.detours.get(name),
            membership=self._membership(name, ports) if self.number > 1 else None,
            protection=protection,
        )

    def _membership(self, name: str, ports: Mapping[str, int]) -> Membership:
        return Membership(
            cluster=self.cluster,
            node=self.names.index(name) + 1,
            copies_port=ports[f"{name}-copies"],
            controllers=tuple(ports[f"{each}-controller"] for each in self.names),
        )


def several(number: int) -> Brokers:
    """Returns a new set. Raises ValueError for a number that no installation has."""
    if not 1 < number <= MOST:
        raise ValueError(f"a set has 2 to {MOST} brokers, not {number}")
    return Brokers(number, new_cluster())


class BrokersError(ValueError):
    """How many brokers hold the data is not known: guessing would start others without any."""


def load(path: Path) -> Brokers:
    """Returns what was kept; one broker if nothing was. Raises BrokersError for a file that cannot be read."""
    with suppress(FileNotFoundError):
        try:
            return Brokers(**json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise BrokersError(f"{path} cannot be read, and tells how many brokers hold the data: {error}") from error
    return Brokers()


def keep(path: Path, brokers: Brokers) -> None:
    """Keeps it for the next start of each broker."""
    write_whole(path, json.dumps(asdict(brokers), indent=1))
