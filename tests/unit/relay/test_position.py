import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.relay.position import (
    NOTHING,
    Acknowledged,
    LogLost,
    Position,
    Seen,
    Tail,
    broken_places,
    tails_as_json,
    tails_from_json,
)

PLACE = ("registry.business.v1", 3)
OTHER = ("registry.office.v1", 0)
START = Position(fence=1, history=1, epoch=1)


def acknowledged(base: int, count: int, last: str = "e") -> Acknowledged:
    return Acknowledged(PLACE, base, count, last)


def test_a_start_knows_nothing() -> None:
    assert START.snapshot == NOTHING == (3, 3, ())
    assert not START.tails


def test_acknowledged_batches_move_the_tail() -> None:
    position = START.acknowledged([acknowledged(0, 3, "c")]).acknowledged([acknowledged(3, 1, "d")])
    assert position.tails == {PLACE: Tail(4, "d")}


def test_duplicates_of_somebody_else_leave_a_gap_and_no_alarm() -> None:
    assert START.acknowledged([acknowledged(0, 1), acknowledged(7, 1)]).tails[PLACE].next_offset == 8


def test_what_somebody_else_wrote_behind_a_tail_is_seen_before_the_tail_moves() -> None:
    position = START.acknowledged([acknowledged(0, 3)])
    assert not position.is_overtaken([acknowledged(3, 2), acknowledged(5, 1)])
    assert position.is_overtaken([acknowledged(3, 2), acknowledged(6, 1)])
    assert not START.is_overtaken([acknowledged(9, 1)]), "nothing is known of a log that was never written to"


def test_an_offset_that_goes_backwards_is_a_lost_log() -> None:
    position = START.acknowledged([acknowledged(5, 2)])
    with pytest.raises(LogLost) as lost:
        position.acknowledged([acknowledged(6, 1)])
    assert lost.value.places == {PLACE}


def test_after_a_loss_everything_is_sent_again_and_sound_tails_stay() -> None:
    position = Position(2, 1, 4, (10, 12, (11,)), (20, 20, ()), 99, {PLACE: Tail(5, "a"), OTHER: Tail(1, "b")})
    after = position.after_loss(LogLost([PLACE], epoch_seen=7))
    assert (after.epoch, after.snapshot, after.target, after.after_seq) == (8, NOTHING, None, 0)
    assert after.tails == {OTHER: Tail(1, "b")}
    assert (after.fence, after.history) == (2, 1)


@pytest.mark.parametrize(
    ("seen", "broken"),
    [
        (Seen(0, 5, "a"), False),
        (Seen(0, 9, "a"), False),  # records of a crash, or duplicates, lie beyond
        (Seen(0, 9, "z"), True),  # made anew and grown past the tail
        (Seen(0, 4, None), True),  # offsets gone backwards
        (Seen(0, 0, None), True),  # empty
        (Seen(5, 9, None), True),  # the kept record is gone
        (None, True),  # no such partition
    ],
)
def test_which_partition_is_not_the_one_that_was_acknowledged(seen: Seen | None, broken: bool) -> None:  # noqa: FBT001
    assert broken_places({PLACE: Tail(5, "a")}, {PLACE: seen} if seen else {}) == ({PLACE} if broken else set())


TAILS = st.dictionaries(
    st.tuples(st.sampled_from(["registry.business.v1", "registry.office.v1"]), st.integers(0, 11)),
    st.builds(Tail, st.integers(0, 2**60), st.uuids().map(str)),
)


@given(TAILS)
def test_tails_survive_being_stored(tails: dict[tuple[str, int], Tail]) -> None:
    assert tails_from_json(tails_as_json(tails)) == tails
