"""Messages to clients: taken one by one by whichever sender is free, and settled afterwards."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.registry.domain.attestations import Attestation
from services.registry.store.attestations import attestation_of
from shared.privacy.sealing import WrappedKey


@dataclass(frozen=True)
class Claimed:
    """A message that this sender tries now; another one may, once its lease is over."""

    attestation: UUID
    person: UUID
    tries: int
    give_up_at: datetime


@dataclass(frozen=True)
class Addressed:
    """What is to be sent and to whom, still sealed."""

    attestation: Attestation
    office: str
    person: UUID
    wrapped: WrappedKey
    phone: bytes = field(repr=False)
    secret: bytes = field(repr=False)


_CLAIM = """
update attestation_message set tries = tries + 1, next_at = $1 + $2
where attestation = (
    select attestation from attestation_message where state = 'waiting' and next_at <= $1
    order by next_at limit 1 for update skip locked
)
returning attestation, person, tries, give_up_at
"""


async def claim_message(connection: Any, now: datetime, lease: timedelta) -> Claimed | None:  # noqa: ANN401
    """Takes the next message that is due, for as long as the lease; counts the try before it is made."""
    row = await connection.fetchrow(_CLAIM, now, lease)
    return None if row is None else Claimed(**row)


_READ = """
select a.*, m.person, m.secret_sealed, o.phone_sealed, k.version as key_version, k.kek, k.sealed,
       coalesce((select name from office where code = a.office), 'PLUT ' || a.office) as office_name
from attestation_message m
join attestation a on a.id = m.attestation
join business_owner o on o.business_id = m.business and o.person_id = m.person
join person_key k on k.person_id = m.person
where m.attestation = $1 and m.state = 'waiting' and a.state = 'waiting' and a.expires_at > $2
  and o.phone_sealed is not null and m.secret_sealed is not null
"""


async def read_addressed(connection: Any, attestation: UUID, now: datetime) -> Addressed | None:  # noqa: ANN401
    """Returns a message with its recipient; None if it is void, or if he is no owner or has no phone any more."""
    row = await connection.fetchrow(_READ, attestation, now)
    if row is None:
        return None
    wrapped = WrappedKey(row["key_version"], row["kek"], row["sealed"])
    one = attestation_of(row)
    return Addressed(one, row["office_name"], row["person"], wrapped, row["phone_sealed"], row["secret_sealed"])


_SENT = """
update attestation_message
set state = 'sent', sent_at = $2, failure = null, secret_sealed = case when $3 then secret_sealed end
where attestation = $1 and state = 'waiting'
"""


async def mark_sent(connection: Any, attestation: UUID, now: datetime, *, keep: bool) -> None:  # noqa: ANN401
    """Notes that a message went out; its secret is kept only where nothing really goes out."""
    await connection.execute(_SENT, attestation, now, keep)


_RETRY = "update attestation_message set next_at = $2, failure = $3 where attestation = $1 and state = 'waiting'"


async def try_again(connection: Any, attestation: UUID, at: datetime, failure: str) -> None:  # noqa: ANN401
    await connection.execute(_RETRY, attestation, at, failure)


# The attestation's row first, as everybody: the consumer and the commands lock it before anything else.
_UNREACHABLE = "update attestation set state = 'unreachable' where id = $1 and state = 'waiting' returning id"
_END = """
update attestation_message set state = $2, failure = $3, secret_sealed = null
where attestation = $1 and state = 'waiting'
"""


async def end_message(connection: Any, attestation: UUID, failure: str) -> bool:  # noqa: ANN401
    """Ends a message that will not be sent. A client who still waits for it is unreachable now; tells whether he is."""
    waited = await connection.fetchval(_UNREACHABLE, attestation) is not None
    await connection.execute(_END, attestation, "given_up" if waited else "withdrawn", failure)
    return waited


_FORGET = """
update attestation_message m set secret_sealed = null
from attestation a
where a.id = m.attestation and m.secret_sealed is not null and m.state <> 'waiting'
  and (a.state <> 'waiting' or a.expires_at <= $1)
"""


async def forget_secrets(connection: Any, now: datetime) -> None:  # noqa: ANN401
    """Erases the secrets of conversations that are over."""
    await connection.execute(_FORGET, now)


_KEPT = """
select a.*, m.person, m.secret_sealed, k.version as key_version, k.kek, k.sealed
from attestation_message m
join attestation a on a.id = m.attestation
join person_key k on k.person_id = m.person
where m.secret_sealed is not null and a.state = 'waiting' and a.expires_at > $1 and ($2::text is null or a.office = $2)
order by a.opened_at desc limit $3
"""


@dataclass(frozen=True)
class Kept:
    """A secret that is still kept, with what it is about."""

    attestation: Attestation
    person: UUID
    wrapped: WrappedKey
    secret: bytes = field(repr=False)


async def kept_secrets(connection: Any, office: str | None, now: datetime, limit: int) -> list[Kept]:  # noqa: ANN401
    """Returns the secrets of open conversations that are not erased yet, the newest first: for trying only."""
    rows = await connection.fetch(_KEPT, now, office, limit)
    return [
        Kept(
            attestation_of(row),
            row["person"],
            WrappedKey(row["key_version"], row["kek"], row["sealed"]),
            row["secret_sealed"],
        )
        for row in rows
    ]
