"""One look at Kafka: where logs end, where groups are, and who is there. Pure."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

Place = tuple[str, int]  # (topic as Kafka has it, partition)


@dataclass(frozen=True)
class Standing:
    """`committed`: the offset of each partition that the group has told Kafka; nothing of ours reads on from it."""

    members: int
    committed: Mapping[Place, int]

    def lags(self, ends: Mapping[Place, int]) -> dict[str, int]:
        """Returns by topic how many records lie behind what was committed; a log that was made anew has none."""
        found: dict[str, int] = defaultdict(int)
        for (topic, partition), offset in self.committed.items():
            found[topic] += max(0, ends.get((topic, partition), offset) - offset)
        return dict(found)


@dataclass(frozen=True)
class Look:
    brokers: int
    short_of_copies: int
    ends: Mapping[Place, int]
    groups: Mapping[str, Standing]
