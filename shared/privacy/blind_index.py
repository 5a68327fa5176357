"""Blind indexes: equality without reading.

A NIK has so few possible values that a plain hash of it protects nothing: about 10^9.
"""

import hashlib
import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.privacy.keys import KEY_BYTES


class BlindIndex:
    """HMAC-SHA256 of normalised values under a key of one column: two columns cannot be joined."""

    def __init__(self, root: bytes, column: str) -> None:
        """`column` is `schema.table.column`; another name gives another key."""
        self._key = HKDF(SHA256(), KEY_BYTES, salt=None, info=b"blind-index|" + column.encode()).derive(root)

    def digest(self, normalised: str) -> bytes:
        """Returns 32 bytes, the same for the same value."""
        return hmac.digest(self._key, normalised.encode(), hashlib.sha256)
