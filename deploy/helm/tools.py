"""The programs and schemas that check a chart: pinned in tools.toml, made once per user, used without a connection."""

import json
import os
import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from deploy.local.jars import cache_dir

HERE = Path(__file__).parent
_PINS = tomllib.loads((HERE / "tools.toml").read_text(encoding="utf-8"))
_BUILD_SECONDS = 1200


class ToolError(Exception):
    """A program or schema cannot be had; says why and what to do."""


def tools_dir() -> Path:
    """Returns the directory that all clones of this user share."""
    return cache_dir().with_name("tools")


def helm() -> Path:
    """Returns Helm 3: the machine's own, else one built from its module. Raises ToolError."""
    found = shutil.which("helm")
    if found and _output([found, "version", "--short"]).startswith("v3."):
        return Path(found)
    return built("helm")


def built(name: str) -> Path:
    """Returns a program built from its Go module, which takes some minutes once. Raises ToolError."""
    pin: dict[str, str] = _PINS[name]
    program = tools_dir() / pin["version"] / name
    if not program.exists():
        print(f"building {name} {pin['version']}, once", flush=True)  # noqa: T201  a command's own words
        program.parent.mkdir(parents=True, exist_ok=True)
        # Into a directory of its own first: an interrupted or second build leaves no half program in place.
        with tempfile.TemporaryDirectory(dir=program.parent) as unfinished:
            _go("install", f"{pin['package']}@{pin['version']}", GOBIN=unfinished)
            (Path(unfinished) / name).rename(program)
    return program


def schemas(into: Path) -> None:
    """Copies the schemas of operators' resources into a directory. Raises ToolError."""
    for pin in _PINS["schemas"]:
        directory = _module(pin["module"], pin["version"], pin["sum"])
        for file in pin["files"]:
            shutil.copyfile(directory / file, into / Path(file).name)
    for own in sorted((HERE / "schemas").glob("*.yaml")):
        shutil.copyfile(own, into / own.name)


def _module(name: str, version: str, expected: str) -> Path:
    told: dict[str, Any] = json.loads(_go("mod", "download", "-json", f"{name}@{version}"))
    if told["Sum"] != expected:
        raise ToolError(f"{name} {version} is not what tools.toml names: {told['Sum']} instead of {expected}")
    return Path(told["Dir"])


def _go(*words: str, **environment: str) -> str:
    go = shutil.which("go")
    if go is None:
        raise ToolError("there is no Go here: install it, or leave this check to a machine that has it")
    try:
        return _output([go, *words], **environment)
    except subprocess.CalledProcessError as error:
        raise ToolError(f"go {' '.join(words)} failed:\n{error.stderr}") from None


def _output(argv: list[str], **environment: str) -> str:
    """Outside of any module of ours, so that none is looked for. Raises subprocess.CalledProcessError."""
    with tempfile.TemporaryDirectory() as elsewhere:
        done = subprocess.run(  # noqa: S603  our own commands
            argv,
            capture_output=True,
            text=True,
            check=True,
            timeout=_BUILD_SECONDS,
            cwd=elsewhere,
            env={**os.environ, **environment},
        )
    return done.stdout
