from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder

from shared.relay.evidence import Findings, event_id_in, told_by
from shared.relay.records import Stamp, by_place, event_id_of, fill


def row(seq: int, partition: int = 0, key: bytes = b"a", payload: bytes = b"{}", trace: bytes | None = None) -> Any:
    return (seq, "t", partition, key, b"id-%d" % seq, b"Done", payload, b"cause", trace)


def test_rows_of_a_partition_keep_their_order() -> None:
    rows = [row(1), row(2, 1), row(3), row(4, 1), row(5)]
    assert {place: [one[0] for one in ours] for place, ours in by_place(rows).items()} == {
        ("t", 0): [1, 3, 5],
        ("t", 1): [2, 4],
    }


def test_a_record_carries_its_log_and_the_cause() -> None:
    appended: list[dict[str, Any]] = []

    def append(**record: Any) -> bool:
        appended.append(record)
        return True

    assert fill(append, [row(1, trace=b"00-x")], Stamp(3, 2, 9), 1234) == 1
    assert appended == [
        {
            "timestamp": 1234,
            "key": b"a",
            "value": b"{}",
            "headers": [
                ("event_id", b"id-1"),
                ("type", b"Done"),
                ("history", b"3"),
                ("epoch", b"2"),
                ("fence", b"9"),
                ("correlation_id", b"cause"),
                ("traceparent", b"00-x"),
            ],
        }
    ]


def test_a_full_batch_takes_what_fits_and_the_first_always_does() -> None:
    rows = [row(number, payload=b"x" * 400) for number in range(5)]
    assert fill(BatchBuilder(1200, 0).append, rows, Stamp(1, 1, 1), 1) == 2
    assert fill(BatchBuilder(100, 0).append, rows, Stamp(1, 1, 1), 1) == 1


def test_the_event_id_is_read_back_from_a_row() -> None:
    assert event_id_of(row(7)) == "id-7"


def record(headers: dict[str, bytes], key: bytes | None = b"a", value: bytes | None = b'{"version": 4}') -> Any:
    return SimpleNamespace(headers=list(headers.items()), key=key, value=value, timestamp=1_700_000_000_000)


OURS = {"event_id": str(uuid4()).encode(), "history": b"2", "epoch": b"5", "fence": b"1", "type": b"Done"}


def test_a_record_of_ours_is_evidence() -> None:
    told = told_by("t", record(OURS), 2)
    assert told is not None
    assert (str(told.event_id), told.aggregate_id, told.version) == (OURS["event_id"].decode(), "a", 4)
    assert (told.type, told.history, told.epoch) == ("Done", 2, 5)
    assert told.recorded_at == datetime.fromtimestamp(1_700_000_000, UTC)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {**OURS, "history": b"1"},  # of a history that is over
        {**OURS, "history": b"two"},
        {**OURS, "history": b"\xff"},
        {**OURS, "history": b"9" * 30},  # a new history has to be above it, and no table could keep that
        {**OURS, "epoch": b"9" * 30},
        {**OURS, "epoch": b"-1"},
        {**OURS, "event_id": b"none"},
        {**OURS, "event_id": b"\xff\xff"},
        {name: value for name, value in OURS.items() if name != "fence"},
        {name: value for name, value in OURS.items() if name != "epoch"},
    ],
)
def test_what_anybody_may_have_written_is_none(headers: dict[str, bytes]) -> None:
    assert told_by("t", record(headers), 2) is None


def test_a_key_or_value_that_is_missing_or_unreadable_does_no_harm() -> None:
    assert told_by("t", record(OURS, key=None), 2) is None
    assert told_by("t", record(OURS, key=b"\xff"), 2) is None
    assert told_by("t", record(OURS, key=b"a\0"), 2) is None
    nameless = told_by("t", record({**OURS, "type": b"Do\0ne"}), 2)
    assert nameless is not None
    assert nameless.type is None
    deep, beyond = b"[" * 100_000, b'{"version": %d}' % 2**63
    for value in (None, b"\xff", b"[]", b"{}", b'{"version": "x"}', deep, beyond):
        told = told_by("t", record(OURS, value=value), 2)
        assert told is not None
        assert told.version is None
    assert event_id_in(record({"event_id": b"\xff"})) is None
    beyond_any_date = record(OURS)
    beyond_any_date.timestamp = 2**62
    assert told_by("t", beyond_any_date, 2) is None


def test_a_findings_keeps_the_highest_numbers() -> None:
    findings = Findings()
    for headers in (OURS, {**OURS, "history": b"4", "epoch": b"1"}):
        told = told_by("t", record(headers), 2)
        assert told is not None
        findings.hear([told])
    assert (findings.history, findings.epoch, findings.earliest_missing()) == (4, 5, None)
