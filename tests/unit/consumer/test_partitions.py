"""Reading in order: what may be taken, and when to look again."""

import pytest
from aiokafka import ConsumerRecord, TopicPartition

from shared.consumer.offsets import Place
from shared.consumer.partitions import AnotherLog, HigherHistory, Misplaced, Standing, take
from shared.consumer.records import Record, digest
from shared.contracts.catalogue import BUSINESS, AnyEvent
from tests.support.log import business, headers

HERE = TopicPartition(BUSINESS.name, 3)
NEW = Place(None, None, 0, None, 0)


def at(offset: int, event: AnyEvent | None = None, *, history: int = 1, epoch: int = 1) -> Record:
    told = event or business()
    return ConsumerRecord(
        HERE.topic,
        HERE.partition,
        offset,
        1,
        0,
        told.aggregate_id.encode(),
        told.model_dump_json().encode(),
        None,
        -1,
        -1,
        tuple(headers(told, history, epoch)),
    )


def bad(offset: int) -> Record:
    return ConsumerRecord(HERE.topic, HERE.partition, offset, 1, 0, b"k", b"{", None, -1, -1, ())


def behind(last: Record, *, history: int = 1, epoch: int = 1) -> Place:
    """Returns the place of a reader whose last record was this one."""
    return Place(history, epoch, last.offset + 1, digest(last), 0)


def test_a_new_reader_begins_where_the_log_begins() -> None:
    share = take(Standing.at(NEW, 5, 9), HERE, [at(5), bad(6), at(7)])
    assert [event.offset for event in share.events] == [5, 7]
    assert [each.record.offset for each in share.bad] == [6]
    assert share.standing.place == Place(1, 1, 8, share.standing.place.digest, 0)


def test_history_and_epoch_come_from_the_first_readable_record() -> None:
    share = take(Standing.at(NEW, 0, 9), HERE, [bad(0), bad(1)])
    assert (share.standing.place.history, share.standing.place.next_offset) == (None, 2)
    later = take(share.standing, HERE, [at(2, history=3, epoch=2)])
    assert (later.standing.place.history, later.standing.place.epoch) == (3, 2)


def test_the_record_before_the_position_is_checked_and_not_taken_twice() -> None:
    last = at(4)
    share = take(Standing.at(behind(last), 0, 9), HERE, [last, at(5)])
    assert [event.offset for event in share.events] == [5]
    with pytest.raises(AnotherLog):
        take(Standing.at(behind(last), 0, 9), HERE, [at(4), at(5)])


@pytest.mark.parametrize(("beginning", "end"), [(0, 4), (5, 9), (0, 0)])
def test_a_log_that_cannot_hold_the_last_record_is_another_one(beginning: int, end: int) -> None:
    with pytest.raises(AnotherLog):
        Standing.at(behind(at(4)), beginning, end)


def test_records_that_do_not_follow_are_not_taken() -> None:
    standing = take(Standing.at(NEW, 0, 9), HERE, [at(0)]).standing
    for offset in (0, 2):
        with pytest.raises(Misplaced):
            take(standing, HERE, [at(offset)])
    share = take(standing, HERE, [at(1), at(3)])
    assert (share.taken, share.look_again) == (1, True)


def test_a_hole_that_the_log_has_shown_often_enough_is_stepped_over() -> None:
    place = behind(at(4))
    assert take(Standing(place, 5, gap=(5, 8)), HERE, [at(8)]).taken == 1
    with pytest.raises(AnotherLog):
        take(Standing(place, 4, unchecked=True, gap=(4, 8)), HERE, [at(8)])


def test_a_higher_epoch_is_believed_only_behind_a_checked_place() -> None:
    last = at(4)
    running = Standing(behind(last), 5)
    share = take(running, HERE, [at(5), at(6, epoch=2)])
    assert (share.taken, share.look_again, share.standing.place.epoch) == (1, True, 1)
    checked = take(Standing.at(behind(last), 0, 9), HERE, [last, at(5, epoch=2), at(6, epoch=2)])
    assert (checked.taken, checked.standing.place.epoch) == (2, 2)


def test_what_was_checked_says_nothing_of_the_next_batch() -> None:
    """Between two fetches the log may be made anew, and be longer than the position before the next one."""
    last = at(4)
    alone = take(Standing.at(behind(last), 0, 9), HERE, [last])
    assert (alone.taken, alone.standing.cursor, alone.look_again) == (0, 5, False)
    share = take(alone.standing, HERE, [at(5, epoch=2), at(6, epoch=2)])
    assert (share.taken, share.look_again, share.standing.place.epoch) == (0, True, 1)


def test_a_lower_epoch_is_a_late_duplicate_and_changes_nothing() -> None:
    standing = take(Standing.at(NEW, 0, 9), HERE, [at(0, epoch=3)]).standing
    share = take(standing, HERE, [at(1, epoch=2)])
    assert (len(share.events), share.standing.place.epoch) == (1, 3)


def test_a_lower_history_is_passed_over_and_a_higher_one_stops() -> None:
    standing = take(Standing.at(NEW, 0, 9), HERE, [at(0, history=2)]).standing
    share = take(standing, HERE, [at(1, history=1), at(2, history=2), at(3, history=3), at(4, history=2)])
    assert (share.taken, share.from_lower_history, len(share.events)) == (2, 1, 1)
    assert share.trouble == HigherHistory(2, 3)


def test_the_digest_is_of_the_last_record_whatever_it_was() -> None:
    assert take(Standing.at(NEW, 0, 9), HERE, [at(0), bad(1)]).standing.place.digest == digest(bad(1))
