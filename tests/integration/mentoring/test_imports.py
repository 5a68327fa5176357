"""Past sessions from a sheet to the events that the province counts, against a real Postgres."""

import asyncio
from datetime import date, time
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from services.mentoring import commands
from services.mentoring.commands import acceptance
from services.mentoring.domain.sheet import LABELS
from services.mentoring.store.consultants import caseload
from services.mentoring.store.history import read_changes
from services.mentoring.store.sessions import read_sessions
from shared import failpoint
from shared.auth.principal import Principal, Role
from shared.clock import utc_now
from shared.contracts.catalogue import parse
from shared.contracts.mentoring import SessionState
from shared.http.problem import Problem
from shared.imports.jobs import ImportWorker
from shared.imports.run import LEASE
from shared.postgres import Pool, transaction
from tests.infrastructure.databases import Database
from tests.integration.mentoring.office import (
    BATU_HEAD,
    MOJOKERTO,
    apply,
    closed,
    draft,
    opened,
    published,
    register_consultant,
    registered,
    request,
    said,
)
from tests.integration.mentoring.sheets import HEADER, Sheets, row
from tests.support.reporting_events import deliver, received

RINA = "Rina Wahyuni, S.E."


@pytest_asyncio.fixture
async def sheets(api_pool: Pool, worker: Pool) -> Sheets:
    await apply(worker, opened())
    return Sheets(api_pool)


@pytest_asyncio.fixture
async def rina(api_pool: Pool) -> UUID:
    return await register_consultant(api_pool, name=RINA)


@pytest_asyncio.fixture
async def batik(worker: Pool) -> UUID:
    business = uuid4()
    await apply(worker, registered(business))
    return business


async def told(worker: Pool, session: UUID) -> list[tuple[str, SessionState]]:
    events = [parse(row["type"], row["payload"]) for row in await published(worker, session)]
    return [(event.type, event.state) for event in events if event is not None]


async def test_a_row_becomes_a_session_that_nobody_is_asked_about_and_that_counts_for_nothing_yet(
    sheets: Sheets, worker: Pool, rina: UUID, batik: UUID
) -> None:
    done = await sheets.run(row(start="09.30-11.00", minutes="", outcome="Pembukuan mulai rapi"))
    assert (done.record.state, done.counts) == ("done", {"created": 1})
    [(event, state)] = await told(worker, done.subjects[0])
    assert event == "SessionCompleted"
    assert (state.imported, state.accepted, state.state) == (True, False, "completed")
    assert (state.day, state.start, state.contact_minutes) == (date(2025, 11, 20), time(9, 30), 90)
    assert (state.consultants, [each.id for each in state.businesses]) == ([rina], [batik])
    async with transaction(worker) as connection:
        [kept] = await read_sessions(connection, done.subjects)
    assert (kept.unconfirmed_since, kept.draft.outcome, kept.provisional) == (None, "Pembukuan mulai rapi", False)


@pytest.mark.usefixtures("rina", "batik")
async def test_a_sheet_that_is_uploaded_twice_creates_nothing_twice(sheets: Sheets, worker: Pool) -> None:
    rows = [row(), row(day="21/11/2025"), row(day="21-11-2025", who="rina wahyuni", name="BATIK  UJI")]
    first = await sheets.run(*rows)
    assert first.statuses == ["created", "created", "matched"], "the third says in other words what the second says"
    again = await sheets.run(*reversed(rows))
    assert again.statuses == ["matched", "unchanged", "unchanged"]
    assert await worker.fetchval("select count(*) from session") == 2


@pytest.mark.usefixtures("rina", "batik")
async def test_a_dry_run_leaves_nothing(sheets: Sheets, worker: Pool) -> None:
    assert (await sheets.run(row(), row(field=""), dry_run=True)).statuses == ["created", "rejected"]
    assert await worker.fetchval("select count(*) from session") == 0
    assert (await sheets.run(row())).statuses == ["created"]


