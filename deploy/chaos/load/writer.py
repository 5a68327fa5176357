"""A writer that does not always wait for its answer, and comes back to what it left open."""

import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx

from deploy.demo.writer import GaveUpError, Log, Token, Told, Writer

# Of a hundred requests without an answer, so many are left as they are until everything is healed.
_LEFT_OF_HUNDRED = 40


class LeftUnknown(Exception):
    """No answer came, and the client went away: nobody knows whether it was done."""


@dataclass(frozen=True)
class _Open:
    url: str
    body: Mapping[str, Any]
    token: Token
    key: str
    seen: int | None


class ImpatientWriter(Writer):
    """`impatient` once it may leave requests open; until then it sends each again until it is answered.

    `later` counts answers of 503, `seconds` holds how long each accepted request took.
    """

    def __init__(self, log: Log, route: Callable[[str], str], dice: random.Random) -> None:
        super().__init__(log, route)
        self._dice = dice
        self._open: list[_Open] = []
        self.impatient = False
        self.acknowledged = 0
        self.without_answer = 0
        self.later = 0
        self.seconds: list[float] = []
        self.wrong: list[str] = []

    async def resolve(self) -> int:
        """Sends what was left open again, each with its key; returns how much there was."""
        self.impatient, left, self._open = False, self._open, []
        for each in left:
            with suppress(GaveUpError):
                await self.send(each.url, each.body, each.token, key=each.key, seen=each.seen)
                continue
            self.wrong.append(f"the key {each.key} has no answer, however often it is sent to {each.url}")
        return len(left)

    async def _try(
        self, url: str, body: Mapping[str, Any], token: Token, key: str, seen: int | None = None
    ) -> Told | None:
        begun = time.monotonic()
        told = await super()._try(url, body, token, key, seen)
        self.later += told is not None and told.status == httpx.codes.SERVICE_UNAVAILABLE
        if told is None:
            self.without_answer += 1
            if self.impatient and self._dice.randrange(100) < _LEFT_OF_HUNDRED:
                self._open.append(_Open(url, body, token, key, seen))
                raise LeftUnknown
        elif told.status < 300:
            self.acknowledged += 1
            self.seconds.append(time.monotonic() - begun)
        elif told.status >= 500 and not told.later:
            self.wrong.append(f"{url} answered {told.status}: {told.body}")
        return told
