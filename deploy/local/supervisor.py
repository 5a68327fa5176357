"""Starts everything of one installation, keeps it running, stops it: `python -m deploy.local.supervisor DIRECTORY`."""

import asyncio
import fcntl
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

from deploy.local import conditions, jars, leftovers, preparation, probe
from deploy.local.brokers import BrokersError
from deploy.local.installation import Installation
from deploy.local.jars import JarsError
from deploy.local.kafka import KafkaError
from deploy.local.keeper import Keeper
from deploy.local.logs import rotate
from deploy.local.ports import PortBook, is_free
from deploy.local.postgres import PostgresError
from deploy.local.process import Command, Identity, StartError, ending_with_parent
from deploy.local.protection import GATE
from deploy.local.rights import RightsKeeper
from deploy.local.state import ProcessState, ServerState, State
from deploy.local.table import Program

# What dies while it starts is told at once; on a machine that others fill a first start takes minutes.
_START_SECONDS = 600.0
_ROTATE_SECONDS = 5.0
_SAVE_AGAIN_SECONDS = 1.0
_SCALE_SECONDS = 0.25
# Every process of ours ends within 10 s of SIGTERM; whatever still runs then is killed.
_STOP_SECONDS = 11.0
_SERVER_STOP_SECONDS = 20.0

Say = Callable[[str], None]


class AlreadyRunningError(Exception):
    """Another supervisor has this data directory."""


# Why a start fails, each with what to do about it.
ERRORS = (AlreadyRunningError, StartError, PostgresError, KafkaError, JarsError, BrokersError)


