"""What the issuer is told by its environment."""

from pydantic import Field

from shared.settings import Settings


class IssuerSettings(Settings):
    """`issuer_url` is where browsers and services reach it; `secrets_dir` keeps its keys, made at the first start."""

    redirect_uris: str = Field("", description="exact addresses that a login may return to, separated by spaces")

    @property
    def returns_to(self) -> frozenset[str]:
        return frozenset(self.redirect_uris.split())
