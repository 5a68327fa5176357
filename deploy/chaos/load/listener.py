"""A browser that listens for change hints at one of reporting's apis, and remembers the positions it was told."""

import asyncio
import re
from contextlib import suppress
from itertools import pairwise

import httpx

from deploy.local.installation import Installation
from shared.loops import BackgroundLoop

_HIDDEN_FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
_POSITION = re.compile(r"^\d+\.\d+\.\d+$")
_SILENCE_SECONDS = 20.0
_AGAIN_SECONDS = 0.5


class Listener(BackgroundLoop):
    """Logs in as the province's analyst, listens, and connects again with the last id whenever it is cut off."""

    name = "listener"
    pause_seconds = _AGAIN_SECONDS

    def __init__(self, installation: Installation, number: int) -> None:
        super().__init__()
        self._installation = installation
        self._number = number
        self._client = httpx.AsyncClient(timeout=_SILENCE_SECONDS, trust_env=False, follow_redirects=True)
        self.positions: list[tuple[int, ...]] = []

    @property
    def went_back(self) -> list[str]:
        """Says each time that a position was below the one before."""
        back = [(then, now) for then, now in pairwise(self.positions) if now < then]
        return [f"listener {self._number + 1} was told {_text(then)}, then {_text(now)}" for then, now in back]

    async def stop(self, within: float = 1.0) -> None:
        await super().stop(within)
        await self._client.aclose()

    async def run(self) -> None:
        self.started.set()
        while not self.stopping.is_set():
            with suppress(httpx.HTTPError):
                await self._listen()
            await self.rest(_AGAIN_SECONDS)

    async def _listen(self) -> None:
        last = {"Last-Event-ID": _text(self.positions[-1])} if self.positions else {}
        async with self._client.stream("GET", f"{self._address}/perubahan?scope=province", headers=last) as answer:
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                await self._log_in()
                return
            async for line in answer.raise_for_status().aiter_lines():
                name, _, value = line.partition(": ")
                if name == "id" and _POSITION.match(value):
                    self.positions.append(tuple(map(int, value.split("."))))

    @property
    def _address(self) -> str:
        """The address of one of the apis: always the same one, for each knows its own last look only."""
        ports = self._installation.ports
        names = sorted(name for name in ports if name.startswith("reporting-api"))
        return f"http://127.0.0.1:{ports[names[self._number % len(names)]]}"

    async def _log_in(self) -> None:
        form = await self._client.get(f"{self._installation.url('reporting')}/masuk")
        hidden = dict(_HIDDEN_FIELD.findall(form.raise_for_status().text))
        who = {"username": "province_analyst", "password": await asyncio.to_thread(self._password)}
        (await self._client.post(form.url.join("/authorize"), data={**hidden, **who})).raise_for_status()

    def _password(self) -> str:
        return self._installation.demo_password


def _text(position: tuple[int, ...]) -> str:
    return ".".join(map(str, position))
