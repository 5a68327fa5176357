"""The codes that clients would have been sent: for trying on this machine, where nothing goes out to anybody."""

from deploy.local.installation import Installation
from services.registry.domain.identity import Vault
from services.registry.domain.messages import ClientSecret
from services.registry.store.messages import Kept, kept_secrets
from shared.clock import utc_now
from shared.postgres import Connection, connect, role_name
from shared.privacy.keys import load_keys

_MOST = 50


async def read_codes(installation: Installation, office: str | None) -> list[dict[str, str]]:
    """Returns the open codes of an installation. Raises NotRunningError, and what UNAVAILABLE names."""
    settings = installation.settings("registry", "consume")
    vault = Vault(load_keys(installation.keys_dir))
    worker = role_name("registry", "worker")
    connection = await connect(settings, worker, schema="registry", application="plut-codes")
    try:
        return await open_codes(connection, vault, installation.url("registry"), office)
    finally:
        await connection.close(timeout=5)


async def open_codes(connection: Connection, vault: Vault, site: str, office: str | None) -> list[dict[str, str]]:
    """Returns the codes that can be entered now and were not erased because they went out, the newest first."""
    return [_shown(each, vault, site) for each in await kept_secrets(connection, office, utc_now(), _MOST)]


def _shown(kept: Kept, vault: Vault, site: str) -> dict[str, str]:
    one = kept.attestation
    secret = ClientSecret.unpacked(vault.open_message(one.id, kept.person, kept.wrapped, kept.secret))
    return {
        "code": secret.code,
        "address": f"{site}/konfirmasi/{secret.token}",
        "trade_name": one.trade_name,
        "session": str(one.session),
        "confirmable_version": str(one.confirmable_version),
        "office": one.office,
        "day": one.day.isoformat(),
        "expires_at": one.expires_at.isoformat(timespec="seconds"),
    }
