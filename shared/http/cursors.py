"""Where a page of a list ended: opaque to the caller, signed so that nobody makes one up."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence

from shared.http.problem import FieldProblem, Problem

_TAG_BYTES = 12
Position = tuple[str | int, ...]


class PageCursors:
    """Encodes the sort key of the last row of a page. `purpose` binds a cursor to one list: elsewhere it is forged."""

    def __init__(self, key: bytes, purpose: str) -> None:
        self._key = hmac.digest(key, b"cursor\n" + purpose.encode(), hashlib.sha256)

    def encode(self, position: Sequence[str | int]) -> str:
        """Returns a text for the `next_cursor` of an answer; the position holds no personal data."""
        body = json.dumps(list(position), separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._tag(body) + body).rstrip(b"=").decode()

    def decode(self, text: str | None) -> Position | None:
        """Returns the position, or None for the first page. Raises a 400 Problem for what we did not sign."""
        if text is None:
            return None
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raise _forged() from None
        tag, body = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(body)):
            raise _forged()
        return tuple(json.loads(body))

    def _tag(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, hashlib.sha256)[:_TAG_BYTES]


def _forged() -> Problem:
    return Problem(
        400,
        "cursor-invalid",
        "Penanda halaman tidak sah",
        "Penanda halaman (cursor) bukan dari daftar ini.",
        cure="Pakai next_cursor dari jawaban sebelumnya apa adanya, atau mulai lagi dari halaman pertama tanpa cursor.",
        errors=[FieldProblem("cursor", "Penanda halaman tidak dikenal.", "Mulai lagi tanpa cursor.")],
    )
