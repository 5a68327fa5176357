"""`plut backup`: base backups with the WAL behind them, trials of them, and the way back."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from deploy.cli.options import DataDir, Json, fail, print_json
from deploy.cli.progress import Shown

if TYPE_CHECKING:
    from deploy.backup.folder import Backup, Folder
    from deploy.local.installation import Installation

T = TypeVar("T")
_TIMES = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"]

From = Annotated[
    Path | None,
    typer.Option("--from", help="Folder of the backups.", show_default="the one that the installation's WAL goes to"),
]
Label = Annotated[
    str | None, typer.Argument(metavar="[LABEL]", help="As `plut backup list` shows it.", show_default="the newest")
]
Until = Annotated[
    datetime | None,
    typer.Option("--to", formats=_TIMES, help="Up to this moment, by this machine's clock.", show_default="the end"),
]

commands = typer.Typer(no_args_is_help=True, help="Backups of Postgres: run, list, verify, keys, restore, dump.")


def register(app: typer.Typer) -> None:
    """Adds `plut backup`."""
    app.add_typer(commands, name="backup")


@commands.command()
def run(
    to: Annotated[
        Path | None,
        typer.Option(help="Folder to write to, on another disk.", show_default="the one used before"),
    ] = None,
    keep: Annotated[int, typer.Option(min=1, help="So many base backups stay, and the WAL behind them.")] = 7,
    data_dir: DataDir = None,
    json: Json = False,  # noqa: FBT002  a flag of the command line
) -> None:
    """Takes a base backup of the running Postgres. From the first one on, WAL is copied to the folder continuously.

    Exit status: 0 the backup is whole and WAL arrives, 1 it is not, 130 interrupted (call it again).
    """
    from deploy.backup.folder import Folder
    from deploy.backup.retention import clear
    from deploy.backup.take import kept_folder, take
    from deploy.local.installation import Installation

    installation = Installation.open(data_dir)

    async def work(shown: Shown) -> "tuple[Backup, list[Backup]]":
        folder = Folder(to.absolute()) if to else kept_folder(installation)
        if folder is None:
            fail("No folder was named.", "The first time say where to: `plut backup run --to DIR`.", status=2)
        if to is None and not any(folder.path.glob("*/base")):
            fail(
                f"The backups are gone from {folder.path}.",
                "Is a disk not mounted? Mount it, then call this again. If they shall begin anew there, say so: --to.",
            )
        backup = await take(installation, folder, lambda done, whole: shown.tell("copying", done, whole))
        return backup, clear(folder, keep)

    with Shown(_STEPS, quiet=json, sizes=True) as shown:
        backup, removed = _run(work(shown))
    if json:
        print_json({**backup.as_json(), "removed": [each.about.label for each in removed]})
        return
    typer.echo(f"{backup.about.label}: {_size(backup.about.bytes)} in {backup.directory}")
    typer.echo(f"WAL is copied to {backup.wal}. Removed as too old: {len(removed)}.")
    typer.echo("The keys of personal data are not in it: `plut backup keys --to DIR` copies them, to another place.")


@commands.command("list")
def list_backups(source: From = None, data_dir: DataDir = None, json: Json = False) -> None:  # noqa: FBT002  the same
    """Lists base backups, how far the WAL behind each reaches, and what their last trial came to."""
    folder = _folder(source, data_dir)
    found = folder.backups()
    if json:
        print_json([backup.as_json() for backup in found])
        return
    for backup in found:
        about, newest, verified = backup.about, backup.newest_wal_at(), backup.verified
        outcome = (
            "never tried" if verified is None else f"{'good' if verified.ok else 'NOT GOOD'} {verified.at:%Y-%m-%d}"
        )
        until = newest.strftime("%Y-%m-%d %H:%M:%S") if newest else "no WAL"
        typer.echo(f"{about.label}  cluster {about.cluster}  {_size(about.bytes):>10}  up to {until}  {outcome}")
    if not found:
        typer.echo(f"No base backup in {folder.path}.")


@commands.command()
def verify(
    label: Label = None,
    source: From = None,
    until: Until = None,
    scratch: Annotated[
        Path | None, typer.Option(help="Where the copy is made; removed afterwards.", show_default="the data directory")
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(help="Directory of the registry's keys.", show_default="the installation's")
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,  # noqa: FBT002  the same
) -> None:
    """Restores a backup for trial and proves on the copy that nothing in it is lost, counted twice or unreadable.

    Events that were on their way when the copy's time ended are no fault. Exit status: 0 good, 1 not, 2 wrong use.
    """
    from deploy.backup.verify import verify as try_out
    from deploy.local.installation import Installation

    installation, folder = Installation.open(data_dir), _folder(source, data_dir)
    moment = _aware(until)
    with Shown(_STEPS, quiet=json, sizes=True) as shown:
        backup = _choose(folder, label, moment)
        place = scratch or installation.directory
        verified, report = _run(try_out(backup, place, keys or installation.keys_dir, moment, shown.tell))
    if json:
        told = {"label": backup.about.label, "ok": verified.ok, "restored_until": verified.restored_until}
        print_json({**told, **report.as_json(), **verified.findings, "ok": verified.ok})
    else:
        _tell_trial(backup, verified.restored_until, report.as_json(), dict(verified.findings))
    raise typer.Exit(0 if verified.ok else 1)


@commands.command()
def keys(
    to: Annotated[Path, typer.Option(help="Directory to copy to; not where the database's backups lie.")],
    data_dir: DataDir = None,
    json: Json = False,  # noqa: FBT002  the same
) -> None:
    """Copies the keys of personal data and the other secrets of an installation. Needed to restore it elsewhere."""
    from deploy.backup.keys import copy_secrets
    from deploy.backup.take import kept_folder
    from deploy.local.installation import Installation

    installation = Installation.open(data_dir)
    folder = kept_folder(installation) if installation.ports else None
    if folder is not None and to.absolute().is_relative_to(folder.path):
        fail(
            f"{to} lies within the backups of the database.",
            "Whoever gets that disk could then read every identity: name another place.",
            status=2,
        )
    copied = _run(_at_once(lambda: copy_secrets(installation, to.absolute())))
    if json:
        print_json({"directory": str(to.absolute()), "files": len(copied)})
    else:
        typer.echo(f"{len(copied)} secrets were copied to {to}. Keep them where the backups are not, under lock.")


@commands.command()
def restore(
    label: Label = None,
    source: From = None,
    until: Until = None,
    dump_file: Annotated[
        Path | None, typer.Option("--dump", help="Out of a dump, into a new cluster.", exists=True, dir_okay=False)
    ] = None,
    secrets: Annotated[
        Path | None, typer.Option(help="What `plut backup keys` copied, for a new data directory.", file_okay=False)
    ] = None,
    replace: Annotated[  # noqa: FBT002  the same
        bool, typer.Option("--replace", help="In the place of the present cluster, which is kept aside.")
    ] = False,
    data_dir: DataDir = None,
    json: Json = False,  # noqa: FBT002  the same
) -> None:
    """Restores into a data directory that `plut up` then runs. The relays say if Kafka knows more than what came back.

    Exit status: 0 restored, 1 not (nothing has changed then), 2 wrong use, 130 interrupted.
    """
    from deploy.local.installation import Installation

    installation = Installation.open(data_dir)
    if dump_file is not None and (label or source or until):
        fail("A dump is of one moment and stands alone.", "Leave out --from, --to and the label, or --dump.", status=2)
    with Shown(_STEPS, quiet=json, sizes=True) as shown:
        if dump_file is not None:
            told = _run(_load(installation, dump_file.absolute(), secrets, replace=replace))
        else:
            backup = _choose(_folder(source, data_dir), label, _aware(until))
            told = _run(_restore(installation, backup, secrets, _aware(until), shown, replace=replace))
    if json:
        print_json(told)
        return
    typer.echo(f"Restored into {installation.directory}, up to {told['restored_until'] or 'the moment of the dump'}.")
    typer.echo("Start it with `plut up`, look at `plut status` for an alarm of the relays, then run `plut check`.")
    typer.echo("Its WAL is kept nowhere yet: take a base backup with `plut backup run --to DIR`.")


@commands.command()
def dump(
    file: Annotated[Path, typer.Argument(help="File to write.", dir_okay=False)],
    data_dir: DataDir = None,
    json: Json = False,  # noqa: FBT002  the same
) -> None:
    """Writes the database of a running installation into one file, for `plut backup restore --dump`."""
    from deploy.backup.dump import dump as write
    from deploy.local.installation import Installation

    _run(write(Installation.open(data_dir), file.absolute()))
    if json:
        print_json({"file": str(file.absolute()), "bytes": file.stat().st_size})
    else:
        typer.echo(f"{file}: {_size(file.stat().st_size)}")


_STEPS = {
    "copying": "copying the cluster",
    "checking": "comparing checksums",
    "unpacking": "unpacking",
    "recovering": "recovering from WAL",
    "pipeline": "asking the copy",
}


async def _restore(
    installation: "Installation",
    backup: "Backup",
    secrets: Path | None,
    until: datetime | None,
    shown: Shown,
    *,
    replace: bool,
) -> dict[str, object]:
    from deploy.backup.place import free_place
    from deploy.backup.restore import restore as bring_back
    from deploy.local.postgres import Postgres

    with free_place(installation, secrets, backup.about.keys, replace=replace) as directory:
        password = installation.superuser_password()
        reached = await bring_back(backup, Postgres(directory, 0), password, until, shown.tell)
    return {"data_dir": str(installation.directory), "label": backup.about.label, "restored_until": reached}


async def _load(installation: "Installation", file: Path, secrets: Path | None, *, replace: bool) -> dict[str, object]:
    from deploy.backup.dump import load
    from deploy.backup.place import free_place

    with free_place(installation, secrets, {}, replace=replace) as directory:
        await load(file, directory, installation.superuser_password(), installation.keys_dir)
    return {"data_dir": str(installation.directory), "dump": str(file), "restored_until": None}


def _folder(source: Path | None, data_dir: Path | None) -> "Folder":
    from deploy.backup.folder import Folder
    from deploy.backup.take import kept_folder
    from deploy.local.installation import Installation

    installation = Installation.open(data_dir)
    folder = Folder(source.absolute()) if source else (kept_folder(installation) if installation.ports else None)
    if folder is None:
        fail("No folder of backups is known here.", "Name it: --from DIR.", status=2)
    return folder


def _choose(folder: "Folder", label: str | None, until: datetime | None) -> "Backup":
    return _run(_at_once(lambda: folder.choose(label, until)))


def _tell_trial(backup: "Backup", until: datetime | None, counts: dict[str, Any], findings: dict[str, int]) -> None:
    typer.echo(
        f"{backup.about.label} comes back up to {until}: {counts['stored']:,} events, {counts['acknowledged']:,}"
    )
    typer.echo(f"acknowledged commands; on their way then: {counts['waiting']:,}.")
    for name, number in findings.items():
        typer.echo(f"  {name.replace('_', ' ')}: {number:,}")
    for detail in counts["details"][:20]:
        if detail["kind"] in findings:
            typer.echo(f"{detail['kind']} {detail['where']}\n  {detail['what']}\n  -> {detail['cure']}")
    typer.echo("It is good." if not any(findings.values()) else "It is NOT good.")


def _run(work: "Coroutine[Any, Any, T]") -> T:
    from deploy.backup.folder import BackupError
    from deploy.local.installation import NotRunningError
    from deploy.local.postgres import PostgresError
    from deploy.local.process import StartError
    from shared.postgres import UNAVAILABLE

    try:
        return asyncio.run(work)
    except BackupError as error:
        fail(str(error), error.cure)
    except NotRunningError as error:
        fail(str(error), "Name the --data-dir of the installation, or start it with `plut up`.")
    except (PostgresError, StartError) as error:
        fail(str(error), "`plut doctor` looks for what is wrong with this machine.")
    except UNAVAILABLE as error:
        fail(
            f"Interrupted: {type(error).__name__}: {error}",
            "Is Postgres there (`plut status`), the disk full? Again then.",
        )
    except KeyboardInterrupt:
        fail("Interrupted.", "What was half done is removed by the next call.", status=130)


async def _at_once(work: "Callable[[], T]") -> T:
    """What needs no loop fails in the same ways as what does."""
    return work()


def _aware(moment: datetime | None) -> datetime | None:
    return moment.astimezone() if moment else None


def _size(number: int) -> str:
    return f"{number / 2**20:,.1f} MiB"
