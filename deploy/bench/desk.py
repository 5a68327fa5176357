"""What a measurement hands to the registry's commands in the place of the edge."""

import asyncio
from uuid import uuid4

from deploy.bench import province
from deploy.local.installation import Installation
from deploy.local.state import ProcessState
from services.registry.commands import offices
from services.registry.domain.forms import OfficeForm
from services.registry.settings import RegistrySettings
from shared.auth.principal import Principal
from shared.bell import Bell
from shared.clock import utc_now
from shared.commands import Request
from shared.ids import new_id
from shared.postgres import Pool, create_pool, role_name

_STOP_SECONDS = 60.0  # ten on a machine with nothing else to do


def registry_settings(installation: Installation) -> RegistrySettings:
    """Returns what the registry's api runs with."""
    return installation.settings("registry", "api", RegistrySettings, keys_dir=installation.keys_dir)


async def registry_pool(installation: Installation, size: int | None = None) -> Pool:
    """Returns a pool of the api's role."""
    role = role_name("registry", "app")
    return await create_pool(
        registry_settings(installation), role, schema="registry", application="plut-bench", size=size
    )


async def open_bells(installation: Installation) -> dict[str, Bell]:
    """Returns what rings for each service's relay, as its api does."""
    bells = {service: Bell(service, installation.settings(service, "api")) for service in ("registry", "mentoring")}
    for bell in bells.values():
        await bell.start()
    return bells


def request(principal: Principal | None = None, body: bytes | None = None) -> Request:
    """Returns what the edge would have known of a write under a key of its own; by everybody, unless it is told."""
    key = str(uuid4())
    return Request(
        principal or province.everybody(), key, key.encode() if body is None else body, new_id(), None, utc_now()
    )


async def open_office(pool: Pool, code: str) -> None:
    """Opens an office three years ago."""
    opened_on = province.first_day(utc_now().date()).isoformat()
    form = OfficeForm.model_validate({"code": code, "name": f"PLUT {code}", "opened_on": opened_on})
    await offices.open_office(pool, request(), form)


async def only_the_api(installation: Installation) -> None:
    """Stops everything behind the outbox, which would take its part of the machine: commands wait for none of it."""
    for process in _behind_the_outbox(installation):
        installation.hold(process.name)
    async with asyncio.timeout(_STOP_SECONDS):
        while any(process.pid is not None for process in _behind_the_outbox(installation)):  # noqa: ASYNC110  it lies in another process
            await asyncio.sleep(0.1)


def _behind_the_outbox(installation: Installation) -> list[ProcessState]:
    return [process for process in installation.processes() if process.role in ("relay", "consume")]
