"""How a message leaves the house: to the log on a laptop, by SMTP to a mail-to-SMS service, by HTTP to a gateway."""

import asyncio
import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from http import HTTPStatus
from typing import Protocol
from uuid import UUID

import httpx
import structlog

from shared.privacy.identity import Phone

_SECONDS = 10.0
# The gateway says that this message is wrong, not that it or we are in trouble.
_REFUSED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.UNPROCESSABLE_ENTITY})


@dataclass(frozen=True)
class Message:
    """One message to one phone; `id` is the same at every try."""

    id: UUID
    to: Phone
    text: str = field(repr=False)


class Undelivered(Exception):
    """It did not go out. `for_good`: nor will it, however often it is tried. The text holds nothing of the message."""

    def __init__(self, why: str, *, for_good: bool = False) -> None:
        super().__init__(why)
        self.for_good = for_good


class Notifier(Protocol):
    @property
    def delivers(self) -> bool:
        """False where nothing really goes out: then the secret is kept, to be shown to who tries the product."""

    async def send(self, message: Message) -> None:
        """Hands the message over. Raises Undelivered."""

    async def close(self) -> None: ...


class LogNotifier:
    """For the laptop: says that a message was queued, neither what it says nor to whom."""

    delivers = False

    def __init__(self) -> None:
        self._log = structlog.get_logger()

    async def send(self, message: Message) -> None:
        self._log.info("message_queued", attestation=str(message.id), text=f"message for {str(message.to)[-8:]} queued")

    async def close(self) -> None:
        return None


@dataclass(frozen=True)
class Mailbox:
    """An SMTP server that takes messages for phones. `to` is such as `{phone}@sms.example`."""

    host: str
    port: int
    sender: str
    to: str
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = True


class SmtpNotifier:
    """By mail to a service that passes it on as SMS: the registry knows no e-mail addresses of owners."""

    delivers = True

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def send(self, message: Message) -> None:
        try:
            await asyncio.to_thread(self._send, message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            for_good = all(code >= 500 for code in codes)
            raise Undelivered(f"SMTP refused the recipient ({codes})", for_good=for_good) from None
        except smtplib.SMTPResponseException as error:
            raise Undelivered(f"SMTP answered {error.smtp_code}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise Undelivered(f"SMTP: {type(error).__name__}") from None

    async def close(self) -> None:
        return None

    def _send(self, message: Message) -> None:
        box = self._mailbox
        with smtplib.SMTP(box.host, box.port, timeout=_SECONDS) as server:
            if box.tls:
                server.starttls(context=ssl.create_default_context())
            if box.user:
                server.login(box.user, box.password)
            server.send_message(_mail(message, box))


def _mail(message: Message, box: Mailbox) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = box.sender
    mail["To"] = box.to.format(phone=message.to.reveal().lstrip("+"))
    mail["Subject"] = "Konfirmasi pendampingan PLUT"
    mail["Message-ID"] = f"<{message.id}@{box.sender.rpartition('@')[2]}>"
    mail.set_content(message.text)
    return mail


class HttpNotifier:
    """By HTTP to a gateway for WhatsApp or SMS; by the idempotency key it can send once what comes twice."""

    delivers = True

    def __init__(self, url: str, header: str, secret: str) -> None:
        self._url = url
        self._client = httpx.AsyncClient(timeout=_SECONDS, headers={header: secret} if secret else {})

    async def send(self, message: Message) -> None:
        body = {"to": message.to.reveal(), "text": message.text}
        try:
            answer = await self._client.post(self._url, json=body, headers={"Idempotency-Key": str(message.id)})
        except httpx.HTTPError as error:
            raise Undelivered(f"gateway: {type(error).__name__}") from None
        if not answer.is_success:
            for_good = answer.status_code in _REFUSED
            raise Undelivered(f"gateway answered {answer.status_code}", for_good=for_good)

    async def close(self) -> None:
        await self._client.aclose()
