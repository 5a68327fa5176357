"""`plut codes`: what who tries the product types in the client's place, and nobody in production."""

from uuid import uuid4

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.local.codes import open_codes
from services.registry.notifier import LogNotifier
from services.registry.sender import MessageSender
from tests.integration.registry.clients import SITE, Clients
from tests.support.sessions import session_state, told


async def test_a_shown_code_can_be_entered_and_is_shown_no_more(clients: Clients) -> None:
    session = uuid4()
    await clients.hear(told(session_state(session, [await clients.business()])))
    assert await MessageSender(clients.worker, clients.vault, LogNotifier(), SITE).work_next()
    async with clients.worker.acquire() as connection:
        assert await open_codes(connection, clients.vault, SITE, "35.79") == []
        (shown,) = await open_codes(connection, clients.vault, SITE, "35.76")
        answer = await clients.say(shown["address"].rpartition("/")[2], {"code": shown["code"]})
        assert (answer.status_code, shown["session"]) == (201, str(session))
        assert await open_codes(connection, clients.vault, SITE, None) == []


async def test_a_code_that_went_out_is_not_shown(clients: Clients) -> None:
    await clients.asked()
    async with clients.worker.acquire() as connection:
        assert await open_codes(connection, clients.vault, SITE, None) == []


def test_production_shows_no_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUT_ENV", "production")
    said = CliRunner().invoke(app, ["codes"])
    assert said.exit_code == 1
    assert "not in production" in said.stderr
