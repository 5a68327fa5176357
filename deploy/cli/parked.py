"""`plut parked`: records that consumers set aside, and what is done about them."""

import asyncio
import getpass
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

import typer

from deploy.cli.options import WHAT_RUNS, DataDir, Json, fail, fail_for_files, print_json
from deploy.local.installation import Installation, NotRunningError
from shared.consumer import alarms, control
from shared.consumer.control import Parked
from shared.consumer.parking import LIMIT_PER_MINUTE
from shared.postgres import UNAVAILABLE, connect, role_name

SERVICES = ("registry", "mentoring", "reporting")
_POLL_SECONDS = 0.2

Reason = Annotated[str | None, typer.Option(help="Why; kept for the audit.")]
Number = Annotated[str, typer.Argument(help="As `plut parked list` shows it, such as `reporting-12`.", metavar="ID")]
Numbers = Annotated[
    list[str],
    typer.Argument(help="One or more, as `plut parked list` shows them, such as `reporting-12`.", metavar="ID..."),
]
T = TypeVar("T")

commands = typer.Typer(
    no_args_is_help=True, help="Records that could not be applied: list, show, retry, skip, resume, audit."
)


def register(app: typer.Typer) -> None:
    """Adds `plut parked`."""
    app.add_typer(commands, name="parked")


@commands.command("list")
def list_parked(
    data_dir: DataDir = None,
    json: Json = False,  # noqa: FBT002  typer's way
    closed: Annotated[bool, typer.Option("--all", help="The closed ones too.")] = False,  # noqa: FBT002  the same
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many of each service.")] = 200,
) -> None:
    """Lists parked records, the newest first, and consumers that stand still."""
    installation = Installation.open(data_dir)

    async def ask() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        records, stopped = [], []
        for service in SERVICES:
            async with _connection(installation, service) as connection:
                found = await control.parked(connection, closed=closed, limit=limit)
                records += [_shown(service, each) for each in found]
                stopped += [{"service": service, "group": each} for each in await control.stopped_groups(connection)]
        return records, stopped

    records, stopped = _run(ask())
    if json:
        print_json({"parked": records, "stopped": stopped})
        return
    for record in records:
        typer.echo(
            f"{record['id']:<16} {record['status']:<15} {record['topic']} {record['partition']}@{record['offset']}"
            f"  {record['type'] or '?'}  {record['error'][:100]}"
        )
    for each in stopped:
        typer.echo(f"{each['group']} stands still: mend the cause, then `plut parked resume {each['group']}`")
    if not records and not stopped:
        typer.echo("Nothing is parked.")


@commands.command()
def show(number: Number, data_dir: DataDir = None, json: Json = False) -> None:  # noqa: FBT002  typer's way
    """Shows one parked record: error, headers, value, and what has been done about it."""
    service, key = _parsed(number)

    async def ask() -> dict[str, Any]:
        async with _connection(Installation.open(data_dir), service) as connection:
            record = await _found(connection, number, key)
            return {**_shown(service, record), **await control.content(connection, key)}

    found = {name: _text(name, value) for name, value in _run(ask()).items()}
    if json:
        print_json(found)
        return
    for name, value in found.items():
        typer.echo(f"{name:>14}  {value}")


@commands.command()
def retry(
    numbers: Numbers,
    data_dir: DataDir = None,
    json: Json = False,  # noqa: FBT002  typer's way
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for the consumer's answer.")] = 15,
    reason: Reason = None,
) -> None:
    """Has the running consumer apply records once more, one after the other, and waits for each outcome."""

    async def ask(number: str, service: str, key: int) -> Parked:
        async with _connection(Installation.open(data_dir), service) as connection:
            await _found(connection, number, key)
            if not await control.ask_retry(connection, key, _actor(), reason):
                fail(f"{number} is not open.", "Only what `plut parked list` shows can be tried again.")
            return await _outcome(connection, number, key, timeout)

    def retry_one(number: str) -> None:
        service, key = _parsed(number)
        outcome = _run(ask(number, service, key))
        if json:
            print_json(_shown(service, outcome))
        elif outcome.status != "parked":
            typer.echo(f"{number} is {outcome.status}.")
        if outcome.status == "parked":
            fail(f"{number} is still refused: {outcome.error}", "Mend the cause, or skip it.")

    _with_each(numbers, retry_one)


@commands.command()
def skip(
    numbers: Numbers,
    reason: Annotated[str, typer.Option(help="Why nobody needs it; kept for the audit.", prompt=True)],
    data_dir: DataDir = None,
    json: Json = False,  # noqa: FBT002  typer's way
) -> None:
    """Closes parked records without their effect. Who, when and why is kept."""

    async def ask(number: str, service: str, key: int) -> Parked:
        async with _connection(Installation.open(data_dir), service) as connection:
            await _found(connection, number, key)
            if not await control.skip(connection, key, _actor(), reason):
                fail(f"{number} is not open.", "It was closed before: `plut parked show` says by whom.")
            return await _found(connection, number, key)

    def skip_one(number: str) -> None:
        service, key = _parsed(number)
        closed = _run(ask(number, service, key))
        if json:
            print_json(_shown(service, closed))
        else:
            typer.echo(f"{number} is skipped.")

    _with_each(numbers, skip_one)


