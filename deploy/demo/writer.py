"""A writer: sends until there is an answer, and keeps a log of its own of what it was told.

The log is what `plut check --writers` compares with the services: a line per try, on disk before the next request.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from shared.clock import utc_now

TRIES = 60
_REQUEST_SECONDS = 10.0
_LATER = (409, 429, 503)


class GaveUpError(Exception):
    """No answer came, however often the same key was sent."""


class _LostAnswerError(Exception):
    """Raised on purpose when the request has left and no byte of the answer was read."""


class Log:
    """One writer's file: JSON lines `{"key", "status" (null = unknown), "answer", "at"}`, appended."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._mend_end(path)
        self._file = path.open("a", encoding="utf-8")

    def write(self, key: str, status: int | None, answer: Any) -> None:  # noqa: ANN401  whatever JSON holds
        """Writes one line and hands it to the system before anything else is sent."""
        line = {"key": key, "status": status, "answer": answer, "at": utc_now().isoformat()}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    @staticmethod
    def _mend_end(path: Path) -> None:
        """Ends a line that a kill cut off, so that the next one stands by itself; its key's effect stays unknown."""
        if path.exists() and (text := path.read_bytes()) and not text.endswith(b"\n"):
            whole, _, _ = text.rpartition(b"\n")
            path.write_bytes(whole + b"\n" if whole else b"")


@dataclass(frozen=True, slots=True)
class Told:
    """An answer, and when it had been read (time.monotonic). `later`: the same request may be sent again."""

    status: int
    body: Mapping[str, Any]
    later: bool
    at: float


Token = Callable[[], Awaitable[str]]


class Writer:
    """Sends writes over a connection of its own. `route` says where a request to an address goes, each time anew."""

    def __init__(self, log: Log, route: Callable[[str], str] = str) -> None:
        self._log = log
        self._route = route
        self._client = httpx.AsyncClient(timeout=_REQUEST_SECONDS, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()
        self._log.close()

    async def send(
        self, url: str, body: Mapping[str, Any], token: Token, *, key: str | None = None, seen: int | None = None
    ) -> Told:
        """Sends one write until it is answered; raises GaveUpError after a minute without an answer.

        With the revision that was `seen` it is a correction.
        """
        key = key or str(uuid4())
        for attempt in range(TRIES):
            told = await self._try(url, body, token, key, seen)
            if told is not None and not told.later:
                return told
            await asyncio.sleep(patience(attempt))
        raise GaveUpError(f"no answer from {url} for a minute")

    async def send_and_lose_the_answer(self, url: str, body: Mapping[str, Any], token: Token) -> Told:
        """Drops the connection before the answer is read, as a poor line does, and sends again with the same key."""
        key = str(uuid4())
        headers = await _headers(token, key)
        try:
            await self._client.post(
                self._route(url), json=dict(body), headers=headers, extensions={"trace": _lose_the_answer}
            )
        except (_LostAnswerError, httpx.TransportError):
            self._log.write(key, None, None)
        return await self.send(url, body, token, key=key)

    async def send_twice_at_once(self, url: str, body: Mapping[str, Any], token: Token) -> tuple[Told, Told]:
        """Clicks twice: two requests with one key at the same time."""
        key = str(uuid4())
        first, second = await asyncio.gather(self.send(url, body, token, key=key), self.send(url, body, token, key=key))
        return first, second

    async def read(self, url: str, token: Token) -> Any:  # noqa: ANN401  whatever JSON holds
        """Returns what a GET answers, once it does; raises httpx.HTTPStatusError for a refusal, and GaveUpError.

        A token may have been good when it was taken, and its key be gone by now: it is taken anew.
        """
        for attempt in range(TRIES):
            with suppress(httpx.TransportError):
                answer = await self._client.get(self._route(url), headers={"Authorization": f"Bearer {await token()}"})
                if "Retry-After" not in answer.headers and answer.status_code != httpx.codes.UNAUTHORIZED:
                    return answer.raise_for_status().json()
            await asyncio.sleep(patience(attempt))
        raise GaveUpError(f"no answer from {url} for a minute")

    async def _try(
        self, url: str, body: Mapping[str, Any], token: Token, key: str, seen: int | None = None
    ) -> Told | None:
        headers = await _headers(token, key)
        if seen is not None:
            headers["If-Match"] = f'"{seen}"'
        method = "POST" if seen is None else "PATCH"
        try:
            answer = await self._client.request(method, self._route(url), json=dict(body), headers=headers)
        except httpx.TransportError:
            self._log.write(key, None, None)
            return None
        at = time.monotonic()
        told = answer.json()
        self._log.write(key, answer.status_code, told)
        return Told(answer.status_code, told, answer.status_code in _LATER and "Retry-After" in answer.headers, at)


def patience(attempt: int) -> float:
    """Returns the seconds to wait after the n-th try: soon at first, then once a second."""
    return min(0.1 * 2.0**attempt, 1.0)


async def _headers(token: Token, key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {await token()}", "Idempotency-Key": key}


async def _lose_the_answer(event: str, _info: Mapping[str, Any]) -> None:
    if event == "http11.receive_response_headers.started":
        raise _LostAnswerError