class Supervisor:
    """One per data directory. `say` is told what an operator should hear of."""

    def __init__(self, installation: Installation, say: Say) -> None:
        self._installation = installation
        self._say = say
        self._ports = PortBook(installation.ports_file, say)
        self._identity = Identity.of(os.getpid())
        self._ready = False
        self._failed: str | None = None
        self._stopping = asyncio.Event()
        self._servers: dict[str, Keeper] = {}
        self._keepers: dict[Program, Keeper] = {}
        self._programs = installation.programs()
        self._brokers = installation.brokers
        self._rights: RightsKeeper | None = None
        self._save_again: asyncio.TimerHandle | None = None

    async def run(self, when_ready: Callable[[], None]) -> None:
        """Starts everything, waits for `stop`, and stops everything. Raises one of ERRORS if the start fails."""
        async with AsyncExitStack() as stack:
            stack.enter_context(_alone(self._installation))
            if stopped := await leftovers.stop(self._installation.directory):
                self._say(f"{stopped} processes of a former start were still there; they were stopped")
            self._installation.release_all()
            own_ports = ["postgres", *([GATE] if self._installation.is_secure else []), *self._brokers.port_names]
            self._ports.choose_for([*own_ports, *(program.name for program in self._programs)])
            self._save()
            stack.push_async_callback(self._stop_everything)
            rotating = asyncio.create_task(self._rotate_logs())
            stack.callback(rotating.cancel)
            if await self._start_unless_stopped():
                self._ready = True
                self._save()
                when_ready()
                scaling = asyncio.create_task(self._follow_scale())
                stack.callback(scaling.cancel)
                await self._stopping.wait()
            self._say("stopping")

    def stop(self) -> None:
        """Ends `run`; safe to call from a signal handler and more than once."""
        self._stopping.set()

    # Start and stop

    async def _start_unless_stopped(self) -> bool:
        starting = asyncio.create_task(self._start_everything())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not starting.done():
            starting.cancel()
            await asyncio.wait({starting})
            return False
        try:
            starting.result()
        except BaseExceptionGroup as errors:
            first = _first(errors)
            self._failed = str(first)
            raise first from None
        return True

    async def _start_everything(self) -> None:
        """Postgres and Kafka at once, each service as soon as what it needs is there."""
        async with asyncio.TaskGroup() as group:
            kafka = group.create_task(self._start_kafka())
            postgres = group.create_task(self._start_postgres())
            for program in self._programs:
                group.create_task(
                    self._start_program(program, [postgres, kafka] if program.needs_kafka else [postgres])
                )

    async def _start_postgres(self) -> None:
        installation = self._installation
        preparation.make_keys_of_new(installation)
        if await asyncio.to_thread(installation.postgres.initialise, installation.superuser_password()):
            self._say(f"made a new Postgres cluster in {installation.postgres.directory}")
        keeper = self._keep_server("postgres", installation.postgres.command)
        await keeper.start()
        await keeper.ready(lambda: installation.postgres.answers(installation.superuser_password()), _START_SECONDS)
        if installation.is_secure:
            await self._start_gate()
        self._say(f"Postgres answers on {installation.postgres_address}")
        await preparation.prepare_database(installation, installation.superuser_dsn("postgres"))
        await preparation.migrate(installation)
        self._say("the schemas are migrated")

    async def _start_gate(self) -> None:
        def command(log: Path) -> Command:
            words = (str(self._ports[GATE]), str(self._ports["postgres"]))
            pem = str(self._installation.protection.server_file("postgres"))
            argv = [sys.executable, "-m", "deploy.local.tls_gate", *words, pem]
            return Command(GATE, ending_with_parent(argv, signal.SIGTERM), log)

        async def listens() -> bool:
            return not is_free(self._ports[GATE])

        keeper = self._keep_server(GATE, command)
        await keeper.start()
        await keeper.ready(listens, _START_SECONDS)

    async def _start_kafka(self) -> None:
        await asyncio.to_thread(jars.fetch, self._tell_of_jars)
        async with asyncio.TaskGroup() as group:
            for name in self._brokers.names:
                group.create_task(self._start_broker(name))
        if self._installation.is_secure:
            await self._tell_rights()

    async def _start_broker(self, name: str) -> None:
        broker = self._installation.broker(name)
        if await asyncio.to_thread(broker.initialise):
            self._say(f"formatted Kafka's storage in {broker.directory}")

        def formatted(log: Path) -> Command:
            """A broker whose data was taken away starts empty; the relays, or its neighbours, send everything again."""
            now = self._installation.broker(name)
            now.initialise()
            return now.command(log)

        keeper = self._keep_server(name, formatted)
        await keeper.start()
        await keeper.ready(broker.answers, _START_SECONDS)
        self._say(f"Kafka answers on {broker.address}")

    async def _tell_rights(self) -> None:
        self._rights = RightsKeeper(self._installation, [self._servers[name] for name in self._brokers.names])
        await self._rights.start()
        try:
            async with asyncio.timeout(_START_SECONDS):
                await self._rights.started.wait()
        except TimeoutError:
            raise StartError(f"Kafka did not take its users' rights; see {self._log('kafka')}") from None

    async def _start_program(self, program: Program, needed: "list[asyncio.Task[None]]") -> None:
        await asyncio.gather(*needed)
        keeper = await self._keep(program)
        await keeper.ready(lambda: probe.is_live(self._url(program)), _START_SECONDS)
        self._say(f"{program.name} answers on {self._url(program)}")

    async def _stop_everything(self) -> None:
        """Services first, so that they can finish what they write."""
        if self._rights is not None:
            await self._rights.stop()
        for keepers in (self._keepers.values(), self._servers.values()):
            await asyncio.gather(*(keeper.stop(_SERVER_STOP_SECONDS + 1) for keeper in keepers))
        self._ready = False
        self._save()

    # Consumers come and go

    async def _follow_scale(self) -> None:
        while True:
            wanted = self._installation.programs()
            if wanted != self._programs:
                try:
                    await self._scale_to(wanted)
                except OSError as error:  # no port, no space for the file of ports
                    self._say(f"the number of consumers could not be changed, and it is tried again: {error}")
            await asyncio.sleep(_SCALE_SECONDS)

    async def _scale_to(self, wanted: tuple[Program, ...]) -> None:
        """Nobody waits here until a further process is healthy: it is kept running like all others, and shown."""
        more = [program for program in wanted if program not in self._keepers]
        less = [program for program in self._keepers if program not in wanted]
        for program in more:
            self._ports.add(program.name)
        self._programs = wanted
        for program in more:
            await self._keep(program)
            self._say(f"{program.name} is started")
        await asyncio.gather(*(self._keepers[program].stop(_STOP_SECONDS + 1) for program in less))
        for program in less:
            del self._keepers[program]
            self._installation.release(program.name)
            self._say(f"{program.name} is stopped")
        self._save()

    # What is kept running

    async def _keep(self, program: Program) -> Keeper:
        keeper = self._keepers[program] = self._keeper(program.name, lambda: self._command(program), _STOP_SECONDS)
        await keeper.start()
        return keeper

    def _keep_server(self, name: str, command: Callable[[Path], Command]) -> Keeper:
        def marked() -> Command:
            own = command(self._log(name))
            mark = {leftovers.MARK: str(self._installation.directory)}
            return self._tried(name, replace(own, environment={**own.environment, **mark}))

        keeper = self._servers[name] = self._keeper(name, marked, _SERVER_STOP_SECONDS)
        return keeper

    def _keeper(self, name: str, command: Callable[[], Command], stop_within: float) -> Keeper:
        return Keeper(
            command,
            name=name,
            log_file=self._log(name),
            held=self._installation.held_file(name).exists,
            changed=self._save_or_later,
            say=self._say,
            stop_within=stop_within,
        )

    def _command(self, program: Program) -> Command:
        if program.service != "issuer":  # the others know the issuer's address from their start
            self._ports.move_if_taken(program.name)
        argv = ending_with_parent(program.argv, signal.SIGTERM)
        environment = self._installation.environment(program)
        return self._tried(program.name, Command(program.name, argv, self._log(program.name), environment))

    def _tried(self, name: str, command: Command) -> Command:
        return conditions.of(self._installation.conditions_file, name).applied_to(command)

    def _log(self, name: str) -> Path:
        return self._installation.logs / f"{name}.log"

    def _url(self, program: Program) -> str:
        return f"http://127.0.0.1:{self._ports[program.name]}"

    def _tell_of_jars(self, done: int, total: int) -> None:
        if done in (1, total) or done % 10 == 0:
            self._say(f"Kafka's jars: {done} of {total} fetched")

    async def _rotate_logs(self) -> None:
        while True:
            await asyncio.sleep(_ROTATE_SECONDS)
            with suppress(OSError):
                await asyncio.to_thread(rotate, self._installation.logs)

    # What others read

    def _save(self) -> None:
        State(
            self._identity.pid,
            self._identity.started,
            self._ready,
            self._failed,
            [self._server_state(name) for name in self._installation.server_names],
            [self._process_state(program) for program in self._programs],
        ).save(self._installation.state_file)

    def _save_or_later(self) -> None:
        """A disk without room must not end the keepers: who else would start again what ended for lack of it?"""
        if self._save_again is not None:
            self._save_again.cancel()
        try:
            self._save()
        except OSError:
            loop = asyncio.get_running_loop()
            self._save_again = loop.call_later(_SAVE_AGAIN_SECONDS, self._save_or_later)

    def _server_state(self, name: str) -> ServerState:
        keeper = self._servers.get(name)
        return ServerState(name, f"127.0.0.1:{self._ports[name]}", *_running(keeper))

    def _process_state(self, program: Program) -> ProcessState:
        keeper = self._keepers.get(program)
        return ProcessState(program.service, program.role, program.number, self._url(program), *_running(keeper))


