"""The registry's processes: what each needs, and what it says without it."""

import os
import subprocess
import sys
from pathlib import Path

from shared.privacy.keys import create_keys

ROOT = Path(__file__).parents[3]


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PLUT_")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**environment, "PLUT_ENV": "local", "PLUT_HTTP_PORT": "0", **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_api_says_what_is_wrong_with_its_keys(tmp_path: Path) -> None:
    create_keys(tmp_path / "keys")
    (tmp_path / "keys" / "index-0001.key").chmod(0o644)
    for variables, told in (
        ({}, ["PLUT_KEYS_DIR", "is not set"]),
        ({"PLUT_KEYS_DIR": str(tmp_path / "nowhere")}, ["PLUT_KEYS_DIR", "nowhere", "Cure"]),
        ({"PLUT_KEYS_DIR": str(tmp_path / "keys")}, ["PLUT_KEYS_DIR", "index-0001.key", "chmod 600"]),
    ):
        ended = run("-m", "services.registry", "api", **variables)
        assert ended.returncode == 2
        assert all(word in ended.stderr for word in told), ended.stderr
        assert "Traceback" not in ended.stderr
    assert not (tmp_path / "nowhere").exists(), "a service never makes keys"


def test_the_consumer_says_what_it_lacks(tmp_path: Path) -> None:
    create_keys(tmp_path / "keys")
    keys = {"PLUT_KEYS_DIR": str(tmp_path / "keys")}
    for variables, told in (
        ({}, ["PLUT_KEYS_DIR", "is not set"]),
        (keys, ["PLUT_CONFIRMATION_URL", "is not set"]),
        ({**keys, "PLUT_ENV": "production"}, ["PLUT_NOTIFIER", "production"]),
        ({**keys, "PLUT_NOTIFIER": "pigeon"}, ["PLUT_NOTIFIER"]),
    ):
        ended = run("-m", "services.registry", "consume", **variables)
        assert ended.returncode == 2, ended.stderr
        assert all(word in ended.stderr for word in told), ended.stderr
        assert "Traceback" not in ended.stderr


def test_the_relay_cannot_open_what_is_sealed() -> None:
    """Its process does not even hold the code: what it cannot load, it cannot leak."""
    program = (
        "import sys, services.registry.__main__, shared.relay.app; "
        "print(sorted({'cryptography', 'shared.privacy.sealing', 'services.registry.domain'} & set(sys.modules)))"
    )
    ended = run("-c", program)
    assert (ended.returncode, ended.stdout.strip()) == (0, "[]"), ended.stderr
