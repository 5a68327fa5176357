"""Messages leave the house: retried, given up, sent again after a crash, and their secrets erased."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from services.registry.domain.messages import MOST_TRIES, SEND_WITHIN
from services.registry.notifier import LogNotifier, Undelivered
from services.registry.sender import MessageSender
from shared import failpoint
from shared.clock import utc_now
from shared.failpoint import InjectedFault
from tests.integration.registry.clients import SITE, Clients, read
from tests.support.sessions import session_state, told

_MESSAGE = "select state, tries, secret_sealed is null as erased, failure from attestation_message"


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    failpoint.arm("")


async def queued(clients: Clients) -> UUID:
    """Returns a completed session whose message waits."""
    session = uuid4()
    await clients.hear(told(session_state(session, [await clients.business()]), recorded_at=clients.now))
    return session


async def message(clients: Clients) -> tuple[object, ...]:
    row = (await clients.worker.fetch(_MESSAGE))[0]
    return tuple(row)


async def test_what_is_sent_is_erased(clients: Clients) -> None:
    await queued(clients)
    assert await message(clients) == ("waiting", 0, False, None)
    assert await clients.send() == 1
    assert await message(clients) == ("sent", 1, True, None)
    assert await clients.send() == 0


async def test_a_failure_is_tried_again_after_a_pause_with_the_same_code(clients: Clients) -> None:
    clients.now = utc_now()
    await queued(clients)
    clients.postbox.failures = [Undelivered("gateway answered 503"), Undelivered("gateway: ConnectError")]
    for tries, seconds in ((1, 30), (2, 60)):
        assert await clients.send() == 1
        assert await message(clients) == (
            "waiting",
            tries,
            False,
            "gateway answered 503" if tries == 1 else "gateway: ConnectError",
        )
        clients.now += timedelta(seconds=seconds - 1)
        assert await clients.send() == 0, "it is too early"
        clients.now += timedelta(seconds=1)
    assert await clients.send() == 1
    token, code = clients.postbox.last
    clients.now = None
    assert (await clients.say(token, {"code": code})).status_code == 201


async def test_after_so_many_tries_the_client_is_unreachable(clients: Clients) -> None:
    clients.now = utc_now()
    session = await queued(clients)
    clients.postbox.failures = [Undelivered("gateway answered 503")] * MOST_TRIES
    tried = 0
    while await clients.states(session) == [(1, "waiting")]:
        tried += await clients.send()
        clients.now += timedelta(hours=1)
    assert tried == MOST_TRIES
    assert await message(clients) == ("given_up", MOST_TRIES, True, "gateway answered 503")
    assert await clients.states(session) == [(1, "unreachable")]
    listed = (await clients.desk.read("/v1/attestations?state=unreachable")).json()["items"]
    assert [one["session"] for one in listed] == [str(session)]


async def test_a_message_that_is_refused_for_good_is_not_tried_again(clients: Clients) -> None:
    session = await queued(clients)
    clients.postbox.failures = [Undelivered("gateway answered 422", for_good=True)]
    await clients.send()
    assert await message(clients) == ("given_up", 1, True, "gateway answered 422")
    assert await clients.states(session) == [(1, "unreachable")]


async def test_a_message_that_is_too_old_is_not_sent(clients: Clients) -> None:
    clients.now = utc_now()
    session = await queued(clients)
    clients.now += SEND_WITHIN
    await clients.send()
    assert clients.postbox.messages == []
    assert await clients.states(session) == [(1, "unreachable")]


async def test_a_phone_that_was_removed_meanwhile_is_not_written_to(clients: Clients) -> None:
    made = await clients.business()
    one = await clients.desk.business(made)
    session = uuid4()
    await clients.hear(told(session_state(session, [made])))
    changed = await clients.desk.correct(made, one["revision"], owners=[{"id": one["owners"][0]["id"], "phone": None}])
    assert changed.status_code == 200
    await clients.send()
    assert clients.postbox.messages == []
    assert await clients.states(session) == [(1, "unreachable")]


async def test_a_crash_between_sending_and_noting_sends_the_same_again(clients: Clients) -> None:
    """At least once: the message is the same, so is the key by which a gateway knows it."""
    clients.now = utc_now()
    await queued(clients)
    failpoint.arm("sender.after_send=raise")
    with pytest.raises(InjectedFault):
        await clients.send()
    failpoint.arm("")
    assert await clients.send() == 0, "another sender waits until the lease is over"
    clients.now += timedelta(minutes=2)
    assert await clients.send() == 1
    first, second = clients.postbox.messages
    assert (first.id, first.text, first.to) == (second.id, second.text, second.to)
    clients.now = None
    token, code = read(second)
    assert (await clients.say(token, {"code": code})).status_code == 201


async def test_many_senders_send_each_message_once(clients: Clients) -> None:
    for _ in range(8):
        await queued(clients)
    await asyncio.gather(*(clients.send() for _ in range(4)))
    assert len({one.id for one in clients.postbox.messages}) == len(clients.postbox.messages) == 8


async def test_a_laptops_log_keeps_the_code_until_the_conversation_is_over(
    clients: Clients, capfd: pytest.CaptureFixture[str]
) -> None:
    await queued(clients)
    sender = MessageSender(clients.worker, clients.vault, LogNotifier(), SITE)
    assert await sender.work_next()
    await sender.forget()
    assert await message(clients) == ("sent", 1, False, None)
    said = capfd.readouterr().out
    assert "message for ****7890 queued" in said
    assert "/konfirmasi/" not in said
    one = (await clients.desk.read("/v1/attestations")).json()["items"][0]
    await clients.worker.execute("update attestation set state = 'voided' where id = $1", UUID(one["id"]))
    await sender.forget()
    assert await message(clients) == ("sent", 1, True, None)


async def test_the_loop_starts_sends_and_stops(clients: Clients) -> None:
    await queued(clients)
    sender = MessageSender(clients.worker, clients.vault, clients.postbox, SITE)
    await sender.start()
    await asyncio.wait_for(sender.started.wait(), 5)
    async with asyncio.timeout(10):
        await clients.postbox.arrived.wait()
    await sender.stop()
    await sender.stop()
    assert await clients.worker.fetchval("select state from attestation_message") == "sent"
    assert len(clients.postbox.messages) == 1


async def test_the_worker_cannot_read_who_people_are(clients: Clients) -> None:
    import asyncpg

    await clients.business()
    for sql in (
        "select name_sealed from business_owner",
        "select address_sealed from business_owner",
        "select name_tokens from business_owner",
        "select * from person",
        "select nib from business",
        "select * from audit",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await clients.worker.fetch(sql)
