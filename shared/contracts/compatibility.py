"""What would break between two versions of the published language. Nothing may change but by a new optional field.

Old events stay in the log for ever and old consumers go on reading new ones, so a change in either direction breaks
somebody: a loosened pattern surprises a consumer as a tightened one refuses an old event.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

# Words for people: they change nothing for a program.
_ANNOTATIONS = frozenset({"title", "description", "examples", "example", "$defs", "$comment", "deprecated"})
_HANDLED = frozenset({"properties", "required", "items", "anyOf", "oneOf", "allOf", "prefixItems", "enum", "$ref"})
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Breakage:
    """What is no longer as it was: `where` is a path such as `SessionCompleted.payload.state.day`."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two schemas at one place, and the documents that their references point into."""

    where: str
    old: Schema
    new: Schema
    old_root: Schema
    new_root: Schema
    seen: frozenset[tuple[str, str]] = frozenset()

    def at(self, step: str, old: Schema, new: Schema) -> "_Pair":
        return _Pair(f"{self.where}{step}", old, new, self.old_root, self.new_root, self.seen)


def compare_schemas(name: str, old: Schema, new: Schema) -> list[Breakage]:
    """Returns what breaks between two JSON Schemas of one event type; nothing if only optional fields were added."""
    return list(_compare(_Pair(name, old, new, old, new)))


def compare_catalogues(old: Mapping[str, Schema], new: Mapping[str, Schema]) -> list[Breakage]:
    """Returns what breaks between two catalogues, topic → {service, partitions, retention_ms, events}."""
    return [breakage for topic in old for breakage in _compare_topics(topic, old[topic], new.get(topic))]


def _compare_topics(topic: str, old: Schema, new: Schema | None) -> Iterator[Breakage]:
    if new is None:
        yield Breakage(topic, "the topic was removed")
        return
    for event in old["events"]:
        if event not in new["events"]:
            yield Breakage(f"{topic}.{event}", "the event type was removed from the topic")
    for fixed in ("service", "partitions", "retention_ms"):
        if old[fixed] != new[fixed]:
            yield Breakage(topic, f"{fixed} changed from {old[fixed]!r} to {new[fixed]!r}")


def _compare(pair: _Pair) -> Iterator[Breakage]:
    refs = (str(pair.old.get("$ref", "")), str(pair.new.get("$ref", "")))
    if refs in pair.seen and any(refs):
        return
    seen = pair.seen | {refs}
    old, new = _resolved(pair.old, pair.old_root), _resolved(pair.new, pair.new_root)
    here = _Pair(pair.where, old, new, pair.old_root, pair.new_root, seen)
    yield from _compare_keywords(here)
    yield from _compare_choices(here)
    yield from _compare_fields(here)
    yield from _compare_parts(here)


def _resolved(schema: Schema, root: Schema) -> Schema:
    """Follows `#/$defs/Name`, keeping what stands beside the reference."""
    while "$ref" in schema:
        target: Any = root
        for step in str(schema["$ref"]).removeprefix("#/").split("/"):
            target = target[step]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def _compare_keywords(pair: _Pair) -> Iterator[Breakage]:
    """Type, format, pattern, bounds, default, const, and whatever JSON Schema may learn later."""
    for keyword in sorted((pair.old.keys() | pair.new.keys()) - _ANNOTATIONS - _HANDLED):
        before, after = pair.old.get(keyword, _ABSENT), pair.new.get(keyword, _ABSENT)
        if before is _ABSENT:
            yield Breakage(pair.where, f"{keyword} {after!r} was added")
        elif after is _ABSENT:
            yield Breakage(pair.where, f"{keyword} {before!r} was removed")
        elif before != after:
            yield Breakage(pair.where, f"{keyword} changed from {before!r} to {after!r}")


def _compare_choices(pair: _Pair) -> Iterator[Breakage]:
    before, after = pair.old.get("enum"), pair.new.get("enum")
    if (before is None) != (after is None):
        yield Breakage(pair.where, "enum was removed" if after is None else "enum was added")
    elif before is not None and after is not None and sorted(map(repr, before)) != sorted(map(repr, after)):
        yield Breakage(pair.where, f"enum changed from {before!r} to {after!r}")


def _compare_fields(pair: _Pair) -> Iterator[Breakage]:
    old, new = pair.old.get("properties", {}), pair.new.get("properties", {})
    old_required, new_required = set(pair.old.get("required", ())), set(pair.new.get("required", ()))
    for field in sorted(new_required - old_required):
        change = "the field was made required" if field in old else "a required field was added"
        yield Breakage(f"{pair.where}.{field}", change)
    for field, before in old.items():
        if field not in new:
            yield Breakage(f"{pair.where}.{field}", "the field was removed")
            continue
        if field in old_required - new_required:
            yield Breakage(f"{pair.where}.{field}", "the field is no longer promised: it was required")
        yield from _compare(pair.at(f".{field}", before, new[field]))


def _compare_parts(pair: _Pair) -> Iterator[Breakage]:
    for keyword, step in (("anyOf", "|"), ("oneOf", "|"), ("allOf", "&"), ("prefixItems", "#")):
        before, after = _parts(pair.old, keyword), _parts(pair.new, keyword)
        if len(before) != len(after):
            yield Breakage(pair.where, f"{keyword} has {len(after)} parts instead of {len(before)}")
            continue
        for place, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _compare(pair.at(f"{step}{place}", one, other))
    if ("items" in pair.old) != ("items" in pair.new):
        yield Breakage(pair.where, "items was removed" if "items" in pair.old else "items was added")
    elif "items" in pair.old:
        yield from _compare(pair.at("[]", pair.old["items"], pair.new["items"]))


def _parts(schema: Schema, keyword: str) -> Sequence[Schema]:
    parts: Sequence[Schema] = schema.get(keyword, ())
    return parts
