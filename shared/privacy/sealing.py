"""Sealing: AES-256-GCM field by field, under a key of the person's own, which a key of the installation wraps.

Deleting a person's wrapped key makes all that was sealed with it unreadable, in backups too.
"""

import secrets
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.privacy.keys import KEY_BYTES, Keys

_NONCE_BYTES = 12
_FIRST_VERSION = 1


class SealError(Exception):
    """What is stored was not sealed with this key for this place: altered, moved, or its key is gone."""


@dataclass(frozen=True)
class WrappedKey:
    """A person's key as it is stored. `version` rises when the person gets another key; `kek` names what wrapped it."""

    version: int
    kek: str
    sealed: bytes = field(repr=False)


class PersonKey:
    """Seals and opens the fields of one person. A value sealed for one person, field or version opens nowhere else."""

    def __init__(self, person: UUID, version: int, key: bytes) -> None:
        self.person = person
        self.version = version
        self._cipher = AESGCM(key)

    def seal(self, name: str, text: str) -> bytes:
        """Returns nonce and ciphertext of a field."""
        return _seal(self._cipher, text.encode(), self._context(name))

    def open(self, name: str, sealed: bytes) -> str:
        """Returns a field in clear; raises SealError."""
        return self.open_bytes(name, sealed).decode()

    def seal_bytes(self, name: str, content: bytes | memoryview) -> bytes:
        """Returns the same for what is no text."""
        return _seal(self._cipher, content, self._context(name))

    def open_bytes(self, name: str, sealed: bytes) -> bytes:
        """Returns what is no text in clear; raises SealError."""
        return _open(self._cipher, sealed, self._context(name))

    def _context(self, name: str) -> bytes:
        return _context(self.person, name, self.version)


class KeyWrapper:
    """Makes, wraps and unwraps the keys of persons with the keys of the installation."""

    def __init__(self, keys: Keys) -> None:
        self._current = keys.current
        self._ciphers = {name: AESGCM(key) for name, key in keys.keks.items()}

    def new_key(self, person: UUID) -> tuple[PersonKey, WrappedKey]:
        """Returns a fresh key for a person, ready for use and ready for storing."""
        key = secrets.token_bytes(KEY_BYTES)
        sealed = _seal(self._ciphers[self._current], key, _context(person, "key", _FIRST_VERSION))
        return PersonKey(person, _FIRST_VERSION, key), WrappedKey(_FIRST_VERSION, self._current, sealed)

    def unwrap(self, person: UUID, wrapped: WrappedKey) -> PersonKey:
        """Returns a stored key ready for use; raises SealError, also if its KEK is not in the key directory."""
        cipher = self._ciphers.get(wrapped.kek)
        if cipher is None:
            raise SealError(f"{wrapped.kek}.key is not in the key directory")
        return PersonKey(
            person, wrapped.version, _open(cipher, wrapped.sealed, _context(person, "key", wrapped.version))
        )


def _context(person: UUID, name: str, version: int) -> bytes:
    return f"{person}|{name}|{version}".encode()


def _seal(cipher: AESGCM, clear: bytes | memoryview, context: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, clear, context)


def _open(cipher: AESGCM, sealed: bytes, context: bytes) -> bytes:
    try:
        return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
    except (InvalidTag, ValueError):
        raise SealError("sealed with another key or for another place") from None
