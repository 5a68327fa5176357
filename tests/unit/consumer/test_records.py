"""What a record says, whatever it holds."""

import json
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as some

from shared.consumer.records import PassedOver, Readable, Record, Unreadable, digest, read
from shared.contracts import headers as names
from shared.contracts.catalogue import BUSINESS
from tests.support.log import business, headers

TOPIC = BUSINESS.name
EVENT = business()
KEY, VALUE = EVENT.aggregate_id.encode(), EVENT.model_dump_json().encode()


def record(key: bytes | None = KEY, value: bytes | None = VALUE, found: Any = None, offset: int = 7) -> Record:
    sent = tuple(headers(EVENT) if found is None else found)
    return ConsumerRecord(TOPIC, 3, offset, 1, 0, key, value, None, -1, -1, sent)


def test_an_event_is_read_with_its_history_and_epoch() -> None:
    reading = read(record(found=headers(EVENT, history=2, epoch=5)), TOPIC)
    assert reading == Readable(EVENT, 2, 5, None)


def test_the_json_tells_the_type_where_no_header_does() -> None:
    assert isinstance(read(record(found=headers(EVENT)[2:]), TOPIC), Readable)
    assert read(record(value=b'{"type": "Dreamt"}', found=()), TOPIC) == PassedOver("Dreamt")


def test_unknown_headers_do_not_matter_and_broken_ones_of_ours_do() -> None:
    assert isinstance(read(record(found=[*headers(EVENT), ("x", b"\xff")]), TOPIC), Readable)
    reading = read(record(found=[*headers(EVENT), (names.TRACEPARENT, b"\xff")]), TOPIC)
    assert reading == Unreadable("header traceparent is not UTF-8")


def test_an_error_does_not_repeat_what_the_record_holds() -> None:
    reading = read(record(value=VALUE.replace(b'"version":1', b'"version":"NIK 3576012345678901"')), TOPIC)
    assert isinstance(reading, Unreadable)
    assert "3576012345678901" not in reading.error
    assert "version" in reading.error


def test_a_version_that_no_table_can_keep_is_no_event() -> None:
    """It could not even be set aside, and everything behind it would have waited."""
    greatest = 2**63 - 1
    assert isinstance(read(record(value=VALUE.replace(b'"version":1', b'"version":%d' % greatest)), TOPIC), Readable)
    reading = read(record(value=VALUE.replace(b'"version":1', b'"version":%d' % (greatest + 1))), TOPIC)
    assert isinstance(reading, Unreadable)
    assert "version" in reading.error


@pytest.mark.parametrize(
    "instant", ["9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z"]
)
@pytest.mark.parametrize("field", ["occurred_at", "recorded_at"])
def test_an_instant_that_no_zone_can_show_is_no_event(field: str, instant: str) -> None:
    told = json.loads(VALUE)
    reading = read(record(value=json.dumps({**told, field: instant}).encode()), TOPIC)
    assert isinstance(reading, Unreadable)
    assert field in reading.error


def test_the_digest_tells_bytes_that_moved_between_the_parts() -> None:
    assert digest(record(b"ab", b"c", ())) != digest(record(b"a", b"bc", ()))
    assert digest(record(b"", b"", ())) != digest(record(None, b"", ()))
    assert digest(record(found=[("a", b"1")])) != digest(record(found=[("a", b"2")]))
    assert digest(record(offset=1)) == digest(record(offset=2))


@given(
    some.none() | some.binary(max_size=80),
    some.none() | some.binary(max_size=200) | some.text().map(str.encode),
    some.lists(
        some.tuples(
            some.sampled_from([names.TYPE, names.HISTORY, names.EPOCH, "x"]),
            some.none() | some.sampled_from([b"BusinessRegistered", b"1"]) | some.binary(max_size=20),
        )
    ),
)
def test_reading_cannot_fail(key: bytes | None, value: bytes | None, found: list[tuple[str, bytes | None]]) -> None:
    strange = record(key, value, found)
    assert isinstance(read(strange, TOPIC), Readable | PassedOver | Unreadable)
    assert len(digest(strange)) == 32
