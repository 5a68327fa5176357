"""Who uploaded a sheet and who read its result. Only ever added to."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.imports.importer import Reader
from shared.postgres import Connection

_WRITE = """
insert into import_access (import_id, office, action, actor, correlation_id, happened_at)
values ($1, $2, $3, $4, $5, $6)
"""
_READ = "select action, actor, correlation_id, happened_at from import_access where import_id = $1 order by seq"


@dataclass(frozen=True, slots=True)
class Access:
    """`action` is upload_import or read_import."""

    action: str
    actor: str
    correlation_id: UUID
    happened_at: datetime


async def write_access(connection: Connection, action: str, reader: Reader, now: datetime) -> None:
    """Adds to the trail of an import."""
    await connection.execute(_WRITE, reader.job, reader.office, action, reader.actor, reader.correlation_id, now)


async def read_accesses(connection: Connection, job: UUID) -> list[Access]:
    """Returns the trail of an import that the scope shows, the first one first."""
    return [Access(*row) for row in await connection.fetch(_READ, job)]