@pytest.mark.usefixtures("rina", "batik")
@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"day": "31/02/2025"}, "day"),
        ({"day": "21/11/2099"}, "day"),
        ({"day": "21/11/2023"}, "day"),  # the office was opened later, and Rina came later
        ({"minutes": "sebentar"}, "contact_minutes"),
        ({"minutes": "1500"}, "contact_minutes"),
        ({"who": "Budi"}, "consultants"),
        ({"field": "memasak"}, "field"),
        ({"name": "Warung Entah"}, "businesses"),
        ({"id": str(uuid4())}, "business_ids"),
        ({"outcome": "WA 0812 3456 7890"}, "outcome"),
    ],
)
async def test_a_faulty_cell_is_named(sheets: Sheets, cells: dict[str, str], column: str) -> None:
    done = await sheets.run(row(**cells))
    assert done.statuses == ["rejected"]
    assert f"[{column}]" in done.told(0)
    assert f"{LABELS[column]}: " in done.told(0), "as its column is called, for whoever reads the reason alone"
    assert not any(value in done.told(0) for value in ("Budi", "Warung Entah", "0812"))


@pytest.mark.usefixtures("rina")
async def test_businesses_of_one_name_are_told_apart_or_reviewed(sheets: Sheets, worker: Pool, batik: UUID) -> None:
    other = uuid4()
    await apply(worker, registered(other, kelurahan="35.76.01.1008", home_office=MOJOKERTO))
    done = await sheets.run(
        row(name="UD. Batik Uji"), row(kelurahan="Blooto, Kota Mojokerto"), row(id=batik, kelurahan="Blooto")
    )
    assert done.statuses == ["possible_duplicate", "created", "created"]
    assert str(batik) in done.told(0)
    assert str(other) in done.told(0)
    states = [(await told(worker, session))[0][1] for session in done.subjects]
    assert [state.businesses[0].id for state in states] == [other, batik]


@pytest.mark.usefixtures("rina")
async def test_a_business_that_was_closed_by_then_is_refused(sheets: Sheets, worker: Pool, batik: UUID) -> None:
    await apply(worker, closed(batik, 2))
    assert (await sheets.run(row(day="21/11/2026"), row())).statuses == ["rejected", "created"]


async def test_what_is_recorded_is_matched_and_what_is_alike_is_reviewed_and_decided(
    sheets: Sheets, api_pool: Pool, rina: UUID, batik: UUID
) -> None:
    agus = await register_consultant(api_pool, name="Agus Salim")
    there = await commands.Sessions(api_pool).complete(request(), draft([rina], [batik], day=date(2025, 11, 20)))
    session = UUID(there.body["id"])
    done = await sheets.run(row(), row(who="Agus Salim"), row(minutes="45"), row(minutes="30", start="13.00"))
    assert done.statuses == ["matched", "possible_duplicate", "possible_duplicate", "possible_duplicate"]
    assert done.subjects == [session]
    assert str(session) in done.told(1)
    corrected = f"{HEADER};Baris;Status;ID Sesi;Alasan;Saran"
    again = await sheets.run(
        f"{row(who='Agus Salim')};2;baru;;{done.told(1).replace(';', ',')};",
        f"{row(minutes='45')};3;cocok;{session};;",
        f"{row(minutes='30', start='13.00')};4;cocok;{uuid4()};;",
        header=corrected,
    )
    assert again.statuses == ["created", "matched", "rejected"]
    assert agus != rina


@pytest.mark.usefixtures("rina")
async def test_two_sessions_at_one_time_are_reviewed(sheets: Sheets, worker: Pool, batik: UUID) -> None:
    other = uuid4()
    await apply(worker, registered(other, trade_name="Kopi Uji"))
    done = await sheets.run(
        row(start="09.00", minutes="90"),
        row(start="10.00", name="Kopi Uji"),
        row(start="10.30", name="Kopi Uji"),
        row(day="19/11/2025", minutes="900"),
        row(day="19/11/2025", minutes="600", name="Kopi Uji"),
    )
    assert done.statuses == ["created", "possible_duplicate", "created", "created", "possible_duplicate"]
    assert "[start]" in done.told(1)
    assert batik != other


@pytest.mark.usefixtures("rina", "batik")
async def test_of_clients_nothing_is_kept_but_what_is_a_column(sheets: Sheets) -> None:
    header = f"NIK;Nama Pemilik Usaha;{HEADER};No HP"
    done = await sheets.run(f"3576994503900007;Siti Canary;{row()};081234567890", header=header)
    assert done.statuses == ["created"]
    assert not any(secret in cells for cells in done.cells.values() for secret in ("357699", "Canary", "0812"))
    async with transaction(sheets.pool, [MOJOKERTO]) as connection:
        assert await connection.fetchval("select count(*) from import_piece") == 0, "the file is gone once it was read"