async def supervise(installation: Installation, say: Say, when_ready: Callable[[], None] = lambda: None) -> None:
    """Runs an installation until SIGTERM, SIGHUP or Ctrl-C. Raises one of ERRORS."""
    supervisor = Supervisor(installation, say)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.stop)
    await supervisor.run(when_ready)


def say_to_log(installation: Installation) -> Say:
    """Returns a `say` that appends to logs/supervisor.log, each line with its time."""
    log = installation.logs / "supervisor.log"
    log.parent.mkdir(parents=True, exist_ok=True)

    def say(text: str) -> None:
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S%z} {text}\n")

    return say


@contextmanager
def _alone(installation: Installation) -> Iterator[None]:
    """Keeps a second supervisor away for as long as this process lives, however it ends."""
    installation.run.mkdir(parents=True, exist_ok=True)
    with installation.lock_file.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError(f"an installation already runs in {installation.directory}") from None
        lock.truncate(0)
        lock.write(json.dumps(asdict(Identity.of(os.getpid()))))
        lock.flush()
        yield


def _running(keeper: Keeper | None) -> tuple[int | None, float | None, int]:
    restarts = keeper.restarts if keeper else 0
    if keeper is None or keeper.running is None:
        return None, None, restarts
    return keeper.running.identity.pid, keeper.running.identity.started, restarts


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Returns one error of a group: all tasks that wait for a failed one fail alike."""
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def main() -> None:
    """Runs detached from any terminal."""
    installation = Installation.open(Path(sys.argv[1]))
    say = say_to_log(installation)
    try:
        asyncio.run(supervise(installation, say))
    except (*ERRORS, OSError) as error:  # an OSError: no room, no rights
        say(f"the start failed: {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
