"""Real payloads, as they were once published: today's code reads each of them, and whatever a newer producer adds."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from shared.contracts.catalogue import EVENT_TYPES, parse

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))


def read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def test_there_is_one_of_each_type() -> None:
    assert {read(path)["type"] for path in GOLDEN} == set(EVENT_TYPES)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_an_old_payload_says_what_it_said(path: Path) -> None:
    payload = read(path)
    event = parse(payload["type"], json.dumps(payload))
    assert event is not None
    told = json.loads(event.model_dump_json())
    assert_contains(told, payload)


def assert_contains(told: Any, payload: Any, where: str = "") -> None:
    """Nothing of the old payload is lost or said differently; newer fields may stand beside it."""
    if isinstance(payload, dict):
        for key, value in payload.items():
            assert key in told, f"{where}.{key}"
            assert_contains(told[key], value, f"{where}.{key}")
    elif isinstance(payload, list):
        assert len(told) == len(payload), where
        for place, (one, other) in enumerate(zip(told, payload, strict=True)):
            assert_contains(one, other, f"{where}.{place}")
    else:
        assert told == payload, where


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_unknown_fields_are_passed_over_everywhere(path: Path) -> None:
    payload = read(path)
    for holder in objects(payload):
        holder["from_the_future"] = {"nested": [1, None]}
    assert parse(payload["type"], json.dumps(payload)) == parse(payload["type"], path.read_text(encoding="utf-8"))


def objects(node: Any) -> Iterator[dict[str, Any]]:
    children = list(node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())
    if isinstance(node, dict):
        yield node
    for child in children:
        yield from objects(child)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_missing_promise_is_noticed(path: Path) -> None:
    payload = read(path)
    for field in ("event_id", "aggregate_id", "version", "payload"):
        with pytest.raises(ValidationError):
            parse(payload["type"], json.dumps({key: value for key, value in payload.items() if key != field}))


def test_an_unknown_type_is_no_error() -> None:
    assert parse("SessionPraised", b"{}") is None
