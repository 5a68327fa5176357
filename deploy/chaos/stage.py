"""What a scenario has in its hands: the processes, the load, dice, and the count of what was really seen."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from fnmatch import fnmatchcase
from typing import Any, TypeVar

import asyncpg

from deploy.chaos.failure import Failed
from deploy.chaos.load import Load
from deploy.chaos.observation import Logs, unhealthy
from deploy.chaos.observation import look as look_at
from deploy.local import conditions
from deploy.local.conditions import Conditions
from deploy.local.installation import Installation
from deploy.local.process import Identity
from deploy.local.state import ProcessState, ServerState
from deploy.local.status import Status

_LOOK_SECONDS = 0.2
_WAIT_SECONDS = 90.0

T = TypeVar("T")
Part = ProcessState | ServerState


class Stage:
    """One course of one scenario. `rounds` says how much of it is wanted; `say` is told what happens."""

    def __init__(
        self, installation: Installation, load: Load, dice: random.Random, rounds: int, say: Callable[[str], None]
    ) -> None:
        self.installation = installation
        self.load = load
        self.dice = dice
        self.rounds = rounds
        self.say = say
        self.seen: Counter[str] = Counter()
        self.logs = Logs(installation.logs)
        # Ids of events that the scenario itself put into Kafka and nobody ever stored.
        self.foreign: set[str] = set()
        self._frozen: list[Identity] = []
        self._conditions: dict[str, Conditions] = {}
        self._held: set[str] = set()

    def saw(self, what: str, times: int = 1) -> None:
        """Counts something that really happened."""
        self.seen[what] += times

    # Looking and waiting

    async def status(self) -> Status:
        return await look_at(self.installation)

    async def until(
        self, what: str, look: Callable[[], Awaitable[T]], seconds: float = _WAIT_SECONDS, every: float = _LOOK_SECONDS
    ) -> T:
        """Returns the first true answer of `look`. Raises Failed with `what` when the seconds are over."""
        until = time.monotonic() + seconds
        while not (found := await look()):
            if time.monotonic() > until:
                raise Failed(f"waited {seconds:g} s in vain for {what}")
            await asyncio.sleep(every)
        return found

    async def writes_go_on(self, more: int = 5, seconds: float = _WAIT_SECONDS) -> None:
        """Waits until every office was told of so many more writes. Raises Failed."""
        before = self.load.acknowledged_by_office()

        async def went_on() -> bool:
            now = self.load.acknowledged_by_office()
            return all(now[office] >= count + more for office, count in before.items())

        await self.until(f"every office to have written {more} times more", went_on, seconds)

    async def published(self) -> None:
        """Waits until the outboxes, which may go on growing, were empty for a moment. Raises Failed."""

        async def empty() -> bool:
            return all(service.backlog == 0 for service in (await self.status()).services.values())

        await self.until("the relays to publish", empty)

    async def outboxes_grow(self, seconds: float = _WAIT_SECONDS) -> None:
        """Waits until something lies in an outbox, and counts it. Raises Failed."""

        async def grown() -> bool:
            return any((service.backlog or 0) > 0 for service in (await self.status()).services.values())

        await self.until("an outbox to grow", grown, seconds)
        self.saw("outboxes grew")

    async def healthy(self, seconds: float = _WAIT_SECONDS) -> None:
        """Waits until every process answers. Raises Failed with the names of those that do not."""
        missing: list[str] = []

        async def look() -> bool:
            nonlocal missing
            status = await self.status()
            missing = unhealthy(status)
            return not missing and bool(status.processes)

        try:
            await self.until("everything to be healthy", look, seconds)
        except Failed as failure:
            raise Failed(f"{failure}: {', '.join(missing)}") from None

    async def rest(self, seconds: float) -> None:
        """Lets time pass, where that itself is the fault."""
        await asyncio.sleep(seconds)

    async def logged(self, event: str, times: int = 1, seconds: float = _WAIT_SECONDS, **fields: str) -> None:
        """Waits until an event was logged so many times since the beginning, and counts it. Raises Failed."""

        async def enough() -> bool:
            return self.logs.count(event, **fields) >= times

        await self.until(f"{event} to be logged {times} times", enough, seconds)
        self.seen[event] = self.logs.count(event, **fields)

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Any]:
        """Opens a connection as Postgres's superuser. Raises what UNAVAILABLE names."""
        connection = await asyncpg.connect(self.installation.superuser_dsn(), timeout=5)
        try:
            yield connection
        finally:
            await connection.close(timeout=5)

    # Processes

    def processes(self, pattern: str) -> list[ProcessState]:
        """Returns the running processes whose name fits, such as `registry-api*`."""
        return [each for each in self.installation.processes() if fnmatchcase(each.name, pattern) and each.pid]

    def server(self, name: str) -> ServerState:
        """Returns Postgres or Kafka as it was last written down."""
        state = self.installation.state
        return next(each for each in (state.infrastructure if state else []) if each.name == name)

    def signal(self, part: Part, number: signal.Signals) -> bool:
        """Sends a signal to a process; returns whether it was there."""
        if part.identity is None or not part.identity.is_alive:
            return False
        os.kill(part.identity.pid, number)
        return True

    async def kill(self, part: Part) -> None:
        """Ends a process at once and waits until another has taken its place; counts a kill. Raises Failed."""
        if self.signal(part, signal.SIGKILL):
            self.saw("kills")
            self.say(f"killed {part.name}")
        await self.replaced(part)

    async def replaced(self, part: Part, seconds: float = _WAIT_SECONDS) -> None:
        """Waits until another process runs in its place. Raises Failed."""

        async def another() -> bool:
            now = self._now(part)
            return now is not None and now.pid is not None and now.identity != part.identity

        await self.until(f"another {part.name}", another, seconds, every=0.05)

    def _now(self, part: Part) -> Part | None:
        state = self.installation.state
        parts: list[Part] = [*state.processes, *state.infrastructure] if state else []
        return next((each for each in parts if each.name == part.name), None)

    def freeze(self, part: Part) -> None:
        """Stops a process where it is (SIGSTOP); healing lets it go on."""
        if part.identity and self.signal(part, signal.SIGSTOP):
            self._frozen.append(part.identity)
            self.saw("freezes")
            self.say(f"froze {part.name}")

    def thaw(self) -> None:
        """Lets go on what was frozen and is still there."""
        for identity in self._frozen:
            if identity.is_alive:
                os.kill(identity.pid, signal.SIGCONT)
        self._frozen.clear()

    async def hold(self, name: str) -> None:
        """Has a process stopped in good order and left stopped until it is released. Raises Failed."""
        self._held.add(name)
        self.installation.hold(name)

        async def gone() -> bool:
            state = self.installation.state
            parts: list[Part] = [*state.processes, *state.infrastructure] if state else []
            return all(each.pid is None for each in parts if each.name == name)

        await self.until(f"{name} to stop", gone)
        self.saw("stops")
        self.say(f"stopped {name}")

    def release(self, name: str) -> None:
        """Has a held process run again."""
        self._held.discard(name)
        self.installation.release(name)

    # Conditions and failpoints

    def conditions(self, pattern: str, found: Conditions) -> None:
        """Keeps conditions for processes by the pattern of their names, from their next start on."""
        self._conditions[pattern] = found
        conditions.keep(self.installation.conditions_file, self._conditions)

    def lift(self) -> None:
        """Takes away all conditions of this stage; processes that run under some go on so until they are restarted."""
        self._conditions.clear()
        conditions.forget(self.installation.conditions_file)

    async def arm(self, pattern: str, failpoints: str) -> None:
        """Has processes start anew with failpoints. Raises Failed."""
        self.conditions(pattern, Conditions({"PLUT_FAILPOINTS": failpoints}))
        await self.restart(pattern)
        self.say(f"armed {pattern} with {failpoints}")

    async def restart(self, pattern: str) -> None:
        """Has processes end in good order and waits until others have taken their places. Raises Failed."""
        parts = self.processes(pattern)
        for part in parts:
            self.signal(part, signal.SIGTERM)
        await asyncio.gather(*(self.replaced(part) for part in parts))

    async def deaths_at(self, points: Sequence[str], times: int, seconds: float = _WAIT_SECONDS) -> None:
        """Waits until processes have died so many times at each of these failpoints, by the logs, and counts them.

        Raises Failed.
        """

        async def enough() -> bool:
            return all(self.logs.count("failpoint", failpoint=each, act="kill") >= times for each in points)

        try:
            await self.until(f"{times} deaths at {', '.join(points)}", enough, seconds)
        finally:
            for each in points:
                self.seen[f"deaths at {each}"] = self.logs.count("failpoint", failpoint=each, act="kill")

    async def disarm(self) -> None:
        """Takes away all conditions and has whatever ran under them start anew without."""
        patterns: Mapping[str, Conditions] = dict(self._conditions)
        self.lift()
        for pattern in patterns:
            await self.restart(pattern)

    async def restore(self) -> None:
        """Makes good whatever this stage broke and knows of."""
        self.thaw()
        for name in list(self._held):
            self.release(name)
        if self._conditions:
            await self.disarm()
