"""How far the relay has come: pure bookkeeping, so that a simulation can drive it through every accident.

A snapshot is (xmin, xmax, running transactions), as Postgres prints `xmin:xmax:xip,…`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from shared.relay.records import Place, Row

Snapshot = tuple[int, int, tuple[int, ...]]

# Nothing is visible in it: 3 is a cluster's first transaction. Never the present one, which would skip what is there.
NOTHING: Snapshot = (3, 3, ())


class Tail(NamedTuple):
    """The end of a partition as Kafka acknowledged it to us: the next offset, and the id of the event before it."""

    next_offset: int
    event_id: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A batch that Kafka has: `count` records (`rows`) from `base_offset` on, `last_event_id` the last of them."""

    place: Place
    base_offset: int
    count: int
    last_event_id: str
    rows: Sequence[Row] = ()


class Seen(NamedTuple):
    """A partition as it stands in Kafka; `at_tail` is the event id found just before our tail, None if none is.

    `history` is of that record: the same events sent again in a higher history may stand at the same offsets.
    """

    begin: int
    end: int
    at_tail: str | None
    history: int = 0


Tails = Mapping[Place, Tail]


class LogLost(Exception):
    """Kafka no longer has what it acknowledged."""

    def __init__(self, places: Iterable[Place], epoch_seen: int = 0) -> None:
        self.places = frozenset(places)
        self.epoch_seen = epoch_seen
        super().__init__(", ".join(f"{topic}-{partition}" for topic, partition in sorted(self.places)))


@dataclass(frozen=True, slots=True)
class Position:
    """What `relay_state` keeps. Moved forward only by what Kafka has acknowledged."""

    fence: int
    history: int
    epoch: int
    snapshot: Snapshot = NOTHING
    target: Snapshot | None = None
    after_seq: int = 0
    tails: Tails = field(default_factory=dict)

    def heading_for(self, target: Snapshot, after_seq: int) -> "Position":
        """A large difference begins: up to `target`, of which nothing lies at or below `after_seq`."""
        return replace(self, target=target, after_seq=after_seq)

    def passed(self, seq: int) -> "Position":
        """All of the difference up to `seq` has been acknowledged."""
        return replace(self, after_seq=seq)

    def arrived(self, snapshot: Snapshot) -> "Position":
        """All that is visible in `snapshot` has been acknowledged."""
        return replace(self, snapshot=snapshot, target=None, after_seq=0)

    def acknowledged(self, batches: Iterable[Acknowledged]) -> "Position":
        """Takes over the ends that Kafka told. Raises LogLost if an offset went backwards."""
        tails = dict(self.tails)
        for batch in batches:
            known = tails.get(batch.place)
            if known is not None and batch.base_offset < known.next_offset:
                raise LogLost([batch.place])
            tails[batch.place] = Tail(batch.base_offset + batch.count, batch.last_event_id)
        return replace(self, tails=tails)

    def is_overtaken(self, batches: Iterable[Acknowledged]) -> bool:
        """Tells whether somebody else has written behind a tail: a duplicate of an earlier leader's, or another log."""
        ends = {place: tail.next_offset for place, tail in self.tails.items()}
        for batch in batches:
            if batch.base_offset > ends.get(batch.place, batch.base_offset):
                return True
            ends[batch.place] = batch.base_offset + batch.count
        return False

    def after_loss(self, loss: LogLost) -> "Position":
        """Everything is to be sent again under a higher epoch. Tails that hold stay, so that they are watched on."""
        kept = {place: tail for place, tail in self.tails.items() if place not in loss.places}
        return replace(self, epoch=max(self.epoch, loss.epoch_seen) + 1, tails=kept).arrived(NOTHING)


def broken_places(tails: Tails, log: Mapping[Place, Seen]) -> frozenset[Place]:
    """Returns the partitions whose log is not what was acknowledged: shorter, gone, or another record at the tail.

    A topic made anew may be longer than the tail by now: only the event id tells.
    """
    return frozenset(
        place
        for place, tail in tails.items()
        if place not in log or log[place].end < tail.next_offset or log[place].at_tail != tail.event_id
    )


def tails_as_json(tails: Tails) -> dict[str, dict[str, list[Any]]]:
    """Returns `{topic: {partition: [next offset, last event id]}}`."""
    topics: dict[str, dict[str, list[Any]]] = {}
    for (topic, partition), tail in sorted(tails.items()):
        topics.setdefault(topic, {})[str(partition)] = [tail.next_offset, tail.event_id]
    return topics


def tails_from_json(document: Mapping[str, Mapping[str, list[Any]]]) -> Tails:
    """The reverse of `tails_as_json`."""
    return {
        (topic, int(partition)): Tail(int(next_offset), str(event_id))
        for topic, partitions in document.items()
        for partition, (next_offset, event_id) in partitions.items()
    }
