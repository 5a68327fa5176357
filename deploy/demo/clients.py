"""Clients who answer what they would have been sent: most say that a session is true, some that it is not."""

import asyncio
import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import uuid4

import httpx

from deploy.demo.staff import Staff
from deploy.demo.writer import GaveUpError, Writer
from deploy.local.codes import read_codes
from deploy.local.installation import Installation
from shared.auth.principal import Role
from shared.postgres import UNAVAILABLE

_AT_A_TIME = 3
_LOOK_EVERY_SECONDS = 0.3
# Of so many answers one disputes.
_DISPUTED_OF = 7


@dataclass
class Clients:
    """Codes are read as `plut codes` reads them, for on this machine nothing goes out to anybody."""

    installation: Installation
    chance: random.Random
    attested: int = 0
    disputed: dict[str, str] = field(default_factory=dict)
    """Sessions that a client says were not so, and the office of each."""

    def __post_init__(self) -> None:
        self._client = httpx.AsyncClient(timeout=10, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def answer_some(self) -> None:
        """Answers a few of the newest messages; while the registry is away nobody does."""
        with suppress(httpx.HTTPError, *UNAVAILABLE):
            codes = await read_codes(self.installation, None)
            for one in self.chance.sample(codes, min(_AT_A_TIME, len(codes))):
                await self._answer(one)

    async def _answer(self, told: dict[str, str]) -> None:
        number = self.attested + len(self.disputed)
        disputes = number % _DISPUTED_OF == _DISPUTED_OF - 1
        url = f"{self.installation.url('registry')}/v1/public/attestations/{told['address'].rpartition('/')[2]}"
        said = {"dispute": True} if disputes else {"code": told["code"]}
        answer = await self._client.post(url, json=said, headers={"Idempotency-Key": str(uuid4())})
        if answer.status_code != httpx.codes.CREATED:
            return
        if disputes:
            self.disputed[told["session"]] = told["office"]
        else:
            self.attested += 1


async def contested(
    mentoring: str, disputed: Mapping[str, str], reader: Writer, staff: Staff, seconds: float
) -> list[str]:
    """Returns those of the sessions that their heads see as contested, once they see all or the time is over."""
    seen: set[str] = set()
    with suppress(TimeoutError, GaveUpError):
        async with asyncio.timeout(seconds):
            while seen < disputed.keys():
                for session in disputed.keys() - seen:
                    token = staff.token_of(Role.OFFICE_HEAD, disputed[session])
                    if (await reader.read(f"{mentoring}/v1/sessions/{session}", token))["state"] == "contested":
                        seen.add(session)
                await asyncio.sleep(_LOOK_EVERY_SECONDS)
    return sorted(seen)
