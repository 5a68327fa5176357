"""Whether the keys at hand open the keys of the persons in a database: a copy of it is worth what can be read in it."""

from pathlib import Path
from uuid import UUID

import asyncpg

from shared.privacy.keys import load_keys
from shared.privacy.sealing import KeyWrapper, SealError, WrappedKey

_PERSONS = "select person_id, version, kek, sealed from registry.person_key order by md5(person_id::text) limit 500"


async def unreadable_persons(connection: "asyncpg.Connection[asyncpg.Record]", keys: Path) -> int:
    """Counts those of some persons whose key the keys in a directory do not open. `connection` is a superuser's."""
    wrapper = KeyWrapper(load_keys(keys))
    rows = await connection.fetch(_PERSONS)
    return sum(
        not _opens(wrapper, row["person_id"], WrappedKey(row["version"], row["kek"], row["sealed"])) for row in rows
    )


def _opens(wrapper: KeyWrapper, person: UUID, wrapped: WrappedKey) -> bool:
    try:
        wrapper.unwrap(person, wrapped)
    except SealError:
        return False
    return True
