"""The product in containers, for the same tests: `docker compose` in the place of `plut up`, `down` and `scale`."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deploy.local import ports
from deploy.local.installation import Installation
from tests.e2e.machine import Failed, Machine

ROOT = Path(__file__).parents[2]
_PORTS = ("REGISTRY", "MENTORING", "REPORTING", "ISSUER", "POSTGRES", "KAFKA")


@dataclass(frozen=True)
class ComposeMachine(Machine):
    """A project of its own, with free ports and its secrets below `data_dir`."""

    def __post_init__(self) -> None:
        taken: set[int] = set()
        lines = [f"PLUT_DIRECTORY={self.data_dir}"]
        if os.getuid():
            lines += [f"PLUT_UID={os.getuid()}", f"PLUT_GID={os.getgid()}"]
        for name in _PORTS:
            port = ports.choose(taken)
            taken.add(port)
            lines.append(f"PLUT_PORT_{name}={port}")
        self._settings.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def plut(self, *words: str, expect: int | None = 0, seconds: float = 120) -> str:
        match words:
            case ("up", "--detach"):
                return self.compose("up", "--detach", "--wait", "--wait-timeout", "300", seconds=400)
            case ("down",):
                return self.compose("stop")
            case ("up", name):
                return self.compose("start", name)
            case ("down", name):
                return self.compose("stop", name)
            case ("scale", name, number):
                return self.scale(**{name: int(number)})
        return super().plut(*words, expect=expect, seconds=seconds)

    def scale(self, **numbers: int) -> str:
        """Has so many containers of services run, and waits for their health."""
        scales = [word for name, number in numbers.items() for word in ("--scale", f"{name}={number}")]
        return self.compose("up", "--detach", "--wait", "--no-recreate", "--no-deps", *scales, *numbers)

    def roll(self, *names: str) -> None:
        """Replaces the containers of services as an operator does."""
        told = {"COMPOSE_PROJECT_NAME": self.project, "COMPOSE_ENV_FILES": str(self._settings)}
        done = subprocess.run(
            [ROOT / "deploy" / "compose" / "roll", *names],
            cwd=ROOT,
            env=os.environ | told,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        if done.returncode != 0:
            raise Failed(f"roll {' '.join(names)} ended with {done.returncode}\n{done.stdout}{done.stderr}")

    def compose(self, *words: str, seconds: float = 180) -> str:
        """Runs `docker compose` on the project and returns what it printed, errors included."""
        done = subprocess.run(
            ["docker", "compose", "--project-name", self.project, "--env-file", self._settings, *words],  # noqa: S607  the Docker of the PATH
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if done.returncode != 0:
            raise Failed(f"docker compose {' '.join(words)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def remove(self) -> None:
        self.compose("down", "--volumes", "--remove-orphans")

    def url(self, service: str) -> str:
        return Installation.open(self.data_dir).url(service)

    def last_words(self, lines: int = 15) -> str:
        return self.compose("logs", "--tail", str(lines))

    @property
    def project(self) -> str:
        return f"plut-{self.data_dir.parent.name}-{self.data_dir.name}".lower()

    @property
    def _settings(self) -> Path:
        return self.data_dir.with_name(f"{self.data_dir.name}.env")
