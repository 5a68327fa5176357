"""The notifiers against a real SMTP dialogue and a gateway that answers as it likes."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import httpx
import pytest

from services.registry.app import open_notifier
from services.registry.notifier import HttpNotifier, Mailbox, Message, SmtpNotifier, Undelivered
from services.registry.settings import NotifierKind, RegistrySettings
from shared.privacy.identity import Phone
from shared.settings import Environment

MESSAGE = Message(UUID(int=7), Phone("+6281234567890"), "PLUT mencatat … kode 042517")


def gateway(answer: httpx.Response | Exception) -> tuple[HttpNotifier, list[httpx.Request]]:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    notifier = HttpNotifier("https://gateway.test/send", "X-Api-Key", "rahasia")
    notifier._client = httpx.AsyncClient(transport=httpx.MockTransport(handle), headers=notifier._client.headers)
    return notifier, seen


async def test_a_gateway_gets_number_text_secret_and_key() -> None:
    notifier, seen = gateway(httpx.Response(202))
    await notifier.send(MESSAGE)
    await notifier.close()
    assert json.loads(seen[0].content) == {"to": "+6281234567890", "text": MESSAGE.text}
    assert seen[0].headers["x-api-key"] == "rahasia"
    assert seen[0].headers["idempotency-key"] == str(MESSAGE.id)
    assert "6281234567890" not in str(seen[0].url)


@pytest.mark.parametrize(
    ("answer", "for_good"),
    [
        (httpx.Response(422), True),
        (httpx.Response(400), True),
        (httpx.Response(401), False),
        (httpx.Response(429), False),
        (httpx.Response(302, headers={"location": "/"}), False),
        (httpx.Response(500, text="+6281234567890"), False),
        (httpx.ConnectTimeout("+6281234567890"), False),
    ],
)
async def test_a_gateways_refusal_is_told_apart_from_its_trouble(
    answer: httpx.Response | Exception, *, for_good: bool
) -> None:
    notifier, _ = gateway(answer)
    with pytest.raises(Undelivered) as failed:
        await notifier.send(MESSAGE)
    await notifier.close()
    assert failed.value.for_good is for_good
    assert "7890" not in str(failed.value)


@contextmanager
def smtp_server(to_recipient: bytes = b"250 ok") -> Iterator[tuple[int, list[bytes]]]:
    """A server that takes one mail, or refuses its recipient, as RFC 5321 has it."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        talking = threading.Thread(target=_talk, args=(listener, to_recipient, heard), daemon=True)
        talking.start()
        yield listener.getsockname()[1], heard
        talking.join(5)


def _talk(listener: socket.socket, to_recipient: bytes, heard: list[bytes]) -> None:
    connection, _ = listener.accept()
    with connection, connection.makefile("rwb") as lines:
        _say(lines, b"220 ready")
        while line := lines.readline():
            heard.append(line)
            verb = line[:4].upper()
            if verb == b"DATA":
                _say(lines, b"354 go on")
                while (line := lines.readline()) != b".\r\n":
                    heard.append(line)
                _say(lines, b"250 taken")
            elif verb == b"QUIT":
                _say(lines, b"221 bye")
                return
            else:
                _say(lines, to_recipient if verb == b"RCPT" else b"250 ok")


def _say(lines: object, what: bytes) -> None:
    lines.write(what + b"\r\n")  # type: ignore[attr-defined]
    lines.flush()  # type: ignore[attr-defined]


def mailbox(port: int) -> Mailbox:
    return Mailbox("127.0.0.1", port, "plut@plut.test", "{phone}@sms.test", tls=False)


async def test_a_mail_goes_to_the_number_at_the_service() -> None:
    with smtp_server() as (port, heard):
        await SmtpNotifier(mailbox(port)).send(MESSAGE)
    said = b"".join(heard)
    assert b"rcpt TO:<6281234567890@sms.test>" in said
    assert f"Message-ID: <{MESSAGE.id}@plut.test>".encode() in said


@pytest.mark.parametrize(("answer", "for_good"), [(b"550 nobody", True), (b"450 later", False)])
async def test_a_refused_recipient_is_told_apart_from_a_busy_server(answer: bytes, *, for_good: bool) -> None:
    with smtp_server(answer) as (port, _), pytest.raises(Undelivered) as failed:
        await SmtpNotifier(mailbox(port)).send(MESSAGE)
    assert failed.value.for_good is for_good
    assert "6281234567890" not in str(failed.value)


async def test_a_server_that_is_away_is_trouble() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Undelivered) as failed:
        await SmtpNotifier(mailbox(port)).send(MESSAGE)
    assert not failed.value.for_good


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ({"env": Environment.PRODUCTION}, "PLUT_NOTIFIER"),
        ({"notifier": NotifierKind.HTTP}, "PLUT_GATEWAY_URL"),
        ({"notifier": NotifierKind.SMTP}, "PLUT_SMTP_HOST"),
        ({"notifier": NotifierKind.SMTP, "smtp_host": "x", "smtp_from": "a@b", "smtp_to": "a@b"}, "PLUT_SMTP_TO"),
    ],
)
def test_a_notifier_that_cannot_work_is_refused_at_the_start(
    told: dict[str, object], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = RegistrySettings.model_validate({"env": Environment.LOCAL, **told})
    with pytest.raises(SystemExit):
        open_notifier(settings)
    assert named in capsys.readouterr().err


def test_each_setting_has_its_notifier() -> None:
    http = {"notifier": NotifierKind.HTTP, "gateway_url": "https://gateway.test", "env": Environment.PRODUCTION}
    smtp = {"notifier": "smtp", "smtp_host": "x", "smtp_from": "a@b", "smtp_to": "{phone}@b"}
    assert isinstance(open_notifier(RegistrySettings.model_validate(http)), HttpNotifier)
    assert isinstance(open_notifier(RegistrySettings.model_validate(smtp)), SmtpNotifier)
    assert not open_notifier(RegistrySettings(env=Environment.LOCAL)).delivers
