"""The life of a session over HTTP: who may, who sees what, lists and counts, and what bad input gets."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.mentoring.settings import SERVICE
from shared.auth.policy import ALLOWED, Action
from shared.auth.principal import Role
from shared.postgres import Pool
from tests.infrastructure.databases import Database
from tests.integration.mentoring.office import BATU, MOJOKERTO, apply, corrected, registered, said
from tests.integration.mentoring.test_api import (
    TODAY,
    api,
    assert_problem,
    consultant_body,
    head,
    headers,
    new_consultant,
    new_session,
    session_body,
)

__all__ = ["api"]  # the fixture

NIK = "3576991501900001"


def plan_body(consultant: str, **changes: Any) -> dict[str, Any]:
    return session_body(consultant, **{"day": (TODAY + timedelta(days=2)).isoformat(), **changes})


def seen(revision: int, told: dict[str, str] | None = None) -> dict[str, str]:
    return {**(told or head()), "If-Match": f'"{revision}"'}


async def new_plan(api: httpx.AsyncClient, consultant: str, **changes: Any) -> str:
    body = plan_body(consultant, **changes)
    answer = await api.post("/v1/session-plans", json=body, headers=head(body["office"]))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_a_plan_lives(api: httpx.AsyncClient, worker: Pool) -> None:
    consultant, business = await new_consultant(api), uuid4()
    await apply(worker, registered(business))
    body = plan_body(consultant, businesses=[str(business)], start="09:00", place=" Balai  desa ")
    made = await api.post("/v1/session-plans", json=body, headers=head())
    path = made.headers["location"]
    shown = (await api.get(path, headers=head())).json()
    assert (shown["state"], shown["place"], shown["unconfirmed_since"]) == ("scheduled", "Balai  desa", None)
    moved = await api.patch(path, json={"day": TODAY.isoformat(), "reason": "Klien minta maju"}, headers=seen(1))
    assert (moved.status_code, moved.headers["etag"]) == (200, '"2"'), moved.text
    held = await api.post(
        path + "/completion", json={"contact_minutes": 45, "outcome": "Siap", "start": None}, headers=seen(2)
    )
    assert (held.status_code, held.json()["state"], held.json()["version"]) == (200, "completed", 3), held.text
    await apply(worker, said(shown["id"], business), corrected(business, 2, home_office=MOJOKERTO))
    read = await api.get(path, headers=head())
    told = read.json()
    assert (told["state"], told["contact_minutes"], told["start"], told["outcome"]) == ("confirmed", 45, None, "Siap")
    assert (told["businesses"][0]["home_office"], told["businesses"][0]["current_home_office"]) == (BATU, MOJOKERTO)
    assert told["unconfirmed_since"] is not None
    history = (await api.get(path + "/history", headers=head())).json()
    assert [each["deed"] for each in history["items"]] == ["correct", "complete", "confirm"]
    assert history["items"][0]["reason"] == "Klien minta maju"
    assert f'"{read.json()["revision"]}"' == read.headers["etag"]


ENDPOINTS = [
    (Action.CHANGE_CONSULTANT, "PATCH", "/v1/consultants/{consultant}", {"name": "Nama Uji"}),
    (Action.READ_CONSULTANTS, "GET", "/v1/consultants/{consultant}", None),
    (Action.READ_SESSIONS, "GET", "/v1/consultants/{consultant}/caseload", None),
    (Action.READ_SESSIONS, "GET", "/v1/consultants/{consultant}/calendar?from=2026-01-01&to=2026-01-31", None),
    (Action.COMPLETE_SESSION, "POST", "/v1/sessions/{plan}/completion", {}),
    (Action.CORRECT_SESSION, "PATCH", "/v1/sessions/{plan}", {"contact_minutes": 10, "reason": "Uji"}),
    (Action.CANCEL_SESSION, "POST", "/v1/sessions/{plan}/cancellation", {"reason": "Uji"}),
    (Action.MARK_NO_SHOW, "POST", "/v1/sessions/{plan}/no-show", {}),
    (Action.READ_SESSION_HISTORY, "GET", "/v1/sessions/{plan}/history", None),
]


@pytest.mark.parametrize(("action", "method", "path", "body"), ENDPOINTS)
async def test_every_role_at_every_row(
    api: httpx.AsyncClient, action: Action, method: str, path: str, body: dict[str, Any] | None
) -> None:
    """In one's own office as the policy says; another office's rows are not found, by anybody."""
    rows: dict[str, dict[str, str]] = {}

    async def ask(role: Role, office: str) -> httpx.Response:
        told = headers(role, subject="stf-who")
        return await api.request(method, path.format(**rows[office]), json=body, headers=seen(1, told))

    for role in Role:
        for office in (MOJOKERTO, BATU):
            staff = "stf-who" if not rows else f"stf-{uuid4().hex}"
            known = rows.get(office, {}).get("consultant") if method == "GET" or "{plan}" in path else None
            consultant = (
                known
                or (
                    await api.post(
                        "/v1/consultants", json=consultant_body(staff=staff, office=office), headers=head(office)
                    )
                ).json()["id"]
            )
            plan = await new_plan(api, consultant, office=office, day=TODAY.isoformat(), contact_minutes=1)
            rows[office] = {"consultant": consultant, "plan": plan}
        mine, theirs = await ask(role, MOJOKERTO), await ask(role, BATU)
        if role in ALLOWED[action]:
            assert mine.status_code == 200, f"{role}: {mine.text}"
            assert_problem(theirs, 404)
        else:
            assert_problem(mine, 403)
            assert_problem(theirs, 403)


async def test_the_desk_plans_and_a_stranger_does_not(api: httpx.AsyncClient) -> None:
    consultant = await new_consultant(api)
    for told, status in ((headers(Role.FRONT_DESK), 201), (headers(Role.CONSULTANT, subject="stf-x"), 403)):
        answer = await api.post("/v1/session-plans", json=plan_body(consultant), headers=told)
        assert answer.status_code == status, answer.text


async def test_notes_are_for_those_who_mentor(api: httpx.AsyncClient) -> None:
    own = (await api.post("/v1/consultants", json=consultant_body(staff="stf-own"), headers=head())).json()["id"]
    session = await new_session(api, own, outcome="Rahasia usaha", follow_up="Rahasia juga", place="Balai desa")
    path = f"/v1/sessions/{session['id']}"
    changed = {"outcome": "Rahasia lain", "reason": "Kurang lengkap"}
    assert (await api.patch(path, json=changed, headers=seen(1))).status_code == 200
    sees = {
        headers(Role.OFFICE_HEAD)["Authorization"]: True,
        headers(Role.CONSULTANT, subject="stf-own")["Authorization"]: True,
        headers(Role.CONSULTANT, subject="stf-other")["Authorization"]: False,
        headers(Role.FRONT_DESK)["Authorization"]: False,
        headers(Role.AUDITOR)["Authorization"]: False,
    }
    for token, shown in sees.items():
        for page in (path, "/v1/sessions", path + "/history"):
            text = (await api.get(page, headers={"Authorization": token})).text
            assert ("Rahasia" in text) is shown, page
    audit = (await api.get(path + "/history", headers=headers(Role.AUDITOR))).json()["items"]
    assert audit[0]["reason"] == "Kurang lengkap"
    assert audit[0]["changes"] == [{"field": "outcome", "before": None, "after": None}]


async def test_lists_are_narrowed(api: httpx.AsyncClient, worker: Pool) -> None:
    ada, budi, business = await new_consultant(api), await new_consultant(api), uuid4()
    confirmed = (await new_session(api, ada, businesses=[str(business)]))["id"]
    contested = (await new_session(api, budi, businesses=[str(business)]))["id"]
    early = (await new_session(api, budi, day=(TODAY - timedelta(days=5)).isoformat()))["id"]
    plan = await new_plan(api, ada)
    await apply(worker, said(confirmed, business), said(contested, business, disputed=True))
    day = TODAY.isoformat()
    for question, expected in {
        "": {confirmed, contested, early, plan},
        "?state=confirmed": {confirmed},
        "?state=contested": {contested},
        "?state=completed": {early},
        "?state=cancelled": set(),
        f"?consultant={ada}": {confirmed, plan},
        f"?business={business}": {confirmed, contested},
        f"?business={business}&state=contested&consultant={ada}": set(),
        f"?from={day}": {confirmed, contested, plan},
        f"?to={day}": {confirmed, contested, early},
        f"?from={day}&to={day}&consultant={budi}": {contested},
    }.items():
        page = (await api.get(f"/v1/sessions{question}", headers=head())).json()
        assert {each["id"] for each in page["items"]} == expected, question


async def test_filtered_pages_show_each_session_once(api: httpx.AsyncClient) -> None:
    consultant = await new_consultant(api)
    wanted = []
    for _ in range(5):
        wanted.append((await new_session(api, consultant, contact_minutes=1))["id"])
        await new_plan(api, consultant, contact_minutes=1)
    shown, cursor = [], ""
    while True:
        page = (await api.get(f"/v1/sessions?state=completed&limit=2{cursor}", headers=head())).json()
        shown += [each["id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert shown == wanted[::-1]


async def test_unconfirmed_sessions_are_counted_by_age(
    api: httpx.AsyncClient, worker: Pool, database: Database
) -> None:
    consultant, business = await new_consultant(api), uuid4()
    ids = [(await new_session(api, consultant, contact_minutes=1, businesses=[str(business)]))["id"] for _ in range(6)]
    await apply(worker, said(ids[4], business, disputed=True), said(ids[5], business))
    await new_plan(api, consultant)
    owner, now = await database.pool(SERVICE, "owner"), datetime.now(UTC)
    for session, hours in zip(ids, (1, 71, 73, 24 * 31, 24 * 8, 24 * 8), strict=True):
        await owner.execute(
            "update session set unconfirmed_since = $2 where id = $1::text::uuid", session, now - timedelta(hours=hours)
        )
    told = (await api.get("/v1/unconfirmed-sessions", headers=head())).json()["ages"]
    assert [(each["from_hours"], each["to_hours"], each["unconfirmed"], each["contested"]) for each in told] == [
        (0, 72, 2, 0),
        (72, 168, 1, 0),
        (168, 720, 0, 1),
        (720, None, 1, 0),
    ]
    batu = (await api.get("/v1/unconfirmed-sessions", headers=head(BATU))).json()["ages"]
    assert sum(each["unconfirmed"] + each["contested"] for each in batu) == 0


async def test_a_caseload_says_who_is_mentored_and_when_next(api: httpx.AsyncClient, worker: Pool) -> None:
    consultant, served, only_planned = await new_consultant(api), uuid4(), uuid4()
    await apply(worker, registered(served, trade_name="Batik Maja"))
    yesterday = (TODAY - timedelta(days=1)).isoformat()
    for day in (yesterday, TODAY.isoformat()):
        await new_session(api, consultant, day=day, businesses=[str(served)])
    dropped = await new_session(api, consultant, businesses=[str(uuid4())])
    cancelled = f"/v1/sessions/{dropped['id']}/cancellation"
    assert (await api.post(cancelled, json={"reason": "Tercatat dua kali"}, headers=seen(1))).status_code == 200
    plan = plan_body(consultant, businesses=[str(only_planned), str(served)])
    await new_plan(api, consultant, businesses=plan["businesses"])
    path, items, cursor = f"/v1/consultants/{consultant}/caseload?limit=1", [], ""
    while True:
        page = (await api.get(path + cursor, headers=head())).json()
        items += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    by_id = {each["id"]: each for each in items}
    assert len(items) == len(by_id) == 2
    assert by_id[str(served)] == {
        "id": str(served),
        "trade_name": "Batik Maja",
        "status": "active",
        "home_office": BATU,
        "sessions": 2,
        "last_day": TODAY.isoformat(),
        "next_day": plan["day"],
    }
    other = by_id[str(only_planned)]
    assert (other["sessions"], other["last_day"], other["next_day"]) == (0, None, plan["day"])


async def test_a_calendar_shows_what_takes_time(api: httpx.AsyncClient) -> None:
    consultant = await new_consultant(api)
    late = await new_plan(api, consultant, start="14:00", place="Balai desa")
    early = await new_plan(api, consultant, start="08:00")
    dropped = await new_plan(api, consultant, start="11:00")
    done = await api.post(f"/v1/sessions/{dropped}/cancellation", json={"reason": "Batal"}, headers=seen(1))
    assert done.status_code == 200
    first, last = TODAY.isoformat(), (TODAY + timedelta(days=2)).isoformat()
    path = f"/v1/consultants/{consultant}/calendar"
    told = (await api.get(f"{path}?from={first}&to={last}", headers=head())).json()["items"]
    assert [(each["id"], each["start"], each["place"]) for each in told] == [
        (early, "08:00:00", None),
        (late, "14:00:00", "Balai desa"),
    ]
    assert (await api.get(f"{path}?from={first}&to={first}", headers=head())).json()["items"] == []
    for question in (f"from={last}&to={first}", "from=2026-01-01&to=2026-12-31"):
        assert_problem(await api.get(f"{path}?{question}", headers=head()), 422, "to")


async def test_a_consultant_is_changed(api: httpx.AsyncClient) -> None:
    path = f"/v1/consultants/{await new_consultant(api)}"
    changed = await api.patch(path, json={"fields": ["finance"], "name": " Ibu Uji "}, headers=seen(1))
    assert (changed.status_code, changed.json()["revision"], changed.json()["version"]) == (200, 2, 2), changed.text
    read = await api.get(path, headers=head())
    assert (read.json()["fields"], read.json()["name"], read.headers["etag"]) == (["finance"], "Ibu Uji", '"2"')
    assert_problem(await api.patch(path, json={"name": "Lain"}, headers=seen(1)), 412)
    assert_problem(await api.patch(path, json={"name": "Lain"}, headers=head()), 428)
    ugly: list[tuple[str, Any]] = [
        ("name", None),
        ("name", "Siti " + NIK),
        ("fields", []),
        ("fields", None),
        ("active_from", None),
        ("active_until", "2023-01-01"),
        ("staff", "stf-x"),
        ("office", BATU),
    ]
    for field, value in ugly:
        answer = await api.patch(path, json={field: value}, headers=seen(2))
        assert_problem(answer, 422, field)
        assert NIK not in answer.text
    assert_problem(await api.patch(path, json={}, headers=seen(2)), 422)


UGLY_CORRECTIONS: list[tuple[str, Any]] = [
    ("day", None),
    ("day", "2999-01-01"),
    ("contact_minutes", 0),
    ("contact_minutes", None),
    ("travel_minutes", 1441),
    ("consultants", []),
    ("businesses", None),
    ("field", "cooking"),
    ("service", None),
    ("place", "x" * 201),
    ("place", "dua\nbaris"),
    ("outcome", "a\u202eb"),
    ("outcome", 5),
    ("follow_up", "x" * 4001),
    ("follow_up_on", "besok"),
    ("follow_up_on", "2001-01-01"),
    ("follow_up_on", "9999-12-31"),
    ("reason", ""),
    ("reason", "   "),
    ("reason", None),
    ("reason", "x" * 501),
    ("reason", "a\u202eb"),
    ("state", "confirmed"),
    ("confirmable_version", 9),
    ("office", BATU),
]


async def test_corrections_that_are_told_what_is_wrong(api: httpx.AsyncClient) -> None:
    session = await new_session(api, await new_consultant(api))
    path = f"/v1/sessions/{session['id']}"
    for field, value in UGLY_CORRECTIONS:
        body = {"contact_minutes": 31, "reason": "Uji", field: value}
        assert_problem(await api.patch(path, json=body, headers=seen(1)), 422, field)
    assert_problem(await api.patch(path, json={"reason": "Uji"}, headers=seen(1)), 422)
    assert_problem(await api.patch(path, json={"contact_minutes": 31, "reason": "Uji"}, headers=head()), 428)
    assert (await api.get(path, headers=head())).json()["revision"] == 1


async def test_what_looks_like_a_nik_is_warned_about_and_not_repeated(api: httpx.AsyncClient) -> None:
    consultant = await new_consultant(api)
    body = session_body(consultant, outcome=f"KTP {NIK}", place=NIK)
    answer = await api.post("/v1/sessions", json=body, headers=head())
    assert answer.status_code == 201
    assert [each["field"] for each in answer.json()["warnings"]] == ["place", "outcome"]
    assert NIK not in answer.text


async def test_questions_that_have_no_answer(api: httpx.AsyncClient) -> None:
    consultant = await new_consultant(api)
    for path, status in {
        f"/v1/sessions/{uuid4()}/history": 404,
        f"/v1/consultants/{uuid4()}": 404,
        f"/v1/consultants/{uuid4()}/caseload": 404,
        f"/v1/consultants/{uuid4()}/calendar?from=2026-01-01&to=2026-01-02": 404,
        f"/v1/consultants/{consultant}/calendar": 422,
        f"/v1/consultants/{consultant}/calendar?from=2026-02-30&to=2026-03-01": 422,
        f"/v1/consultants/{consultant}/caseload?cursor=AAAA": 400,
        "/v1/sessions?state=happy": 422,
        "/v1/sessions?consultant=x": 422,
        "/v1/sessions?business=x": 422,
        "/v1/sessions?from=2026-02-01&to=2026-01-01": 422,
        "/v1/unconfirmed-sessions?office=35.79": 403,
    }.items():
        assert_problem(await api.get(path, headers=head()), status)


CANARY = "Kenari Zamrud"


async def test_what_people_type_stays_in_the_sessions_own_tables(
    api: httpx.AsyncClient, database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    consultant = await new_consultant(api)
    notes = {"place": CANARY, "outcome": f"{CANARY} {NIK}", "follow_up": CANARY}
    paths = [f"/v1/sessions/{(await new_session(api, consultant, contact_minutes=1, **notes))['id']}"]
    paths.append(f"/v1/sessions/{await new_plan(api, consultant, place=CANARY, day=TODAY.isoformat())}")
    paths.append(f"/v1/sessions/{await new_plan(api, consultant, start='23:00')}")
    edits = [
        ("PATCH", paths[0], {**{name: text + " lagi" for name, text in notes.items()}, "reason": CANARY}),
        ("POST", paths[1] + "/completion", notes),
        ("POST", paths[2] + "/cancellation", {"reason": CANARY}),
        ("PATCH", paths[0], {"outcome": CANARY + "\u202e", "reason": CANARY}),
    ]
    revisions = [1, 1, 1, 2]
    answers = [
        await api.request(method, path, json=body, headers=seen(revision))
        for (method, path, body), revision in zip(edits, revisions, strict=True)
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 422]
    assert all(CANARY not in answer.text and NIK not in answer.text for answer in answers)
    owner = await database.pool(SERVICE, "owner")
    tables = await owner.fetch(
        "select relname from pg_class where relnamespace = 'mentoring'::regnamespace and relkind = 'r'"
    )
    holding = set()
    for (table,) in tables:
        text = "\n".join(row[0] for row in await owner.fetch(f"select one::text from {table} as one"))
        holding |= {table} if CANARY in text or NIK in text else set()
    assert holding == {"session", "session_change"}
    printed = capfd.readouterr()
    assert CANARY not in printed.out + printed.err
    assert NIK not in printed.out + printed.err
