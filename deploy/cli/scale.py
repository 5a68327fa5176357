"""`plut scale`: how many of a consumer run."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.options import DataDir, fail

if TYPE_CHECKING:
    from deploy.local.installation import Installation
    from deploy.local.state import ProcessState

_START_SECONDS = 60.0
_LOOK_SECONDS = 0.1


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("scale")(scale)


def scale(
    name: Annotated[str, typer.Argument(help="A consumer, such as reporting-consume.")],
    number: Annotated[int, typer.Argument(min=1, help="How many of it share the work, from now on.")],
    data_dir: DataDir = None,
) -> None:
    """Starts further consumers of a service or stops some; also while it runs, and kept for the next start.

    They share the partitions of the log: at most one consumer for each.
    """
    from deploy.local import scale as kept
    from deploy.local.installation import Installation
    from deploy.local.table import MOST_CONSUMERS, SCALABLE

    if name not in SCALABLE:
        fail(f"{name} does not share its work with others of its kind.", f"Choose from: {', '.join(SCALABLE)}.", 2)
    if number > MOST_CONSUMERS:
        fail(
            f"{number} of {name} are too many: a topic has {MOST_CONSUMERS} partitions.",
            f"Ask for {MOST_CONSUMERS} at most.",
            2,
        )
    installation = Installation.open(data_dir)
    kept.keep(installation.scale_file, name, number)
    if not installation.is_running:
        typer.echo(f"{number} of {name} will run from the next start")
    elif asyncio.run(_until(installation, name, number)):
        typer.echo(f"{number} of {name} run")
    else:
        fail(f"{number} of {name} are not healthy after {_START_SECONDS:.0f} s.", f"`plut logs {name}` says why.")


async def _until(installation: "Installation", name: str, number: int) -> bool:
    """Waits until as many run as were asked for, all healthy; False if they do not in time."""
    until = asyncio.get_running_loop().time() + _START_SECONDS
    while not await _run(installation, name, number):
        if asyncio.get_running_loop().time() > until:
            return False
        await asyncio.sleep(_LOOK_SECONDS)
    return True


async def _run(installation: "Installation", name: str, number: int) -> bool:
    from deploy.local.probe import is_live

    found = [process for process in installation.processes() if _is_one_of(process, name)]
    if len(found) != number or any(process.pid is None for process in found):
        return False
    return all(await asyncio.gather(*(is_live(process.url) for process in found)))


def _is_one_of(process: "ProcessState", name: str) -> bool:
    from deploy.local.state import process_name

    return process_name(process.service, process.role) == name
