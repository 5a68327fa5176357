"""Sessions that wait for a business which mentoring knows by now: their resolution was lost."""

from deploy.check.findings import Finding, Kind
from deploy.check.reader import Readers

_IN_VAIN = """
select waiting.session::text as session, waiting.business::text as business
from session_business waiting join business_replica known on known.id = waiting.business
where not waiting.known and known.version > 0
limit 1000
"""


async def waiting_in_vain(readers: Readers) -> list[Finding]:
    """Returns a finding for each; a replica and the sessions that it resolves change in one transaction."""
    async with readers.instant("mentoring") as connection:
        rows = await connection.fetch(_IN_VAIN)
    return [
        Finding(
            Kind.DIFFERING,
            f"mentoring.session {row['session']}",
            f"it waits for the business {row['business']}, which is known",
            "Run `plut rebuild mentoring`: the replica is read anew and resolves what waits for it.",
        )
        for row in rows
    ]
