"""The sender: hands messages to the notifier, one at a time, and notes what became of them.

At least once: between handing over and noting it a crash leaves the message due, and it is sent again, with the same
code and the same idempotency key. The row is never locked while somebody outside is waited for.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from services.registry.domain import messages as rules
from services.registry.domain.identity import Vault
from services.registry.domain.messages import ClientSecret
from services.registry.notifier import Message, Notifier, Undelivered
from services.registry.store import messages as store
from services.registry.store.messages import Addressed, Claimed
from shared import failpoint
from shared.clock import utc_now
from shared.postgres import Pool, transaction
from shared.privacy.sealing import SealError
from shared.queues import QueueLoop

# Longer than any try takes: after it another sender may think that this one is gone.
_LEASE = timedelta(minutes=2)


class MessageSender(QueueLoop):
    """Any number of them share the work; each message is tried by one at a time."""

    name = "message_sender"
    postponed = "sending_postponed"

    def __init__(
        self, pool: Pool, vault: Vault, notifier: Notifier, site: str, clock: Callable[[], datetime] = utc_now
    ) -> None:
        super().__init__(clock)
        self._pool = pool
        self._vault = vault
        self._notifier = notifier
        self._site = site.rstrip("/")

    async def stop(self, within: float = 8.0) -> None:
        await super().stop(within)
        await self._notifier.close()

    async def work_next(self) -> bool:
        """Tries the next message that is due; tells whether there was one."""
        async with transaction(self._pool) as connection:
            claimed = await store.claim_message(connection, self._clock(), _LEASE)
        if claimed is None:
            return False
        async with transaction(self._pool) as connection:
            addressed = await store.read_addressed(connection, claimed.attestation, self._clock())
        if addressed is None or self._clock() >= claimed.give_up_at:
            await self._end(claimed, "nobody to send it to" if addressed is None else "too late")
        else:
            await self._try(claimed, addressed)
        return True

    async def forget(self) -> None:
        """Erases what nobody may use any more."""
        async with transaction(self._pool) as connection:
            await store.forget_secrets(connection, self._clock())

    async def _try(self, claimed: Claimed, addressed: Addressed) -> None:
        try:
            await self._notifier.send(self._message(addressed))
        except (Undelivered, SealError) as error:
            await self._failed(claimed, error)
            return
        await failpoint.point("sender.after_send")
        async with transaction(self._pool) as connection:
            await store.mark_sent(connection, claimed.attestation, self._clock(), keep=not self._notifier.delivers)

    async def _failed(self, claimed: Claimed, error: Undelivered | SealError) -> None:
        for_good = isinstance(error, Undelivered) and error.for_good
        now = self._clock()
        self._log.warning(
            "message_not_sent", attestation=str(claimed.attestation), tries=claimed.tries, error=str(error)
        )
        if for_good or rules.give_up(claimed.tries, claimed.give_up_at, now):
            await self._end(claimed, str(error))
            return
        async with transaction(self._pool) as connection:
            await store.try_again(connection, claimed.attestation, now + rules.pause_after(claimed.tries), str(error))

    async def _end(self, claimed: Claimed, failure: str) -> None:
        async with transaction(self._pool) as connection:
            unreachable = await store.end_message(connection, claimed.attestation, failure)
        self._log.info("message_ended", attestation=str(claimed.attestation), unreachable=unreachable)

    def _message(self, addressed: Addressed) -> Message:
        one, person, wrapped = addressed.attestation, addressed.person, addressed.wrapped
        phone = self._vault.open_phone(one.business, person, wrapped, addressed.phone)
        secret = ClientSecret.unpacked(self._vault.open_message(one.id, person, wrapped, addressed.secret))
        return Message(one.id, phone, rules.text_of(one, addressed.office, secret, self._site))
