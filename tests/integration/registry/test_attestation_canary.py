"""A client's phone, name, token and code are searched for wherever they must not stand, before and after sending."""

import logging
from uuid import UUID, uuid4

import pytest
import structlog

from services.registry.notifier import Undelivered
from shared.metrics import REGISTRY
from shared.postgres import Pool
from tests.integration.registry.clients import Clients, other_code
from tests.integration.registry.desk import owner
from tests.integration.registry.test_canary import all_text_of
from tests.support.sessions import session_state, told

PHONE = "0812-9876-5432"
PERSON = ("81298765432", "kenari", "zamrud")


def traces(text: str, *secrets: str) -> list[str]:
    return [trace for trace in (*PERSON, *secrets) if trace.lower() in text.lower()]


async def test_nothing_of_a_client_or_his_code_is_left_anywhere(
    clients: Clients, owner_pool: Pool, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    made = await clients.desk.registered(owners=[owner(name="Kenari Zamrud", phone=PHONE)])
    with structlog.testing.capture_logs() as logs:
        await clients.hear(told(session_state(uuid4(), [UUID(made["id"])])))
        waiting = await all_text_of(owner_pool)
        clients.postbox.failures = [Undelivered("gateway answered 503")]
        await clients.send()
        await owner_pool.execute("update attestation_message set next_at = now() - interval '1 s'")
        await clients.send()
        token, code = clients.postbox.last
        answers = [
            await clients.say(token, {"code": other_code(code)}),
            await clients.desk.client.get(f"/konfirmasi/{token}"),
            await clients.desk.client.post(
                f"/konfirmasi/{token}", data={"kode": other_code(code), "kunci": "kunci-uji"}
            ),
            await clients.say(token, {"code": code}, key="kunci-lain"),
            await clients.desk.read("/v1/attestations"),
        ]
    assert [answer.status_code for answer in answers] == [422, 200, 422, 201, 200]
    assert str(clients.postbox.messages[0].to) == "**********5432"
    assert clients.postbox.messages[0].to.reveal() == "+6281298765432"
    for answer in answers:
        assert traces(answer.text + str(answer.headers), code) == []
    assert token not in answers[0].text + answers[3].text + answers[4].text
    said = await all_text_of(owner_pool)
    for tables in (waiting, said):
        assert tables["attestation"]
        assert {name: found for name, text in tables.items() if (found := traces(text, token))} == {}
    # Six digits are found by chance in ids and times: the code is looked for where texts stand.
    for name in ("outbox", "accepted_command", "audit", "attestation_message"):
        assert f'"{code}"' not in said[name]
        assert f" {code}" not in said[name]
    printed = capfd.readouterr()
    ours = [record.getMessage() for record in caplog.records if record.name != "httpx"]  # httpx is the client's side
    written = str(logs) + "\n".join(ours) + printed.out + printed.err
    assert traces(written, token, f"kode {code}", f"'{code}'", f'"{code}"') == []
    metrics = "".join(str(sample) for metric in REGISTRY.collect() for sample in metric.samples)
    assert traces(metrics, token) == []


async def test_the_message_itself_holds_them(clients: Clients) -> None:
    """So that the search above is known to look for what there is."""
    await clients.asked(PHONE)
    token, code = clients.postbox.last
    assert traces(clients.postbox.messages[0].text, token, code) == [token, code]
