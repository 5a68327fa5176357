"""Identity is shown in clear to whoever needs it and says why, and what was shown to whom is written down first."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.registry.domain import problems
from services.registry.domain.findings import Findings, reason_text
from services.registry.domain.forms import DisclosureForm
from services.registry.domain.identity import Vault
from services.registry.domain.owners import Owner
from services.registry.store import audit
from services.registry.store import businesses as store
from shared.auth.principal import Principal
from shared.postgres import Pool, transaction


async def disclose_owner(
    pool: Pool,
    vault: Vault,
    principal: Principal,
    correlation_id: UUID,
    business_id: UUID,
    person: UUID,
    form: DisclosureForm,
) -> Mapping[str, str | None]:
    """Returns what was asked for in clear, None where it is not known. Kept nowhere: not a command, no key.

    Raises a Problem: 404 (also another office's), 422 for the reason.
    """
    findings = Findings()
    reason = findings.read("reason", reason_text, form.reason)
    findings.settle()
    fields = sorted(set(form.fields))
    async with transaction(pool, principal.offices) as connection:
        dossier = await store.find_business(connection, business_id)
        if dossier is None:
            raise problems.business_not_found()
        stored = next((owner for owner in dossier.owners if owner.person == person), None)
        if stored is None:
            raise problems.owner_not_found()
        shown = _in_clear(vault.open(business_id, stored), fields)
        office = dossier.business.office
        await audit.insert_read(
            connection,
            audit.Read(
                principal.subject, office, "disclose_owner", business_id, fields, correlation_id, person, reason
            ),
        )
    return shown


def _in_clear(owner: Owner, fields: Sequence[str]) -> dict[str, str | None]:
    found = {"nik": owner.nik, "npwp": owner.npwp, "phone": owner.phone, "address": owner.address}
    return {field: secret.reveal() if (secret := found[field]) is not None else None for field in fields}
