"""Clients as tests speak for them: a notifier that remembers, and what a message says."""

import asyncio
import re
from datetime import datetime
from uuid import UUID, uuid4

import httpx

from services.registry.domain.identity import Vault
from services.registry.notifier import Message, Undelivered
from services.registry.sender import MessageSender
from shared.clock import utc_now
from shared.contracts.catalogue import AnyEvent
from shared.postgres import Pool
from tests.integration.registry.desk import Desk, owner
from tests.support.sessions import deliver, session_state, told

SITE = "https://plut.test"
PHONE = "0812-3456-7890"


class Postbox:
    """A notifier that keeps what it is given, and fails as often as it is told."""

    delivers = True

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.failures: list[Undelivered] = []
        self.arrived = asyncio.Event()

    async def send(self, message: Message) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.messages.append(message)
        self.arrived.set()

    async def close(self) -> None:
        return None

    @property
    def last(self) -> tuple[str, str]:
        """Returns token and code of the newest message."""
        return read(self.messages[-1])


def read(message: Message) -> tuple[str, str]:
    found = re.search(r"/konfirmasi/(\S{22}) dan isi kode (\d{6})", message.text)
    assert found is not None, message.text
    return found[1], found[2]


def other_code(code: str) -> str:
    """Returns a wrong code."""
    return f"{(int(code) + 1) % 1_000_000:06d}"


class Clients:
    """A desk whose businesses are asked about sessions."""

    def __init__(self, desk: Desk, worker: Pool, vault: Vault) -> None:
        self.desk = desk
        self.worker = worker
        self.vault = vault
        self.postbox = Postbox()
        self.now: datetime | None = None

    async def business(self, phone: str | None = PHONE, office: str = "35.76") -> str:
        made = await self.desk.at(office).registered(owners=[owner(phone=phone)])
        return str(made["id"])

    async def hear(self, *events: AnyEvent) -> None:
        await deliver(self.worker, self.vault, *events, now=self.now)

    async def asked(self, phone: str | None = PHONE, office: str = "35.76") -> UUID:
        """Returns a completed session of one business, whose client has his message, if he has a phone."""
        session = uuid4()
        await self.hear(told(session_state(session, [await self.business(phone, office)]), recorded_at=self.now))
        await self.send()
        return session

    async def send(self) -> int:
        """Sends all that is due; returns how many were tried."""
        sender = MessageSender(self.worker, self.vault, self.postbox, SITE, clock=lambda: self.now or utc_now())
        tried = 0
        while await sender.work_next():
            tried += 1
        await sender.forget()
        return tried

    async def say(self, token: str, said: object, key: str | None = None) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return await self.desk.client.post(f"/v1/public/attestations/{token}", json=said, headers=headers)

    async def states(self, session: UUID) -> list[tuple[int, str]]:
        """Returns the stored (confirmable version, state) of a session's attestations."""
        rows = await self.worker.fetch(
            "select confirmable_version, state from attestation where session = $1 order by 1, 2", session
        )
        return [(row[0], row[1]) for row in rows]

    async def events(self, session: UUID) -> list[tuple[str, int]]:
        rows = await self.worker.fetch(
            "select type, version from outbox where payload #>> '{payload,state,session}' = $1 order by seq",
            str(session),
        )
        return [(row["type"], row["version"]) for row in rows]
