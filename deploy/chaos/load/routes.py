"""Where requests go: to any of a service's apis, as through a load balancer that does not know who is alive."""

import random
from urllib.parse import urlsplit

from deploy.local.installation import Installation


class Routes:
    """Given the address of a service's first api, returns the same path at one of all of them."""

    def __init__(self, installation: Installation, dice: random.Random) -> None:
        self._installation = installation
        self._dice = dice

    def __call__(self, url: str) -> str:
        address = urlsplit(url)
        return address._replace(netloc=self._dice.choice(self._alike(address.netloc))).geturl()

    def _alike(self, netloc: str) -> list[str]:
        ports = self._installation.ports
        named = {f"127.0.0.1:{port}": name for name, port in ports.items()}
        first = named.get(netloc, "")
        return [place for place, name in named.items() if name == first or name.startswith(f"{first}-")] or [netloc]
