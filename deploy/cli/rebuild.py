"""`plut rebuild`: makes the read models of reporting, or mentoring's copies, anew out of the log."""

import asyncio
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.options import DataDir, Json, fail, fail_for_files, print_json
from deploy.cli.progress import Shown

if TYPE_CHECKING:
    from deploy.local.installation import Installation
    from services.reporting.rebuild import Outcome, Tell

    Act = Callable[[Installation, bool], dict[str, object]]

SERVICES = ("reporting", "mentoring")
_SHOWN_DIFFERENCES = 20
_LOOK_SECONDS = 0.25
_PATIENCE_SECONDS = 60.0
_STEPS = {
    "reading": "reading the log",
    "summing": "summing totals from facts",
    "following": "catching up",
    "comparing": "comparing with the live set",
    "switching": "waiting for the moment to switch",
    "removing": "removing the old set's rows",
}


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("rebuild")(rebuild)


def rebuild(
    service: Annotated[str, typer.Argument(help=f"One of: {', '.join(SERVICES)}.")],
    data_dir: DataDir = None,
    keep_hours: Annotated[
        float,
        typer.Option(min=0, help="So long the set that answered before is fed on, for --roll-back; 0 removes it."),
    ] = 24.0,
    roll_back: Annotated[  # noqa: FBT002  a flag of the command line
        bool, typer.Option("--roll-back", help="Takes the last switch back: the set before answers again.")
    ] = False,
    abandon: Annotated[  # noqa: FBT002  the same
        bool, typer.Option("--abandon", help="Gives up the unfinished set of an interrupted rebuild.")
    ] = False,
    json: Json = False,  # noqa: FBT002  the same
) -> None:
    """Reads the log anew into a set beside the live one, compares and switches. Interrupted, it goes on next time.

    Of reporting, the set before can answer again (--roll-back) until its hours are over, and then once more the other.
    Exit status: 0 done, 1 it could not be done, 2 wrong use, 130 interrupted.
    """
    from deploy.local.installation import Installation, NotRunningError
    from services.reporting.rebuild import AlreadyRebuildingError, NothingToDoError
    from shared.postgres import UNAVAILABLE

    _refuse_wrong_use(service, roll_back=roll_back, abandon=abandon)
    act = _act_on(service, timedelta(hours=keep_hours), roll_back=roll_back, abandon=abandon)
    try:
        told = act(Installation.open(data_dir), json)
    except NotRunningError as error:
        fail(str(error), "Start it with `plut up`, then call this again.")
    except AlreadyRebuildingError as error:
        fail(f"{error}.", "Wait for it, or end it; the next call goes on where it stopped.")
    except NothingToDoError as error:
        fail(f"{error}.", "`plut rebuild reporting` builds the next set and switches to it.")
    except UNAVAILABLE as error:
        fail_for_files(error)
        fail(f"Interrupted: Postgres does not answer ({type(error).__name__}).", "Call this again then: it goes on.")
    except KeyboardInterrupt:
        fail("Interrupted.", "What was begun goes on with the next call.", status=130)
    if json:
        print_json(told)


def _refuse_wrong_use(service: str, *, roll_back: bool, abandon: bool) -> None:
    if service not in SERVICES:
        fail(f"{service} has nothing to rebuild.", f"Name one of: {', '.join(SERVICES)}.", status=2)
    if roll_back and abandon:
        fail("--roll-back is about the last switch, --abandon about a rebuild before its own.", "Name one.", status=2)
    if service == "mentoring" and (roll_back or abandon):
        fail("Mentoring's copies have no sets.", "`plut rebuild mentoring` reads them anew.", status=2)


def _act_on(service: str, keep: timedelta, *, roll_back: bool, abandon: bool) -> "Act":
    """Returns what is to be done; it is told the installation, and whether a program reads what it says."""
    if service == "mentoring":
        return lambda installation, _: _rebuild_mentoring(installation)
    if roll_back:
        return lambda installation, json: _roll_back(installation, keep, json=json)
    if abandon:
        return lambda installation, json: _abandon(installation, json=json)
    return lambda installation, json: _rebuild_reporting(installation, keep or None, json=json)


# Reporting


