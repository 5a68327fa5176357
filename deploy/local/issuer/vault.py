"""What the issuer keeps: signing key, clients' secrets, demo password. Files of mode 0600, made at first use."""

import fcntl
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey, KeySet

from deploy.local.secrets import keep, private_directory

WEB_CLIENT = "plut-web"


class Vault:
    """Opens the directory; whatever is missing is made, by one process at a time."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        private_directory(directory)

    @cached_property
    def signing_key(self) -> ECKey:
        """The ES256 key that signs every token, private part included."""
        return ECKey.import_key(json.loads(self._kept("signing-key.json", _new_signing_key)))

    def renew_signing_key(self) -> None:
        """Puts a new key in its place, for whoever opens the vault from now on. What the former one signed is void as
        soon as services have asked for the keys again.
        """
        fresh = self.directory / "signing-key.json.new"
        fresh.unlink(missing_ok=True)
        keep(fresh, value=_new_signing_key())
        fresh.replace(self.directory / "signing-key.json")

    @property
    def public_keys(self) -> dict[str, Any]:
        """The key set for `/jwks`, without private parts."""
        return dict(KeySet([self.signing_key]).as_dict(private=False))

    @cached_property
    def demo_password(self) -> str:
        """The one password of every demo login."""
        return self._kept("demo-password", lambda: secrets.token_urlsafe(9))

    def client_secret(self, client_id: str) -> str:
        """Returns the secret of a confidential client, such as `plut-web` or `staff-front_desk-35.76`."""
        return self._derived(f"client\n{client_id}", 32)

    def subject(self, name: str) -> str:
        """Returns the opaque, stable subject of a login: tokens and events name nobody."""
        return "stf-" + self._derived(f"subject\n{name}", 12)

    def _derived(self, purpose: str, characters: int) -> str:
        return hmac.new(self._root.encode(), purpose.encode(), hashlib.sha256).hexdigest()[:characters]

    @cached_property
    def _root(self) -> str:
        return self._kept("root-secret", lambda: secrets.token_urlsafe(32))

    def _kept(self, name: str, make: Callable[[], str]) -> str:
        path = self.directory / name
        with (self.directory / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return keep(path, value=None if path.exists() else make())


def _new_signing_key() -> str:
    key = ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"}, auto_kid=True)
    return json.dumps(key.as_dict(private=True))
