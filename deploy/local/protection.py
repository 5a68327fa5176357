"""What a secure installation has beyond an open one: a CA of its own, servers' certificates, users of Kafka."""

import os
import ssl
from pathlib import Path

from deploy.local import secrets

# Beside the users of our processes: the broker's own, and the one by which operators' commands act. Both may do all.
BROKER = "broker"
OPERATOR = "operator"
# What stands before the Postgres of a secure installation.
GATE = "postgres-tls"
_SERVERS = ("kafka", "postgres")


class Protection:
    """Certificates and passwords below `directory`, readable by their owner only."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.ca_file = directory / "ca.crt"

    @property
    def exists(self) -> bool:
        return self.ca_file.is_file()

    def make(self) -> None:
        """Makes the CA and one certificate per server, unless it is done. The CA's key is kept nowhere."""
        from deploy.local.certificates import certificates  # here, for an open installation needs none

        if self.exists:
            return
        secrets.private_directory(self._directory)
        authority, signed = certificates(_SERVERS)
        for server, content in signed.items():
            _write(self.server_file(server), content)
        _write(self.ca_file, authority)

    def server_file(self, server: str) -> Path:
        """Returns the PEM file of a server's key and certificate."""
        return self._directory / f"{server}.pem"

    def password(self, user: str) -> str:
        """Returns the password of a Kafka user."""
        return secrets.keep(self._directory / "kafka" / user)

    @property
    def passwords(self) -> dict[str, str]:
        """Returns the password of each user that the broker has to know."""
        from deploy.kafka.rights import USERS  # here, for it knows every service

        return {user: self.password(user) for user in (BROKER, OPERATOR, *(user.name for user in USERS))}

    def client_context(self) -> ssl.SSLContext:
        """Returns what a client needs to reach one of the servers."""
        return ssl.create_default_context(cafile=self.ca_file)


def _write(path: Path, content: bytes) -> None:
    """As a whole, readable by its owner only: a start that was interrupted makes everything anew."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    unfinished.rename(path)