def _rebuild_reporting(installation: "Installation", keep: timedelta | None, *, json: bool) -> dict[str, object]:
    from services.reporting.rebuild import rebuild as rebuild_sets
    from shared.memory import OF_BATCHES, look_rarely

    look_rarely(OF_BATCHES)
    with Shown(_STEPS, quiet=json) as shown:
        outcome = asyncio.run(rebuild_sets(installation.settings("reporting", "consume"), _shown(shown), keep))
    if not json:
        _tell_differences(outcome)
        _tell_outcome(outcome)
    return {
        **_as_json(outcome),
        "differences": [vars(one) for one in outcome.comparison.differences],
        "moving": outcome.comparison.moving,
    }


def _roll_back(installation: "Installation", keep: timedelta, *, json: bool) -> dict[str, object]:
    from services.reporting.rebuild import roll_back

    with Shown(_STEPS, quiet=json) as shown:
        outcome = asyncio.run(roll_back(installation.settings("reporting", "consume"), _shown(shown), keep))
    if not json:
        _tell_outcome(outcome)
    return _as_json(outcome)


def _abandon(installation: "Installation", *, json: bool) -> dict[str, object]:
    from services.reporting.rebuild import abandon

    with Shown(_STEPS, quiet=json) as shown:
        version = asyncio.run(abandon(installation.settings("reporting", "consume"), _shown(shown)))
    if not json:
        typer.echo(f"Set {version} was given up; its rows are gone, and what answers is as it was.")
    return {"abandoned": version}


def _as_json(outcome: "Outcome") -> dict[str, object]:
    return {"set": outcome.version, "before": outcome.before, "kept_until": outcome.kept_until}


def _tell_differences(outcome: "Outcome") -> None:
    differences = outcome.comparison.differences
    for one in differences[:_SHOWN_DIFFERENCES]:
        typer.echo(f"{one.table} {one.key}: was [{one.live or 'missing'}], is [{one.building or 'missing'}]")
    if len(differences) > _SHOWN_DIFFERENCES:
        typer.echo(f"… and {len(differences) - _SHOWN_DIFFERENCES} more (--json shows all)")
    if outcome.comparison.moving:
        typer.echo(f"{outcome.comparison.moving} rows moved too quickly to be compared")
    typer.echo(f"{len(differences)} rows were different.")


def _tell_outcome(outcome: "Outcome") -> None:
    typer.echo(f"Set {outcome.version} answers instead of set {outcome.before}.")
    if outcome.kept_until is not None:
        until = outcome.kept_until.astimezone().strftime("%Y-%m-%d %H:%M")
        typer.echo(f"Set {outcome.before} is kept until {until}: `plut rebuild reporting --roll-back` goes back to it.")


def _shown(shown: Shown) -> "Tell":
    return lambda progress: shown.tell(progress.step, progress.done, progress.whole)


# Mentoring


def _rebuild_mentoring(installation: "Installation") -> dict[str, object]:
    return asyncio.run(_forget_and_read_anew(installation))


async def _forget_and_read_anew(installation: "Installation") -> dict[str, object]:
    """The running consumer forgets its copies and reads the registry's log from the beginning."""
    from services.mentoring.settings import REPLICA_GROUP, SERVICE
    from shared.consumer import control
    from shared.postgres import connect, role_name

    settings = installation.settings(SERVICE, "consume")
    connection = await connect(settings, role_name(SERVICE, "worker"), schema=SERVICE, application="plut-rebuild")
    try:
        history, epoch = await _present_history(connection, REPLICA_GROUP)
        await control.ask_for_new_history(connection, REPLICA_GROUP, "registry", history, epoch)
        until = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        while (await control.read(connection, REPLICA_GROUP)).new_history is not None:
            if asyncio.get_running_loop().time() > until:
                fail(
                    "Mentoring's consumer does not answer.",
                    "`plut status` says whether it runs; it does this when it does.",
                )
            await asyncio.sleep(_LOOK_SECONDS)
    finally:
        await connection.close(timeout=5)
    sys.stderr.write("mentoring's copies are read anew\n")
    return {"group": REPLICA_GROUP, "history": history, "epoch": epoch}


async def _present_history(connection: object, group: str) -> tuple[int, int]:
    from typing import Any, cast

    asked = "select history, epoch from consumer_offset where consumer_group = $1 and history is not null"
    rows = await cast("Any", connection).fetch(asked, group)
    return max(((row["history"], row["epoch"]) for row in rows), default=(1, 1))
