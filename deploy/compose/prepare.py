"""`python -m deploy.compose.prepare`: makes what a start in containers lacks, as root of a container that ends then.

Secrets lie below the installation's directory as they do without containers, so that `plut --data-dir` reads them from
outside; each process is shown its own alone.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local import ports
from deploy.local.containers import Described
from deploy.local.files import write_whole
from deploy.local.installation import Installation
from deploy.local.issuer.vault import WEB_CLIENT, Vault
from deploy.local.secrets import keep, private_directory
from deploy.local.table import MIGRATIONS, PROGRAMS
from shared.privacy.keys import KeyDirectoryError, create_keys, load_keys

INSTALLATION = Path("/installation")
CLUSTER = Path("/cluster")
# The users of images that are not ours, who cannot read what belongs to us.
_POSTGRES_USER = 999
_GRAFANA_USER = 472


class SecretsLostError(Exception):
    """Data is there and what opens it is not; says what to do."""


@dataclass(frozen=True)
class Owner:
    """Who runs our processes, and may run `plut` outside."""

    uid: int
    gid: int


def main() -> None:
    """Ends with status 1 and one line if secrets of existing data are gone."""
    told = os.environ
    owner = Owner(int(told["PLUT_UID"]), int(told["PLUT_GID"]))
    described = Described(told["PLUT_PROJECT"], told["PLUT_ISSUER_URL"].rstrip("/"))
    try:
        prepare(INSTALLATION, CLUSTER, described, read_ports(told["PLUT_PORTS"]), owner)
    except SecretsLostError as error:
        sys.exit(str(error))


def read_ports(text: str) -> dict[str, int]:
    """Reads `registry-api=8081 postgres=15432`."""
    return {name: int(port) for name, _, port in (pair.partition("=") for pair in text.split())}


def prepare(directory: Path, cluster: Path, described: Described, taken: Mapping[str, int], owner: Owner) -> None:
    """Makes what is missing below the directory and gives all of it to its owners; never replaces a secret.

    Raises SecretsLostError where the cluster holds data and the keys or the superuser's password are not there.
    """
    installation = Installation(directory)
    if _holds_data(cluster):
        _refuse_lost_secrets(installation)
    ports.save(installation.ports_file, dict(taken))
    write_whole(installation.description_file, described.as_json())
    _make_secrets(installation)
    _hand_over(directory, owner)
    _copy_for_postgres(installation)
    _give(installation.secrets_of("grafana"), _GRAFANA_USER)


def _holds_data(cluster: Path) -> bool:
    return any(cluster.glob("*/docker"))


def _refuse_lost_secrets(installation: Installation) -> None:
    cure = (
        "Restore the directory of secrets from its backup (docs/containers.md). Without its keys nobody can read the "
        "identities in this database again; to begin without the data: docker compose down --volumes."
    )
    if not (installation.secrets_of("postgres") / "superuser").is_file():
        raise SecretsLostError(f"The database exists, but the password of its superuser is gone. {cure}")
    try:
        load_keys(installation.keys_dir)
    except KeyDirectoryError as error:
        raise SecretsLostError(
            f"The database exists, but the keys of personal data are not all there: {error}. {cure}"
        ) from None


def _make_secrets(installation: Installation) -> None:
    """Being asked what it is told makes the secrets of a process."""
    create_keys(installation.keys_dir)
    installation.superuser_password()
    issuer = Vault(installation.secrets_dir("issuer", "issuer"))
    _ = issuer.signing_key, issuer.demo_password
    for program in (*PROGRAMS, *MIGRATIONS):
        installation.environment(program)
    keep(installation.secrets_of("grafana") / "admin-password")
    keycloak = installation.secrets_of("keycloak")
    keep(keycloak / "admin-password")
    keep(keycloak / "plut_web_client_secret", value=issuer.client_secret(WEB_CLIENT))


def _hand_over(directory: Path, owner: Owner) -> None:
    for path in (directory, *directory.rglob("*")):
        os.chown(path, owner.uid, owner.gid, follow_symlinks=False)


def _copy_for_postgres(installation: Installation) -> None:
    theirs = private_directory(installation.secrets_of("postgres-server"))
    shutil.copy(installation.secrets_of("postgres") / "superuser", theirs / "superuser")
    _give(theirs, _POSTGRES_USER)


def _give(directory: Path, user: int) -> None:
    for path in (directory, *directory.iterdir()):
        os.chown(path, user, user)


if __name__ == "__main__":
    main()
