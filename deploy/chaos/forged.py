"""Records as a broken or malicious producer would send them."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from shared.contracts import headers as names

_FIVE_MEGABYTES = 5 << 20


@dataclass(frozen=True)
class Forged:
    """A record without an event's id of its own."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


def poison(dice: random.Random, good: Mapping[str, Sequence[Forged]]) -> dict[str, Forged]:
    """Returns one record of each bad kind, made of good ones by topic, under the keys of living aggregates."""
    topic = dice.choice(sorted(good))
    one, other = dice.choice(good[topic]), dice.choice(good[topic])
    unstamped = [each for each in one.headers if each[0] != names.HISTORY]
    untyped = [each for each in one.headers if each[0] != names.TYPE]
    value = one.value or b""
    return {
        "tombstone": Forged(topic, one.key, None, one.headers),
        "not JSON": Forged(topic, one.key, b"{", one.headers),
        "not an object": Forged(topic, one.key, b"[1, 2]", one.headers),
        "fields missing": Forged(topic, one.key, b'{"version": 3}', one.headers),
        "wrong type of a field": Forged(
            topic, one.key, value.replace(b'"version":', b'"version":"x","v":'), one.headers
        ),
        "no key": Forged(topic, None, value, one.headers),
        "another's key": Forged(topic, str(uuid4()).encode(), value, one.headers),
        "not UTF-8": Forged(topic, other.key, b"\xff\xfe" + value, one.headers),
        "header not UTF-8": Forged(topic, one.key, value, [*untyped, (names.TYPE, b"\xff\xfe")]),
        "no history": Forged(topic, one.key, value, unstamped),
        "5 MB": Forged(topic, one.key, b" " * _FIVE_MEGABYTES, one.headers),
        "nested too deep": Forged(topic, one.key, b"[" * 100_000, one.headers),
    }


def unheard_of(dice: random.Random, good: Mapping[str, Sequence[Forged]]) -> list[Forged]:
    """Returns records that a newer producer might send: of an unknown type, of a later schema version."""
    topic = dice.choice(sorted(good))
    one = dice.choice(good[topic])
    untyped = [each for each in one.headers if each[0] != names.TYPE]
    return [
        Forged(topic, one.key, one.value, [*untyped, (names.TYPE, b"SomethingUnheardOf")]),
        Forged(topic, one.key, b'{"type":"SomethingUnheardOf","schema_version":99}', untyped),
    ]
