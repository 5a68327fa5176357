"""`plut`: everything that is done to an installation from a terminal."""

import errno
import importlib
import logging
import pkgutil
from typing import Any

import typer
from typer.core import TyperGroup

import deploy.cli
from deploy.cli.options import fail, fail_for_files

# What a data directory is refused with that is no directory, is not ours, cannot be written, or is full.
_REFUSALS = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR, errno.EEXIST, errno.EISDIR}
)


class _Plut(TyperGroup):
    """Says in words what any command may meet: nothing was started yet, or its files cannot be read or written."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  as Typer has it
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno in _REFUSALS:
                fail_for_files(error)
            raise
        except Exception as error:
            from deploy.local.brokers import BrokersError
            from deploy.local.installation import NotRunningError

            if isinstance(error, BrokersError):
                fail(f"{error}.", "Restore the file from a backup, or remove it if there was one broker only.")
            if not isinstance(error, NotRunningError):
                raise
            fail(str(error), "Then call this again.")


app = typer.Typer(
    name="plut",
    cls=_Plut,
    help="Runs and operates the PLUT platform on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # locals may be names and numbers of people
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _register_commands() -> None:
    """Every module here that has `register(app)` is a command; it imports what it needs when it is called."""
    for found in pkgutil.iter_modules(deploy.cli.__path__):
        if found.name != "main":
            module = importlib.import_module(f"deploy.cli.{found.name}")
            if hasattr(module, "register"):
                module.register(app)


@app.callback()
def _say_it_ourselves() -> None:
    """What Kafka's client cannot reach, each command tells in its own words; the client says it hundreds of times."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


_register_commands()
