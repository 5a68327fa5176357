"""The comparison finds every kind of breakage, and lets pass what the rule allows."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from shared.contracts import snapshot
from shared.contracts.compatibility import compare_catalogues, compare_schemas
from tests.contract.schemas import SCHEMAS

WORDS = {"title", "description", "examples"}
Path = tuple[str | int, ...]


def schema() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["id", "state"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "kind": {"enum": ["umkm", "ikm"]},
            "state": {"$ref": "#/$defs/State"},
        },
        "$defs": {
            "State": {
                "type": "object",
                "required": ["code"],
                "properties": {
                    "code": {"type": "string", "pattern": "^a", "maxLength": 40},
                    "days": {"type": "array", "items": {"type": "string"}},
                    "until": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
                },
            }
        },
    }


def changed(*steps: str | int, to: Any) -> dict[str, Any]:
    """Returns the schema with one place changed; `...` removes it."""
    new: Any = schema()
    place = new
    for step in steps[:-1]:
        place = place[step]
    if to is ...:
        del place[steps[-1]]
    else:
        place[steps[-1]] = to
    return dict(new)


STATE = ("$defs", "State", "properties")


@pytest.mark.parametrize(
    ("new", "where", "what"),
    [
        (changed("properties", "kind", to=...), "E.kind", "removed"),
        (changed("properties", "kind", "enum", to=["umkm"]), "E.kind", "enum changed"),
        (changed("properties", "kind", "enum", to=["umkm", "ikm", "cooperative"]), "E.kind", "enum changed"),
        (changed("properties", "kind", "enum", to=...), "E.kind", "enum was removed"),
        (changed("properties", "id", "type", to="integer"), "E.id", "type changed"),
        (changed("properties", "id", "format", to=...), "E.id", "format 'uuid' was removed"),
        (changed("required", to=["id", "state", "kind"]), "E.kind", "made required"),
        (changed("required", to=["id"]), "E.state", "no longer promised"),
        (changed("$defs", "State", "required", to=["code", "more"]), "E.state.more", "required field was added"),
        (changed(*STATE, "code", "pattern", to="^ab"), "E.state.code", "pattern changed"),
        (changed(*STATE, "code", "maxLength", to=39), "E.state.code", "maxLength changed"),
        (changed(*STATE, "code", "minLength", to=1), "E.state.code", "minLength 1 was added"),
        (changed(*STATE, "days", "items", "type", to="integer"), "E.state.days[]", "type changed"),
        (changed(*STATE, "days", "items", to=...), "E.state.days", "items was removed"),
        (changed(*STATE, "until", "anyOf", to=[{"type": "string"}]), "E.state.until", "anyOf has 1 parts"),
        (changed(*STATE, "until", "anyOf", 0, to={"type": "integer"}), "E.state.until|0", "type changed"),
        (changed(*STATE, "until", "default", to="never"), "E.state.until", "default changed"),
        (changed("properties", "state", to={"type": "string"}), "E.state", "type changed"),
    ],
)
def test_each_kind_of_breakage_is_named(new: dict[str, Any], where: str, what: str) -> None:
    found = compare_schemas("E", schema(), new)
    assert any(each.where == where and what in each.what for each in found), [str(each) for each in found]


@pytest.mark.parametrize(
    "new",
    [
        schema(),
        changed("properties", "note", to={"type": "string"}),
        changed(*STATE, "note", to={"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}),
        changed("properties", "kind", "enum", to=["ikm", "umkm"]),
        changed("required", to=["state", "id"]),
        changed("description", to="Better words"),
        changed("properties", "state", to=schema()["$defs"]["State"]),
    ],
)
def test_new_optional_fields_and_better_words_pass(new: dict[str, Any]) -> None:
    assert compare_schemas("E", schema(), new) == []


def test_a_schema_that_holds_itself_is_compared() -> None:
    def linked(kind: str) -> dict[str, Any]:
        fields = {"next": {"$ref": "#/$defs/N"}, "a": {"type": kind}}
        return {"$ref": "#/$defs/N", "$defs": {"N": {"properties": fields}}}

    old, new = linked("string"), linked("integer")
    assert compare_schemas("E", old, old) == []
    assert [each.where for each in compare_schemas("E", old, new)] == ["E.a"]


def places(node: Any, path: Path = ()) -> Iterator[Path]:
    """Every place of a JSON Schema document at which a program could be told something else."""
    entries: list[tuple[str | int, Any]] = []
    if isinstance(node, dict):
        named = bool(path) and path[-1] in ("properties", "$defs")
        entries = [(key, value) for key, value in node.items() if named or key not in WORDS]
    elif isinstance(node, list):
        entries = list(enumerate(node))
    for key, value in entries:
        yield (*path, key)
        yield from places(value, (*path, key))


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_no_place_of_a_real_schema_changes_unseen(name: str) -> None:
    """Takes away, one after the other, everything that the schema says: each time somebody would be broken."""
    for path in places(SCHEMAS[name]):
        new = deepcopy(SCHEMAS[name])
        holder: Any = new
        for step in path[:-1]:
            holder = holder[step]
        if path[-1] == "$defs" or path[-2:-1] == ("$defs",):
            continue  # without its definition a reference cannot be read at all
        del holder[path[-1]]
        assert compare_schemas(name, SCHEMAS[name], new), path


def catalogue() -> dict[str, Any]:
    return {"a.v1": {"service": "a", "partitions": 12, "retention_ms": -1, "events": ["Opened", "Closed"]}}


def test_topics_and_types_may_come_but_not_go() -> None:
    more = {**catalogue(), "b.v1": {"service": "b", "partitions": 12, "retention_ms": -1, "events": []}}
    more["a.v1"]["events"] = ["Closed", "Opened", "Changed"]
    assert compare_catalogues(catalogue(), more) == []
    assert [str(each) for each in compare_catalogues(more, catalogue())] == [
        "a.v1.Changed: the event type was removed from the topic",
        "b.v1: the topic was removed",
    ]


@pytest.mark.parametrize(("fixed", "value"), [("partitions", 24), ("retention_ms", 86_400_000), ("service", "b")])
def test_a_topics_shape_is_for_ever(fixed: str, value: Any) -> None:
    new = catalogue()
    new["a.v1"][fixed] = value
    [found] = compare_catalogues(catalogue(), new)
    assert fixed in found.what


def test_an_event_type_that_went_is_found() -> None:
    new = {name: document for name, document in snapshot.current().items() if name != "SessionResolved"}
    assert [str(each) for each in snapshot.breakages(snapshot.current(), new)] == [
        "SessionResolved: the event type was removed"
    ]
