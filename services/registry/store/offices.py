"""Offices: reference data of the province that everybody reads."""

from typing import Any

from services.registry.domain.office import Office

_INSERT_OFFICE = """
insert into office (code, name, opened_on, revision, version) values ($1, $2, $3, $4, $5)
on conflict (code) do nothing returning code
"""


async def insert_office(connection: Any, office: Office) -> bool:  # noqa: ANN401  pooled or plain
    """Tells whether the office is new."""
    row = (office.code, office.name, office.opened_on, office.revision, office.version)
    return await connection.fetchval(_INSERT_OFFICE, *row) is not None


_LOCK_OFFICE = "select code, name, opened_on, revision, version from office where code = $1 for no key update"


async def lock_office(connection: Any, code: str) -> Office | None:  # noqa: ANN401
    row = await connection.fetchrow(_LOCK_OFFICE, code)
    return None if row is None else Office(**row)


_UPDATE_OFFICE = "update office set name = $2, opened_on = $3, revision = $4, version = $5 where code = $1"


async def update_office(connection: Any, office: Office) -> None:  # noqa: ANN401
    row = (office.code, office.name, office.opened_on, office.revision, office.version)
    await connection.execute(_UPDATE_OFFICE, *row)


_LIST_OFFICES = "select code, name, opened_on, revision, version from office order by code"


async def list_offices(connection: Any) -> list[Office]:  # noqa: ANN401
    return [Office(**row) for row in await connection.fetch(_LIST_OFFICES)]
