"""`plut replay`: has the relays send again what they have sent."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

import typer

from deploy.cli.options import DataDir, Json, fail, fail_for_files, print_json

if TYPE_CHECKING:
    from deploy.local.installation import Installation
    from shared.relay.replay import Outbox
    from shared.relay.store import HistoryChange

PUBLISHERS = ("registry", "mentoring")
_LOOK_SECONDS = 0.25
_PATIENCE_SECONDS = 60.0
_GO_ON = "`plut status` says which process is missing, `plut up` starts it. Call this again then: it goes on."


class Teller:
    """Tells what is going on: one line that changes on a terminal, lines elsewhere, nothing for programs."""

    def __init__(self, *, quiet: bool) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, quiet=quiet, highlight=False)
        self._moving = self._console.status("")

    def __enter__(self) -> Self:
        self._moving.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._moving.stop()

    def moving(self, text: str) -> None:
        self._moving.update(text)
        if not self._console.is_terminal:
            self._console.print(text)

    def done(self, text: str) -> None:
        self._console.print(text)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("replay")(replay)


def replay(
    data_dir: DataDir = None,
    topic: Annotated[
        str | None, typer.Option(help="Send this topic's records only, such as registry.business.v1.")
    ] = None,
    new_history: Annotated[  # noqa: FBT002  a flag of the command line
        bool,
        typer.Option(
            "--new-history", help="Postgres was restored to an earlier point: make topics and read models anew."
        ),
    ] = False,
    json: Json = False,  # noqa: FBT002  the same
) -> None:
    """Sends the outboxes again; what is known is dropped by its version. May be interrupted and called again."""
    from deploy.local.installation import Installation, NotRunningError
    from services.reporting.rebuild import AlreadyRebuildingError
    from shared.kafka_admin import KafkaTrouble
    from shared.postgres import UNAVAILABLE

    if topic is not None and new_history:
        fail("A new history concerns every topic.", "Leave out --topic, or --new-history.", status=2)
    try:
        with Teller(quiet=json) as teller:
            told = asyncio.run(_replay(Installation.open(data_dir), topic, teller, new_history=new_history))
    except NotRunningError as error:
        fail(str(error), "Then call this again.")
    except AlreadyRebuildingError as error:
        fail(f"{error}.", "Wait for it, then call this again: it goes on.")
    except KafkaTrouble as error:
        fail(f"Interrupted: {error}", _GO_ON)
    except UNAVAILABLE as error:
        fail_for_files(error)
        fail(f"Interrupted: Postgres does not answer ({type(error).__name__})", _GO_ON)
    if json:
        print_json(told)


async def _replay(
    installation: "Installation", topic: str | None, teller: Teller, *, new_history: bool
) -> dict[str, object]:
    async with _outboxes(installation) as outboxes:
        if new_history:
            return await _begin_new_history(installation, outboxes, teller)
        if topic is not None:  # an empty name is a mistake, and not every topic
            return await _replay_topic(outboxes, topic, teller)
        for outbox in outboxes:
            await outbox.replay()
        await _published(outboxes, teller)
        return {
            "replayed": list(PUBLISHERS),
            "epochs": {one.service: (await one.state()).position.epoch for one in outboxes},
        }


async def _replay_topic(outboxes: "Sequence[Outbox]", topic: str, teller: Teller) -> dict[str, object]:
    from shared.contracts.catalogue import TOPICS

    if topic not in TOPICS:
        fail(f"There is no topic {topic}.", f"Topics: {', '.join(TOPICS)}", status=2)
    outbox = next(one for one in outboxes if one.service == TOPICS[topic].service)
    if not await outbox.replay_topic(topic):
        fail(
            "Another topic is being sent again.",
            "Call this again when that is done; `plut replay --topic` of it shows how far it is.",
        )

    async def sent_again() -> str | None:
        state = await outbox.state()
        _refuse_alarm(outbox, state.alarm.text if state.alarm else None)
        return f"{topic}: {state.replay.after_seq} of {state.replay.until_seq}" if state.replay else None

    await _watch(sent_again, teller)
    teller.done(f"{topic} has been sent again")
    return {"replayed": [topic]}


async def _begin_new_history(
    installation: "Installation", outboxes: "Sequence[Outbox]", teller: Teller
) -> dict[str, object]:
    from shared.ids import new_id

    run = await _unfinished_run(outboxes) or new_id()
    changes = {}
    for outbox in outboxes:
        changes[outbox.service] = await outbox.decide(run)
        teller.done(f"{outbox.service}: history {changes[outbox.service].history}")
    for outbox in outboxes:
        await outbox.begin(changes[outbox.service])
        teller.done(f"{outbox.service}: topics made anew")
    await _replicas_forgotten(installation, changes, teller)
    await _published(outboxes, teller)
    await _read_models_rebuilt(installation, teller)
    for outbox in outboxes:
        await outbox.complete(changes[outbox.service])
    teller.done("the new history stands; `plut check` says what the restore took away")
    return {"histories": {service: change.history for service, change in changes.items()}}


async def _unfinished_run(outboxes: "Sequence[Outbox]") -> UUID | None:
    runs = [await outbox.unfinished_run() for outbox in outboxes]
    return next((run for run in runs if run is not None), None)


async def _replicas_forgotten(
    installation: "Installation", changes: Mapping[str, "HistoryChange"], teller: Teller
) -> None:
    """Copies may know what never happened, in versions too high to be overwritten by what did."""
    from services.mentoring.settings import REPLICA_GROUP
    from services.registry.settings import ATTESTATION_GROUP

    for service, group, publisher in (
        ("mentoring", REPLICA_GROUP, "registry"),
        ("registry", ATTESTATION_GROUP, "mentoring"),
    ):
        change = changes[publisher]
        await _replica_forgotten(installation, service, group, publisher, change, teller)


async def _replica_forgotten(
    installation: "Installation", service: str, group: str, publisher: str, change: "HistoryChange", teller: Teller
) -> None:
    from shared.consumer import control
    from shared.postgres import connect, role_name

    settings = installation.settings(service, "consume")
    connection = await connect(settings, role_name(service, "worker"), schema=service, application="plut-replay")
    try:
        await control.ask_for_new_history(connection, group, publisher, change.history, change.epoch)

        async def forgotten() -> str | None:
            asked = (await control.read(connection, group)).new_history is not None
            return f"{service}: waiting until its consumer has forgotten" if asked else None

        await _watch(forgotten, teller)
        teller.done(f"{service}: replica reads anew")
    finally:
        await connection.close(timeout=5)


async def _read_models_rebuilt(installation: "Installation", teller: Teller) -> None:
    from services.reporting.rebuild import Progress, rebuild
    from shared.memory import OF_BATCHES, look_rarely

    last = ""

    def tell(progress: Progress) -> None:
        nonlocal last
        if progress.step != last:
            last = progress.step
            teller.moving(f"reporting: {progress.step}")

    look_rarely(OF_BATCHES)
    await rebuild(installation.settings("reporting", "consume"), tell)
    teller.done("reporting: the new read models answer")


async def _published(outboxes: "Sequence[Outbox]", teller: Teller) -> None:
    for outbox in outboxes:

        async def unpublished(outbox: "Outbox" = outbox) -> str | None:
            state = await outbox.state()
            _refuse_alarm(outbox, state.alarm.text if state.alarm else None)
            rows = (await outbox.backlog()).rows
            return f"{outbox.service}: {rows} events to be sent" if rows else None

        await _watch(unpublished, teller)
        teller.done(f"{outbox.service}: everything has been sent")


def _refuse_alarm(outbox: "Outbox", alarm: str | None) -> None:
    if alarm is not None:
        fail(f"{outbox.service}: {alarm}", "Then call this again.")


async def _watch(step: Callable[[], Awaitable[str | None]], teller: Teller) -> None:
    """Shows each step as it changes until there is none; gives up when nothing moves for a minute."""
    loop = asyncio.get_running_loop()
    shown, moved_at = "", loop.time()
    while (now := await step()) is not None:
        if now != shown:
            teller.moving(now)
            shown, moved_at = now, loop.time()
        elif loop.time() - moved_at > _PATIENCE_SECONDS:
            fail(
                f"Nothing moves: {now}",
                "`plut status` says which process is missing; `plut up` starts it. Call this again then: it goes on.",
            )
        await asyncio.sleep(_LOOK_SECONDS)


@asynccontextmanager
async def _outboxes(installation: "Installation") -> "AsyncIterator[Sequence[Outbox]]":
    from shared.relay.replay import open_outbox

    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(open_outbox(service, installation.settings(service, "relay")))
            for service in PUBLISHERS
        ]
