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


@dataclass(frozen=True)
class Disputed:
    """The office of a session, and which version of it the client was asked about."""

    office: str
    confirmable_version: int


@dataclass
class Clients:
    """Codes are read as `plut codes` reads them, for on this machine nothing goes out to anybody."""

    installation: Installation
    chance: random.Random
    attested: int = 0
    disputed: dict[str, Disputed] = field(default_factory=dict)
    """What clients say was not so, by session."""

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
            self.disputed[told["session"]] = Disputed(told["office"], int(told["confirmable_version"]))
        else:
            self.attested += 1


async def contested(
    mentoring: str, disputed: Mapping[str, Disputed], reader: Writer, staff: Staff, seconds: float
) -> tuple[list[str], list[str]]:
    """Returns the sessions that their heads see as contested, and those that were corrected before they could be: a
    correction of what the client was asked makes his answer void. Waits until all are either, or the time is over.
    """
    seen: dict[str, bool] = {}
    with suppress(TimeoutError, GaveUpError):
        async with asyncio.timeout(seconds):
            while seen.keys() < disputed.keys():
                for session in disputed.keys() - seen.keys():
                    one = disputed[session]
                    token = staff.token_of(Role.OFFICE_HEAD, one.office)
                    now = await reader.read(f"{mentoring}/v1/sessions/{session}", token)
                    if now["state"] == "contested" or now["confirmable_version"] > one.confirmable_version:
                        seen[session] = now["state"] == "contested"
                await asyncio.sleep(_LOOK_EVERY_SECONDS)
    return sorted(one for one in seen if seen[one]), sorted(one for one in seen if not seen[one])
