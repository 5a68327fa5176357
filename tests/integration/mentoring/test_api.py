"""Mentoring over HTTP: every endpoint as every role against another office's rows, and what bad input gets."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from services.mentoring.app import build_api
from services.mentoring.settings import SERVICE
from shared.auth.policy import ALLOWED, Action
from shared.auth.principal import Role
from shared.clock import business_day
from shared.postgres import Pool
from tests.infrastructure.databases import Database
from tests.integration.mentoring.office import BATU, MOJOKERTO, apply, opened, registered
from tests.support.api import client_of
from tests.support.tokens import bearer, verifier, with_edge

TODAY = business_day(datetime.now(UTC))


@pytest_asyncio.fixture
async def api(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    settings = with_edge(database.settings(SERVICE, "app"))
    app = build_api(settings, await database.pool(SERVICE, "app"), verifier(settings))
    async with client_of(app) as client:
        yield client


def consultant_body(**changes: Any) -> dict[str, Any]:
    return {
        "office": MOJOKERTO,
        "staff": f"stf-{uuid4().hex}",
        "name": "Konsultan Uji",
        "fields": ["production", "marketing"],
        "active_from": "2024-01-01",
        **changes,
    }


def session_body(consultant: str, **changes: Any) -> dict[str, Any]:
    return {
        "office": MOJOKERTO,
        "day": TODAY.isoformat(),
        "contact_minutes": 30,
        "consultants": [consultant],
        "businesses": [str(uuid4())],
        "field": "production",
        "service": "business_mentoring",
        "channel": "office_visit",
        **changes,
    }


def headers(*roles: Role, offices: tuple[str, ...] = (MOJOKERTO,), subject: str = "stf-head") -> dict[str, str]:
    return {**bearer(*roles, offices=offices, subject=subject), "Idempotency-Key": str(uuid4())}


def head(office: str = MOJOKERTO) -> dict[str, str]:
    return headers(Role.OFFICE_HEAD, offices=(office,), subject=f"stf-head-{office}")


async def new_consultant(api: httpx.AsyncClient, office: str = MOJOKERTO) -> str:
    answer = await api.post("/v1/consultants", json=consultant_body(office=office), headers=head(office))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def new_session(api: httpx.AsyncClient, consultant: str, **changes: Any) -> dict[str, Any]:
    office = changes.get("office", MOJOKERTO)
    answer = await api.post("/v1/sessions", json=session_body(consultant, **changes), headers=head(office))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def assert_problem(answer: httpx.Response, status: int, field: str | None = None) -> None:
    """A problem says what is wrong and how to mend it, and where."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["title"]
    assert body["cure"]
    if field is not None:
        assert field in [each["field"] for each in body["errors"]], body


async def test_a_session_is_recorded_and_read_again(api: httpx.AsyncClient, worker: Pool) -> None:
    consultant, business = await new_consultant(api), uuid4()
    await apply(worker, opened(), registered(business, trade_name="Batik Maja"))
    answer = await api.post(
        "/v1/sessions",
        json=session_body(consultant, businesses=[str(business)], start="00:30", preparation_minutes=5),
        headers=head(),
    )
    assert answer.status_code == 201, answer.text
    assert {key: value for key, value in answer.json().items() if key != "id"} == {
        "revision": 1,
        "version": 1,
        "provisional": False,
    }
    read = await api.get(answer.headers["location"], headers=head())
    assert read.headers["etag"] == answer.headers["etag"] == '"1"'
    told = read.json()
    assert (told["start"], told["preparation_minutes"], told["travel_minutes"]) == ("00:30:00", 5, 0)
    assert told["consultants"] == [consultant]
    assert told["businesses"] == [
        {
            "id": str(business),
            "known": True,
            "trade_name": "Batik Maja",
            "kinds": ["umkm", "ikm"],
            "kelurahan": "35.79.01.1001",
            "home_office": BATU,
            "attested": False,
            "status": "active",
            "closed_on": None,
            "current_home_office": BATU,
        }
    ]


async def test_what_stays_unresolved_for_an_hour_is_flagged(
    api: httpx.AsyncClient, worker: Pool, database: Database
) -> None:
    consultant, known = await new_consultant(api), uuid4()
    await apply(worker, registered(known))
    await new_session(api, consultant, businesses=[str(known)])
    old, fresh = await new_session(api, consultant), await new_session(api, consultant)
    owner = await database.pool(SERVICE, "owner")
    await owner.execute(
        "update session set recorded_at = $2 where id = $1::text::uuid",
        old["id"],
        datetime.now(UTC) - timedelta(hours=1, seconds=5),
    )
    told = (await api.get("/v1/sessions", params={"unresolved": "true"}, headers=head())).json()
    assert [(each["id"], each["overdue"]) for each in told["items"]] == [(fresh["id"], False), (old["id"], True)]
    assert len((await api.get("/v1/sessions", headers=head())).json()["items"]) == 3