async def test_a_session_that_was_taken_back_may_be_imported_again(
    sheets: Sheets, api_pool: Pool, rina: UUID, batik: UUID
) -> None:
    done = await sheets.run(row())
    await commands.cancel_session(api_pool, request(), done.subjects[0], 1, "Salah lembar")
    assert (await sheets.run(row())).statuses == ["created"]
    assert rina != batik


async def accept_all(pool: Pool, job: UUID) -> list[tuple[int, int]]:
    answers: list[tuple[int, int]] = []
    while not answers or answers[-1][1]:
        answer = await commands.accept_import(pool, request(), job)
        answers.append((answer.body["accepted"], answer.body["remaining"]))
    return answers


@pytest.mark.usefixtures("rina", "batik")
async def test_an_import_is_accepted_in_pages_each_session_once(
    sheets: Sheets, api_pool: Pool, worker: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptance, "AT_ONCE", 2)
    done = await sheets.run(*(row(day=f"{day}/11/2025") for day in range(10, 15)))
    await commands.cancel_session(api_pool, request(), done.subjects[4], 1, "Salah lembar")
    assert await accept_all(api_pool, done.job) == [(2, 2), (2, 0)]
    assert await accept_all(api_pool, done.job) == [(0, 0)]
    for session in done.subjects[:4]:
        (first, before), (second, after) = await told(worker, session)
        assert (first, second) == ("SessionCompleted", "SessionAccepted")
        assert (before.accepted, after) == (False, before.model_copy(update={"accepted": True}))
        async with transaction(worker) as connection:
            assert [(each.deed, each.revision) for each in await read_changes(connection, session)] == [("accept", 2)]
    assert [event for event, _ in await told(worker, done.subjects[4])] == ["SessionCompleted", "SessionCancelled"]


async def test_corrections_and_acceptance_meet_in_any_order(
    sheets: Sheets, api_pool: Pool, worker: Pool, rina: UUID, batik: UUID
) -> None:
    first, second = (await sheets.run(row(), row(day="21/11/2025"))).subjects
    await commands.correct_session(api_pool, request(), first, 1, {"contact_minutes": 75}, "Salah ketik")
    with pytest.raises(Problem) as stale:
        await commands.accept_session(api_pool, request(), first, 1)
    assert stale.value.status == 412
    await commands.accept_session(api_pool, request(), first, 2)
    again = await commands.accept_session(api_pool, request(), first, 3)
    assert (again.body["revision"], again.body["version"]) == (3, 3)
    await commands.accept_session(api_pool, request(), second, 1)
    await commands.correct_session(api_pool, request(), second, 2, {"contact_minutes": 75}, "Salah ketik")
    for session in (first, second):
        _, state = (await told(worker, session))[-1]
        assert (state.imported, state.accepted, state.contact_minutes) == (True, True, 75)
    async with transaction(worker) as connection:
        kept = await read_sessions(connection, [first, second])
    assert [session.unconfirmed_since for session in kept] == [None, None], "nobody was asked"
    assert rina != batik


@pytest.mark.usefixtures("rina", "batik")
async def test_acceptance_beside_corrections_and_cancellations(sheets: Sheets, api_pool: Pool, worker: Pool) -> None:
    """Whoever comes first: the versions have no gap, and what stands is what was told last."""
    done = await sheets.run(*(row(day=f"{day}/11/2025") for day in range(1, 21)))
    deeds = [
        *(commands.accept_import(api_pool, request(), done.job) for _ in range(2)),
        *(
            commands.correct_session(api_pool, request(), each, 1, {"contact_minutes": 75}, "Salah ketik")
            for each in done.subjects[:10]
        ),
        *(commands.cancel_session(api_pool, request(), each, 1, "Salah lembar") for each in done.subjects[10:15]),
        *(commands.accept_session(api_pool, request(), each, 1) for each in done.subjects[15:]),
    ]
    ended = await asyncio.gather(*deeds, return_exceptions=True)
    assert all(not isinstance(each, BaseException) or is_stale(each) for each in ended)
    await accept_all(api_pool, done.job)
    async with transaction(worker) as connection:
        kept = {session.state.id: session for session in await read_sessions(connection, done.subjects)}
    for session in done.subjects:
        events = await told(worker, session)
        assert [event for event, _ in events].count("SessionAccepted") <= 1
        assert kept[session].standing.version == len(events)
        assert events[-1][1] == kept[session].state
        assert kept[session].state.accepted or kept[session].state.state == "cancelled"


