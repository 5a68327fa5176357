"""Where a restored cluster goes: into a new data directory, or in the place of one that is kept aside."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from deploy.backup import keys
from deploy.backup.folder import BackupError
from deploy.local.installation import Installation


@contextmanager
def free_place(
    installation: Installation, secrets: Path | None, expected: Mapping[str, str], *, replace: bool
) -> Iterator[Path]:
    """Yields the directory of a cluster that does not exist yet, with the secrets that belong to it beside it.

    `replace`: a cluster that stands there is kept aside, and comes back if nothing takes its place. Raises BackupError.
    """
    directory = installation.directory / "postgres"
    if installation.is_running:
        raise BackupError(f"An installation runs in {installation.directory}.", "Stop it first: `plut down`.")
    if directory.exists() and not replace:
        raise BackupError(
            f"{directory} holds a cluster already.",
            "Name another --data-dir, or say --replace: the present one is then kept aside.",
        )
    with _own_secrets(installation, directory, secrets, expected), _kept_aside(directory):
        yield directory


@contextmanager
def _kept_aside(directory: Path) -> Iterator[None]:
    if not directory.exists():
        directory.parent.mkdir(parents=True, exist_ok=True)
        yield
        return
    aside = directory.with_name(f"postgres.before-{datetime.now().astimezone():%Y%m%dT%H%M%S}")
    directory.rename(aside)
    try:
        yield
    finally:
        if not directory.exists():
            aside.rename(directory)


@contextmanager
def _own_secrets(
    installation: Installation, directory: Path, secrets: Path | None, expected: Mapping[str, str]
) -> Iterator[None]:
    """Has the secrets that belong to the cluster beside it. Those that were put there now are gone if no cluster came:
    whoever named others' may name the right ones then.
    """
    if secrets is None:
        _refuse_others(installation, expected)
        yield
        return
    if installation.secrets_home.exists():
        raise BackupError(
            f"{installation.secrets_home} holds secrets already.", "Leave out --secrets, or name a new --data-dir."
        )
    try:
        keys.install_secrets(secrets, installation, expected)
        yield
    except BaseException:
        if not directory.exists():
            shutil.rmtree(installation.secrets_home, ignore_errors=True)
        raise


def _refuse_others(installation: Installation, expected: Mapping[str, str]) -> None:
    if not installation.secrets_home.exists():
        raise BackupError(
            "A new data directory needs the secrets of the installation that was backed up.",
            "Name where `plut backup keys` copied them: --secrets DIR. Without them identities cannot be read again.",
        )
    keys.refuse_others(installation.keys_dir, expected)