@commands.command()
def resume(
    group: Annotated[str, typer.Argument(help="The consumer group that stands still.")],
    data_dir: DataDir = None,
    json: Json = False,  # noqa: FBT002  typer's way
    allow: Annotated[
        int, typer.Option(min=0, help=f"May be newly parked in the next ten minutes; {LIMIT_PER_MINUTE} a minute else.")
    ] = 0,
    reason: Reason = None,
) -> None:
    """Lets a consumer go on that stopped over too many bad records, and clears its alarms: somebody has looked."""

    async def ask() -> str | None:
        for service in SERVICES:
            async with _connection(Installation.open(data_dir), service) as connection, connection.transaction():
                resumed = await control.resume(connection, group, _actor(), allow)
                if await alarms.clear_alarms(connection, group) or resumed:
                    await control.note_resumed(connection, group, _actor(), reason)
                    return service
        return None

    service = _run(ask())
    if service is None:
        fail(f"{group} neither stands still nor has an alarm.", "`plut status` names the groups that do.")
    if json:
        print_json({"service": service, "group": group, "allowed": allow})
    else:
        typer.echo(f"{group} goes on.")


@commands.command()
def audit(
    data_dir: DataDir = None,
    json: Json = False,  # noqa: FBT002  typer's way
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many of each service.")] = 200,
) -> None:
    """Lists who asked for what, when and why, and what came of it, the newest first. Nothing is ever removed of it."""
    installation = Installation.open(data_dir)

    async def ask() -> list[dict[str, Any]]:
        actions = []
        for service in SERVICES:
            async with _connection(installation, service) as connection:
                actions += [_action(service, each) for each in await control.audit(connection, limit)]
        return sorted(actions, key=lambda each: each["at"], reverse=True)

    actions = _run(ask())
    if json:
        print_json({"actions": actions})
        return
    for each in actions:
        about = f"{each['id'] or each['consumer_group']}  {each['record'] or ''}"
        typer.echo(f"{each['at']:%Y-%m-%d %H:%M:%S}  {each['actor']:<12} {each['action']:<15} {about}")
        if each["detail"]:
            typer.echo(f"{'':21}{each['detail'][:200]}")
    if not actions:
        typer.echo("Nobody has done anything yet.")


def _with_each(numbers: Sequence[str], do: Callable[[str], None]) -> None:
    """Whatever becomes of one, the others have their turn; ends with the last failure's status."""
    failed = 0
    for number in numbers:
        try:
            do(number)
        except typer.Exit as ended:
            failed = ended.exit_code or failed
    if failed:
        raise typer.Exit(failed)


def _action(service: str, action: dict[str, Any]) -> dict[str, Any]:
    number = action.pop("parked_id")
    return {**action, "service": service, "id": f"{service}-{number}" if number is not None else None}


async def _outcome(connection: Any, number: str, key: int, timeout: float) -> Parked:  # noqa: ANN401, ASYNC109  a bound of its own
    deadline = time.monotonic() + timeout
    while (record := await _found(connection, number, key)).status == "retry_requested":
        if time.monotonic() > deadline:
            fail(
                f"No consumer has answered within {timeout:g} s; the request stands.",
                "See with `plut status` whether the consumer runs; it will try when it does.",
            )
        await asyncio.sleep(_POLL_SECONDS)
    return record


async def _found(connection: Any, number: str, key: int) -> Parked:  # noqa: ANN401  asyncpg's
    record = await control.find(connection, key)
    if record is None:
        fail(f"There is no parked record {number}.", "`plut parked list --all` shows all of them.")
    return record


@asynccontextmanager
async def _connection(installation: Installation, service: str) -> AsyncIterator[Any]:
    settings = installation.settings(service, "worker")
    connection = await connect(settings, role_name(service, "worker"), schema=service, application="plut-parked")
    try:
        yield connection
    finally:
        await connection.close(timeout=5)


def _run(asking: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(asking)
    except NotRunningError as error:
        fail(str(error), "Start the installation with `plut up`.")
    except UNAVAILABLE as error:
        fail_for_files(error)
        fail(f"Postgres does not answer: {error}", WHAT_RUNS)


def _parsed(number: str) -> tuple[str, int]:
    service, _, key = number.rpartition("-")
    if service not in SERVICES or not (key.isascii() and key.isdigit() and len(key) < 19):
        fail(f"{number!r} is not the id of a parked record.", f"Write it as in `plut parked list`: {SERVICES[-1]}-12.")
    return service, int(key)


def _shown(service: str, record: Parked) -> dict[str, Any]:
    return {**asdict(record), "id": f"{service}-{record.id}", "service": service}


def _text(name: str, value: Any) -> Any:  # noqa: ANN401  whatever a column holds
    if isinstance(value, bytes):
        return value.hex() if name.endswith("_digest") else value[:4096].decode("utf-8", "backslashreplace")
    return value


def _actor() -> str:
    """Whoever became root is still the one who did it."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
