"""Reading one partition in order: what may be taken from what Kafka handed over, and when to stop and look again.
Pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from aiokafka import TopicPartition

from shared.consumer.applier import Received
from shared.consumer.offsets import Move, Place
from shared.consumer.parking import Bad
from shared.consumer.records import PassedOver, Readable, Record, digest, read

# About a millisecond of reading.
_STEP = 32


class Misplaced(Exception):
    """The records do not begin where the row says, or leave some out: what is between them must be fetched again."""

    def __init__(self, wanted: int, got: int) -> None:
        super().__init__(f"wanted offset {wanted}, got {got}")
        self.gap = (wanted, got)


class AnotherLog(Exception):
    """The record before the position is not the one that was read there: this is another log under the same name."""


@dataclass(frozen=True, slots=True)
class HigherHistory:
    """The publisher was restored and its log begun anew: what is known may never have happened."""

    known: int
    met: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where reading stands in one partition.

    `cursor` is the offset that must come next. While `unchecked`, it is the record before the position, which must
    have the
    stored digest.
    `gap` is a hole (before, behind) that the log has shown three times.
    """

    place: Place
    cursor: int
    unchecked: bool = False
    gap: tuple[int, int] | None = None

    @classmethod
    def at(cls, place: Place, beginning: int, end: int, gap: tuple[int, int] | None = None) -> "Standing":
        """Returns where to go on in a log that holds the offsets from `beginning` up to `end`.

        Raises AnotherLog if the last record that was read cannot be in it.
        """
        if place.digest is None:
            return cls(place, beginning, gap=gap)
        if not beginning < place.next_offset <= end:
            raise AnotherLog(f"the log holds {beginning} to {end}, the position is {place.next_offset}")
        return cls(place, place.next_offset - 1, unchecked=True, gap=gap)


@dataclass(slots=True)
class Share:
    """What one partition contributes to a transaction, and where it stands afterwards. `sources` are the events'
    records.
    """

    partition: TopicPartition
    before: Standing
    cursor: int
    checked: bool
    history: int | None
    epoch: int | None
    taken: int = 0
    last: Record | None = None
    events: list[Received] = field(default_factory=list)
    sources: list[Record] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)
    passed_over: int = 0
    from_lower_history: int = 0
    look_again: bool = False
    trouble: HigherHistory | None = None
    _after: Standing | None = None

    @property
    def standing(self) -> Standing:
        """Returns where the partition stands once the share is committed; to be asked when all is taken."""
        if self._after is None:
            self._after = self._standing()
        return self._after

    def _standing(self) -> Standing:
        place = self.before.place
        if self.last is not None:
            place = Place(self.history, self.epoch, self.last.offset + 1, digest(self.last), place.resets)
        return Standing(place, self.cursor, gap=self.before.gap)

    @property
    def move(self) -> Move:
        return Move(self.partition, self.before.place, self.standing.place, self.passed_over, self.from_lower_history)


def take(standing: Standing, partition: TopicPartition, records: Sequence[Record]) -> Share:
    """Takes as many records as may be applied now; `partition` is named as in the catalogue.

    Stops before an epoch that is higher than the known one, until the place has been checked, and before a higher
    history.
    Raises Misplaced or AnotherLog if not even the first is what it must be.
    """
    *_, share = take_in_steps(standing, partition, records)
    return share


def take_in_steps(standing: Standing, partition: TopicPartition, records: Sequence[Record]) -> Iterator[Share]:
    """Does what `take` does, and pauses after every few records: reading a large batch takes long. Each time it
    yields the same share; it is whole when there are no more steps.
    """
    place = standing.place
    # What was checked in one batch says nothing of the next: the log may be made anew between two fetches.
    nothing_taken_yet = place.digest is None
    share = Share(partition, standing, standing.cursor, nothing_taken_yet, place.history, place.epoch)
    for record in _check(share, records) if standing.unchecked else records:
        if not _follows(share, record) or not _add(share, record):
            break
        share.taken += 1
        share.cursor = record.offset + 1
        share.checked = False
        share.last = record
        if share.taken % _STEP == 0:
            yield share
    yield share


def _check(share: Share, records: Sequence[Record]) -> Sequence[Record]:
    first, standing = records[0], share.before
    if (standing.cursor, first.offset) == standing.gap:
        raise AnotherLog(f"the log has no record at {standing.cursor} any more")
    if first.offset != standing.cursor:
        raise Misplaced(standing.cursor, first.offset)
    if digest(first) != standing.place.digest:
        raise AnotherLog(f"the record at {first.offset} is not the one that was read there")
    share.cursor, share.checked = first.offset + 1, True
    return records[1:]


def _follows(share: Share, record: Record) -> bool:
    if record.offset == share.cursor or (share.cursor, record.offset) == share.before.gap:
        return True
    if share.last is None:
        raise Misplaced(share.cursor, record.offset)
    share.look_again = True
    return False


def _add(share: Share, record: Record) -> bool:
    """Files the record where it belongs; false if reading has to stop before it."""
    reading = read(record, share.partition.topic)
    if isinstance(reading, Readable):
        return _add_event(share, record, reading)
    if isinstance(reading, PassedOver):
        share.passed_over += 1
    else:
        share.bad.append(Bad(record, share.partition.topic, reading.error))
    return True


def _add_event(share: Share, record: Record, reading: Readable) -> bool:
    history, epoch = share.history or reading.history, share.epoch or reading.epoch
    if reading.history > history:
        share.trouble = HigherHistory(history, reading.history)
        return False
    if reading.history < history:
        share.from_lower_history += 1
        return True
    if reading.epoch > epoch and not share.checked:
        share.look_again = True
        return False
    share.history, share.epoch = history, max(epoch, reading.epoch)
    topic = share.partition.topic
    share.events.append(
        Received(topic, record.partition, record.offset, reading.event, reading.traceparent, record.timestamp)
    )
    share.sources.append(record)
    return True
