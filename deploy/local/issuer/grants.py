"""What stands between a login and its token: codes that work once, and patience with wrong passwords."""

import base64
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from deploy.local.issuer.people import Person

_CODE_SECONDS = 60.0
_MOST_CODES = 1000
_WRONG_TRIES = 5
_WRONG_SECONDS = 300.0
_MOST_CALLERS = 10_000
CHALLENGE = re.compile(r"^[A-Za-z0-9_-]{43}$")
_VERIFIER = re.compile(r"^[A-Za-z0-9._~-]{43,128}$")

Clock = Callable[[], float]


@dataclass(frozen=True)
class Grant:
    """What was agreed when the code was given out; the token request must repeat it."""

    person: Person
    client_id: str
    redirect_uri: str
    challenge: str
    nonce: str | None
    expires_at: float
    logged_in_at: int

    def answers(self, verifier: str) -> bool:
        """Tells whether the PKCE verifier belongs to the challenge (S256)."""
        if not _VERIFIER.match(verifier):
            return False
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        return hmac.compare_digest(digest, self.challenge)


class Codes:
    """Authorization codes: unguessable, good for a minute, good for one try."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._grants: dict[str, Grant] = {}

    def issue(self, person: Person, *, client_id: str, redirect_uri: str, challenge: str, nonce: str | None) -> str:
        """Returns a new code for what was agreed."""
        self._forget_old()
        code = secrets.token_urlsafe(32)
        expires_at = self._clock() + _CODE_SECONDS
        self._grants[code] = Grant(person, client_id, redirect_uri, challenge, nonce, expires_at, int(time.time()))
        return code

    def redeem(self, code: str) -> Grant | None:
        """Returns what the code stands for, and None ever after."""
        grant = self._grants.pop(code, None)
        return grant if grant is not None and grant.expires_at > self._clock() else None

    def _forget_old(self) -> None:
        now = self._clock()
        self._grants = {code: grant for code, grant in self._grants.items() if grant.expires_at > now}
        while len(self._grants) >= _MOST_CODES:
            del self._grants[next(iter(self._grants))]


class WrongPasswords:
    """Counts failures per caller and login: the sixth within five minutes has to wait."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[str, list[float]] = {}

    def seconds_to_wait(self, *who: str) -> int:
        """Returns 0, or how long the most patient of these has to wait."""
        return max(self._seconds(name) for name in who)

    def note(self, *who: str) -> None:
        """Remembers one failure of each."""
        for name in who:
            self._failures[name] = [*self._recent(name), self._clock()]
        while len(self._failures) > _MOST_CALLERS:
            del self._failures[next(iter(self._failures))]

    def forgive(self, *who: str) -> None:
        """Forgets the failures of each: the password was right."""
        for name in who:
            self._failures.pop(name, None)

    def _seconds(self, name: str) -> int:
        recent = self._recent(name)
        return 0 if len(recent) < _WRONG_TRIES else int(recent[-_WRONG_TRIES] + _WRONG_SECONDS - self._clock()) + 1

    def _recent(self, name: str) -> list[float]:
        since = self._clock() - _WRONG_SECONDS
        return [at for at in self._failures.get(name, ()) if at > since]
