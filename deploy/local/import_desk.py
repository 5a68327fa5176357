"""Somebody of an office who imports sheets: over the API of a service, as every client does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx

from deploy.local.installation import Installation
from deploy.local.issuer.mint import Mint
from deploy.local.issuer.people import person
from deploy.local.issuer.vault import Vault
from shared.auth.principal import Role

# As `plut import --json` and every measurement names them.
COUNTS = ("rows", "created", "unchanged", "matched", "possible_duplicate", "rejected", "skipped")
_ENDED = ("done", "cancelled", "failed")
_LOOK_SECONDS = 0.4
_TRIES = 60
_PAUSE_SECONDS = 0.5


class ImportRefused(Exception):
    """The service says no: `message` tells why, `cure` how to mend it. In Bahasa, as it was answered."""

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure


@dataclass(frozen=True)
class Progress:
    """How far an import is."""

    id: str
    state: str
    finished: int
    counts: dict[str, int]
    failure: dict[str, str] | None

    @property
    def ended(self) -> bool:
        return self.state in _ENDED


class ImportDesk:
    """Uploads a sheet, follows it and fetches the result; patient with a service that restarts."""

    def __init__(self, url: str, office: str, token: Callable[[], str]) -> None:
        self._office = office
        self._token = token
        self._client = httpx.AsyncClient(base_url=url, timeout=60, trust_env=False)

    @classmethod
    def of(cls, installation: Installation, service: str, office: str) -> Self:
        """Returns the desk of the office's head at this machine's installation. Raises ValueError: no such office."""
        head = person(Role.OFFICE_HEAD, office)
        vault = Vault(installation.secrets_dir("issuer", "issuer"))
        mint = Mint(vault, installation.issuer, "plut")
        return cls(installation.url(service), office, lambda: mint.access_token(head))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def upload(self, content: bytes, *, dry_run: bool = False) -> str:
        """Returns the id of the new import. Raises ImportRefused."""
        key = str(uuid4())
        parameters = {"office": self._office, "dry_run": str(dry_run).lower()}
        answer = await self._patiently(
            lambda: self._client.post(
                "/v1/imports", params=parameters, content=content, headers={**self._bearer(), "Idempotency-Key": key}
            )
        )
        return str(answer.json()["id"])

    async def progress(self, import_id: str) -> Progress:
        answer = (await self._get(f"/v1/imports/{import_id}")).json()
        counts = {name: int(answer["counts"][name]) for name in COUNTS}
        return Progress(import_id, answer["state"], answer["finished"], counts, answer["failure"])

    async def follow(self, import_id: str) -> AsyncIterator[Progress]:
        """Yields how far it is, until it has ended."""
        while True:
            progress = await self.progress(import_id)
            yield progress
            if progress.ended:
                return
            await asyncio.sleep(_LOOK_SECONDS)

    async def cancel(self, import_id: str) -> None:
        await self._post(f"/v1/imports/{import_id}/cancellation")

    async def accept(self, import_id: str) -> int:
        """Lets the past sessions of an import count, page by page; returns how many they were. Raises ImportRefused."""
        accepted, remaining = 0, 1
        while remaining:
            told = (await self._post(f"/v1/imports/{import_id}/acceptance")).json()
            accepted, remaining = accepted + int(told["accepted"]), int(told["remaining"])
        return accepted

    async def result(self, import_id: str) -> bytes:
        """Returns the result sheet of an import that has ended."""
        return (await self._get(f"/v1/imports/{import_id}/result")).content

    async def template(self) -> bytes:
        return (await self._get("/v1/imports/template")).content

    async def _get(self, path: str) -> httpx.Response:
        return await self._patiently(lambda: self._client.get(path, headers=self._bearer()))

    async def _post(self, path: str) -> httpx.Response:
        key = str(uuid4())
        return await self._patiently(
            lambda: self._client.post(path, headers={**self._bearer(), "Idempotency-Key": key})
        )

    async def _patiently(self, send: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        """Sends again while the service is away or busy: the key of a write stays the same."""
        for attempt in range(_TRIES):
            try:
                answer = await send()
            except httpx.TransportError:
                if attempt == _TRIES - 1:
                    raise
            else:
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or attempt == _TRIES - 1:
                    return _accepted(answer)
            await asyncio.sleep(_PAUSE_SECONDS)
        raise AssertionError("the last try returns or raises")

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token()}"}


def _accepted(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    try:
        problem: dict[str, Any] = answer.json()
    except ValueError:
        raise ImportRefused(f"HTTP {answer.status_code}", "Lihat catatan layanan dengan plut logs.") from None
    fields = [f"{error['message']} {error['cure']}" for error in problem.get("errors", [])]
    raise ImportRefused(" ".join([problem["detail"], *fields]), problem["cure"])