@pytest.mark.parametrize(("path", "make"), [("/v1/sessions", new_session), ("/v1/consultants", None)])
async def test_pages_show_each_row_once(api: httpx.AsyncClient, path: str, make: Any) -> None:
    consultant = await new_consultant(api)
    ids = {(await make(api, consultant))["id"] if make else await new_consultant(api) for _ in range(7)}
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await api.get(path, params={"limit": "3", **cursor}, headers=head())).json()
        seen += [each["id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(seen) == len(set(seen))
    assert set(seen) == ids | (set() if make else {consultant})
    forged = await api.get(path, params={"cursor": "AAAA" + next(iter(cursor.values()))}, headers=head())
    assert_problem(forged, 400, "cursor")


async def test_a_lost_answer_is_given_again(api: httpx.AsyncClient) -> None:
    consultant, key = await new_consultant(api), head()
    body = session_body(consultant)
    first = await api.post("/v1/sessions", json=body, headers=key)
    again = await api.post("/v1/sessions", json=body, headers=key)
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert_problem(await api.post("/v1/sessions", json={**body, "contact_minutes": 31}, headers=key), 422)


ENDPOINTS = [
    (Action.REGISTER_CONSULTANT, "POST", "/v1/consultants"),
    (Action.READ_CONSULTANTS, "GET", "/v1/consultants"),
    (Action.COMPLETE_SESSION, "POST", "/v1/sessions"),
    (Action.READ_SESSIONS, "GET", "/v1/sessions"),
    (Action.READ_SESSIONS, "GET", "/v1/sessions/{id}"),
]


@pytest.mark.parametrize(("action", "method", "path"), ENDPOINTS)
async def test_every_role_at_every_endpoint(api: httpx.AsyncClient, action: Action, method: str, path: str) -> None:
    """In one's own office as the policy says; another office's rows are 403 by office and 404 by id, for everybody."""
    staff = "stf-who"
    own = (await api.post("/v1/consultants", json=consultant_body(staff=staff), headers=head())).json()["id"]
    foreign = await new_consultant(api, BATU)
    sessions = {
        MOJOKERTO: (await new_session(api, own))["id"],
        BATU: (await new_session(api, foreign, office=BATU))["id"],
    }

    async def ask(role: Role, office: str) -> httpx.Response:
        body = {
            "/v1/consultants": consultant_body(office=office),
            "/v1/sessions": session_body(own if office == MOJOKERTO else foreign, office=office),
        }.get(path)
        return await api.request(
            method,
            path.format(id=sessions[office]),
            json=body if method == "POST" else None,
            params={"office": office} if method == "GET" and "{id}" not in path else None,
            headers=headers(role, subject=staff),
        )

    for role in Role:
        mine, theirs = await ask(role, MOJOKERTO), await ask(role, BATU)
        if role in ALLOWED[action]:
            assert mine.status_code == (201 if method == "POST" else 200), f"{role}: {mine.text}"
            assert_problem(theirs, 404 if "{id}" in path else 403)
        else:
            assert_problem(mine, 403)
            assert_problem(theirs, 403)
    assert_problem(await api.request(method, path.format(id=sessions[MOJOKERTO]), json={}), 401)


async def test_lists_without_an_office_show_the_callers_offices_only(api: httpx.AsyncClient) -> None:
    own, foreign = await new_consultant(api), await new_consultant(api, BATU)
    await new_session(api, own)
    await new_session(api, foreign, office=BATU)
    for path in ("/v1/consultants", "/v1/sessions"):
        told = (await api.get(path, headers=head())).json()["items"]
        assert [each["office"] for each in told] == [MOJOKERTO]
        both = headers(Role.AUDITOR, offices=(MOJOKERTO, BATU))
        assert {each["office"] for each in (await api.get(path, headers=both)).json()["items"]} == {MOJOKERTO, BATU}


UGLY_SESSIONS: list[tuple[str, Any]] = [
    ("day", "2999-01-01"),
    ("day", "0001-01-01"),
    ("day", "9999-12-31"),
    ("day", "2026-02-30"),
    ("day", 20261121),
    ("day", "2026-11-21T00:00:00"),
    ("day", None),
    ("start", "25:00"),
    ("start", "9:00"),
    ("start", 900),
    ("contact_minutes", 0),
    ("contact_minutes", -1),
    ("contact_minutes", 1441),
    ("contact_minutes", 10**30),
    ("contact_minutes", "30"),
    ("contact_minutes", 30.5),
    ("contact_minutes", True),
    ("travel_minutes", None),
    ("consultants", []),
    ("consultants", "x"),
    ("consultants", [str(uuid4())] * 21),
    ("businesses", []),
    ("field", "cooking"),
    ("service", "gossip"),
    ("channel", "pigeon"),
    ("channel", 5),
    ("office", "mojokerto"),
    ("office", "35.7\u0666"),
    ("surprise", 1),
]


async def test_a_session_with_ugly_input_is_told_what_is_wrong(api: httpx.AsyncClient) -> None:
    consultant = await new_consultant(api)
    for field, value in UGLY_SESSIONS:
        answer = await api.post("/v1/sessions", json=session_body(consultant, **{field: value}), headers=head())
        assert_problem(answer, 422, field)


async def test_what_makes_no_sense_together_is_told_too(api: httpx.AsyncClient) -> None:
    consultant, business = await new_consultant(api), str(uuid4())
    stranger = str(uuid4())
    for field, body in {
        "contact_minutes": session_body(consultant, contact_minutes=1000, travel_minutes=441),
        "consultants": session_body(consultant, consultants=[consultant, consultant]),
        "consultants.1": session_body(consultant, consultants=[consultant, stranger]),
        "consultants.0": session_body(consultant, day="2023-12-31"),
        "businesses": session_body(consultant, businesses=[business, business]),
        "businesses.0": session_body(consultant, businesses=["not an id"]),
    }.items():
        assert_problem(await api.post("/v1/sessions", json=body, headers=head()), 422, field)


UGLY_CONSULTANTS: list[tuple[str, Any]] = [
    ("name", ""),
    ("name", "   "),
    ("name", "x" * 201),
    ("name", "Siti 3576991501900001"),
    ("name", "baris\nbaru"),
    ("staff", ""),
    ("staff", "dua kata"),
    ("staff", "siti@contoh.test"),
    ("staff", "3576991501900001"),
    ("fields", []),
    ("fields", ["production", "production"]),
    ("fields", ["cooking"]),
    ("fields", "production"),
    ("active_from", "besok"),
    ("active_until", "2023-12-31"),
    ("office", "35.76.01"),
    ("surprise", None),
]


async def test_a_consultant_with_ugly_input_is_told_what_is_wrong(api: httpx.AsyncClient) -> None:
    for field, value in UGLY_CONSULTANTS:
        answer = await api.post("/v1/consultants", json=consultant_body(**{field: value}), headers=head())
        assert answer.status_code == 422, f"{field}={value!r}: {answer.text}"
        assert any(each["field"].startswith(field) for each in answer.json()["errors"]), f"{field}={value!r}"
        assert "3576991501900001" not in answer.text


UGLY_BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff\xfe",
    b'{"office": "35.76\\u0000"}',
    b'"' + b"[" * 5000,
    b"[" * 100_000,
]


async def test_bodies_that_are_no_session(api: httpx.AsyncClient) -> None:
    for body in UGLY_BODIES:
        answer = await api.post("/v1/sessions", content=body, headers={**head(), "Content-Type": "application/json"})
        assert answer.status_code in (400, 422), (body[:20], answer.text)
        assert_problem(answer, answer.status_code)


async def test_lone_surrogates_are_refused(api: httpx.AsyncClient) -> None:
    raw = b'{"office":"35.76","staff":"stf-s","name":"\\ud800","fields":["finance"],"active_from":"2024-01-01"}'
    answer = await api.post("/v1/consultants", content=raw, headers={**head(), "Content-Type": "application/json"})
    assert_problem(answer, 422, "name")


UNANSWERABLE = {
    f"/v1/sessions/{uuid4()}": 404,
    "/v1/sessions/not-an-id": 422,
    "/v1/sessions?limit=0": 422,
    "/v1/sessions?limit=1000000": 422,
    "/v1/sessions?unresolved=perhaps": 422,
    "/v1/sessions?ofice=35.76": 422,
    "/v1/sessions?office=3576": 422,
    "/v1/sessions?office=35.79": 403,
    "/v1/sessions?cursor=%F0%9F%98%80": 400,
    "/v1/consultants?office=35.79": 403,
}


async def test_questions_that_have_no_answer(api: httpx.AsyncClient) -> None:
    for path, status in UNANSWERABLE.items():
        assert_problem(await api.get(path, headers=head()), status)


async def test_the_calendar_says_what_is_in_the_way(api: httpx.AsyncClient) -> None:
    consultant, yesterday = await new_consultant(api), (TODAY - timedelta(days=1)).isoformat()
    await new_session(api, consultant, day=yesterday, start="09:00")
    clash = session_body(consultant, day=yesterday, start="09:29")
    answer = await api.post("/v1/sessions", json=clash, headers=head())
    assert_problem(answer, 409, "consultants.0")
    assert "09.00" in answer.json()["detail"]
    assert "retry-after" not in answer.headers
