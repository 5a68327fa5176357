"""The files that pages load: our own and the browser packages', served under names that change with them."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from services.reporting.settings import STATIC

_PACKAGED = {
    "pico.css": "@picocss/pico/css/pico.min.css",
    "htmx.js": "htmx.org/dist/htmx.min.js",
    "hx-sse.js": "htmx.org/dist/ext/hx-sse.min.js",
}
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class _Asset:
    content: bytes
    zipped: bytes
    media_type: str
    path: str


class Assets:
    """Read once at the start. Pages do without a package that is not installed: they are whole without scripts."""

    def __init__(self, packages: Path | None) -> None:
        files = {path.name: path for path in sorted(STATIC.iterdir()) if path.suffix in _TYPES}
        if packages is not None:
            files |= {name: packages / place for name, place in _PACKAGED.items() if (packages / place).is_file()}
        self._assets = {name: _read(name, path) for name, path in files.items()}

    def path(self, name: str) -> str | None:
        """Returns the address of a file, or None if it is not installed."""
        asset = self._assets.get(name)
        return asset.path if asset else None

    def answer(self, request: Request, name: str) -> Response | None:
        """Returns the file, to be kept by browsers for a year: another content has another address."""
        asset = self._assets.get(name)
        if asset is None:
            return None
        zipped = "gzip" in request.headers.get("accept-encoding", "")
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
        if zipped:
            headers["Content-Encoding"] = "gzip"
        return Response(asset.zipped if zipped else asset.content, 200, headers, asset.media_type)


def _read(name: str, path: Path) -> _Asset:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:12]
    return _Asset(content, gzip.compress(content, 9, mtime=0), _TYPES[path.suffix], f"/static/{digest}/{name}")
