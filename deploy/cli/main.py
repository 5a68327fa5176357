"""`plut`: everything that is done to an installation from a terminal."""

import importlib
import logging
import pkgutil

import typer

import deploy.cli

app = typer.Typer(
    name="plut",
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