def is_stale(error: BaseException) -> bool:
    return isinstance(error, Problem) and error.status == 412


@pytest.mark.usefixtures("rina", "batik")
async def test_totals_do_not_move_until_the_head_accepts(
    sheets: Sheets, api_pool: Pool, worker: Pool, database: Database
) -> None:
    reporting = await database.pool("reporting", "worker")

    async def totals() -> list[tuple[int, int]]:
        rows = await worker.fetch("select type, payload from outbox where topic = 'mentoring.session.v1' order by seq")
        events = [event for each in rows if (event := parse(each["type"], each["payload"])) is not None]
        await deliver(reporting, received(events))
        year = "select sum(sessions), sum(contact_minutes) from office_activity where grain = 'year'"
        return [tuple(each) for each in await reporting.fetch(year)]

    done = await sheets.run(row(), row(day="21/11/2025", minutes="90"))
    assert await totals() in ([(None, None)], [(0, 0)])
    await commands.correct_session(api_pool, request(), done.subjects[0], 1, {"contact_minutes": 45}, "Salah ketik")
    await commands.accept_session(api_pool, request(), done.subjects[1], 1)
    assert await totals() == [(1, 90)]
    await accept_all(api_pool, done.job)
    assert await totals() == [(2, 135)]
    await commands.correct_session(api_pool, request(), done.subjects[0], 3, {"contact_minutes": 50}, "Salah ketik")
    await commands.cancel_session(api_pool, request(), done.subjects[1], 2, "Salah lembar")
    assert await totals() == [(1, 50)]


@pytest.mark.usefixtures("rina", "batik")
async def test_a_job_that_was_killed_goes_on_and_writes_every_session_once(sheets: Sheets, worker: Pool) -> None:
    """Between the sessions' commits and the rows' statuses: whoever takes the job finds what was done by its keys."""
    job = await sheets.upload(*(row(day=f"{day}/11/2025") for day in range(1, 9)))
    failpoint.arm("imports.after_row=raise")
    with pytest.raises(BaseExceptionGroup):
        await sheets.worker.work_next()
    failpoint.arm("")
    begun: int = await worker.fetchval("select count(*) from session")
    assert begun > 0
    heir = ImportWorker(sheets.pool, sheets.importer, lambda: utc_now() + 2 * LEASE)
    assert await heir.work_next()
    done = await sheets.finished(job)
    assert (done.record.state, done.counts) == ("done", {"created": 8})
    assert await worker.fetchval("select count(*) from session") == 8


@pytest.mark.usefixtures("rina")
async def test_what_was_taken_back_is_not_accepted(sheets: Sheets, api_pool: Pool, worker: Pool, batik: UUID) -> None:
    [session] = (await sheets.run(row())).subjects
    await apply(worker, said(session, batik))  # a client who was never asked may still say something: it is heard
    await commands.cancel_session(api_pool, request(), session, 2, "Salah lembar")
    with pytest.raises(Problem) as caught:
        await commands.accept_session(api_pool, request(), session, 3)
    assert (caught.value.status, caught.value.kind) == (409, "session-state")


@pytest.mark.usefixtures("rina", "batik")
async def test_who_may_accept(sheets: Sheets, api_pool: Pool) -> None:
    done = await sheets.run(row())
    waiting = await sheets.upload(row(day="21/11/2025"))
    consultant = Principal("stf-rina", frozenset({Role.CONSULTANT}), (MOJOKERTO,))
    for who, job, status in (
        (BATU_HEAD, done.job, 404),
        (consultant, done.job, 403),
        (sheets.head, uuid4(), 404),
        (sheets.head, waiting, 409),
    ):
        with pytest.raises(Problem) as caught:
            await commands.accept_import(api_pool, request(who), job)
        assert caught.value.status == status


@pytest.mark.usefixtures("rina")
async def test_an_accepted_session_counts_in_the_caseload(
    sheets: Sheets, api_pool: Pool, rina: UUID, batik: UUID
) -> None:
    done = await sheets.run(row())

    async def sessions() -> list[int]:
        async with transaction(api_pool, [MOJOKERTO]) as connection:
            cases = await caseload(connection, rina, date(2026, 11, 22), after=None, limit=10)
        assert [case["id"] for case in cases] == [batik]
        return [case["sessions"] for case in cases]

    assert await sessions() == [0]
    await accept_all(api_pool, done.job)
    assert await sessions() == [1]
