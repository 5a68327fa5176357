"""Reporting's answers to programs: figures, position and freshness of one instant."""

from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from shared.auth.principal import Role
from shared.clock import business_day, utc_now
from shared.consumer import watermarks
from shared.contracts.platform import TopicEnd, Watermark
from shared.postgres import Pool
from tests.support.reporting_events import business, deliver, office, read_to, received, session
from tests.support.tokens import bearer

A, B, S, T = (UUID(int=number) for number in range(1, 5))
ANALYST = bearer(Role.PROVINCE_ANALYST, offices=("35.76", "35.79"))
HEAD = bearer(Role.OFFICE_HEAD, offices=("35.76",))
TODAY = business_day(utc_now())


async def _feed(worker: Pool) -> None:
    events = [
        office("35.76"),
        office("35.79", "PLUT Kota Batu"),
        business(A, registered_on=TODAY),
        business(B, registered_on=TODAY, home_office="35.79", kelurahan="35.79.01.1001", kinds=["cooperative"]),
        session(S, [A, B], day=TODAY),
        session(T, [B], office="35.79", day=TODAY - timedelta(days=400), contact_minutes=120),
    ]
    await deliver(worker, received(events))
    await read_to(worker, "registry.business.v1", 0, 4)


async def test_the_overview_tells_of_every_office_and_period(client: httpx.AsyncClient, worker: Pool) -> None:
    await _feed(worker)
    answer = (await client.get("/v1/overview", headers=ANALYST)).raise_for_status().json()
    province, offices = answer["province"], {one["code"]: one for one in answer["offices"]}
    assert (province["businesses"], province["active_businesses"]) == (2, 2)
    assert province["today"]["sessions"] == 1
    assert province["all"]["sessions"] == 2
    assert province["all"]["contact_minutes"] == 180
    assert offices["35.79"]["today"] == {**dict.fromkeys(offices["35.79"]["today"], 0), "registrations": 1}
    assert answer["position"] == "1.0.4"


async def test_an_office_without_activity_is_there(client: httpx.AsyncClient, worker: Pool) -> None:
    await deliver(worker, received([office("35.76")]))
    answer = (await client.get("/v1/overview", headers=ANALYST)).raise_for_status().json()
    assert [(one["code"], one["all"]["sessions"]) for one in answer["offices"]] == [("35.76", 0)]


async def test_a_head_of_office_is_told_of_his_own_only(client: httpx.AsyncClient, worker: Pool) -> None:
    await _feed(worker)
    overview = (await client.get("/v1/overview", headers=HEAD)).json()
    assert [one["code"] for one in overview["offices"]] == ["35.76"]
    assert overview["province"]["all"]["sessions"] == 1
    regions = (await client.get("/v1/businesses-by-region", headers=HEAD)).json()
    assert regions["businesses"] == 1
    assert (await client.get("/v1/office-activity?office=35.79", headers=HEAD)).status_code == 403


async def test_all_38_regions_are_there_and_businesses_count_once(client: httpx.AsyncClient, worker: Pool) -> None:
    await _feed(worker)
    answer = (await client.get("/v1/businesses-by-region", headers=ANALYST)).raise_for_status().json()
    regions = {one["code"]: one for one in answer["regions"]}
    assert len(regions) == 38
    assert regions["35.76"]["businesses"] == 1
    assert {one["kind"] for one in regions["35.76"]["counts"]} == {"umkm", "ikm"}
    assert regions["35.78"] == {"code": "35.78", "name": "Kota Surabaya", "businesses": 0, "active": 0, "counts": []}


async def test_activity_is_told_day_by_day(client: httpx.AsyncClient, worker: Pool) -> None:
    await _feed(worker)
    url = f"/v1/office-activity?from={TODAY}&to={TODAY}"
    answer = (await client.get(url, headers=ANALYST)).raise_for_status().json()
    assert [(one["office"], one["registrations"], one["sessions"]) for one in answer["days"]] == [
        ("35.76", 1, 1),
        ("35.79", 1, 0),
    ]
    assert answer["total"]["visits"] == 2


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("from=2026-02-01&to=2026-01-31", 422),
        ("from=2024-01-01&to=2026-01-31", 422),
        ("from=1900-01-01&to=1900-01-31", 422),
        ("from=2026-01-01&to=9999-12-31", 422),
        ("from=2026-13-01", 422),
        ("from=kemarin", 422),
        ("office=35.99", 422),
        ("office=mojokerto", 422),
        ("office=35.78", 403),
        ("office=35.79", 404),
        ("kantor=35.76", 422),
    ],
)
async def test_a_wrong_question_is_told_how_to_be_mended(
    client: httpx.AsyncClient, worker: Pool, query: str, status: int
) -> None:
    await deliver(worker, received([office("35.76")]))
    answer = await client.get(f"/v1/office-activity?{query}", headers=ANALYST)
    assert answer.status_code == status, answer.text
    assert answer.json()["cure"]


@pytest.mark.parametrize("path", ["/v1/overview", "/v1/businesses-by-region", "/v1/office-activity"])
async def test_an_answer_is_not_given_twice(client: httpx.AsyncClient, worker: Pool, path: str) -> None:
    await _feed(worker)
    first = await client.get(path, headers=ANALYST)
    again = await client.get(path, headers={**ANALYST, "If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    await deliver(worker, received([session(UUID(int=99), [A], day=TODAY)]))
    await read_to(worker, "registry.business.v1", 0, 5)
    moved = await client.get(path, headers={**ANALYST, "If-None-Match": first.headers["etag"]})
    assert moved.status_code == 200
    assert moved.headers["etag"] != first.headers["etag"]


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.OFFICE_HEAD, Role.PROVINCE_ANALYST, Role.AUDITOR}))
async def test_other_roles_get_no_reports(client: httpx.AsyncClient, role: Role) -> None:
    assert (await client.get("/v1/overview", headers=bearer(role))).status_code == 403


async def test_as_of_is_the_newest_instant_that_was_reached(client: httpx.AsyncClient, worker: Pool) -> None:
    await _feed(worker)
    assert (await client.get("/v1/businesses-by-region", headers=ANALYST)).json()["as_of"] is None
    reached, ahead = utc_now() - timedelta(seconds=5), utc_now() - timedelta(seconds=2)
    for at, end in ((reached, 4), (ahead, 9)):
        ends = [TopicEnd(topic="registry.business.v1", partition=0, next_offset=end)]
        told = Watermark(service="registry", history=1, epoch=1, fence=1, at=at, ends=ends, held_back=0)
        async with worker.acquire() as connection:
            await watermarks.file(connection, [told])
    answer = await client.get("/v1/businesses-by-region", headers=ANALYST)
    assert answer.json()["as_of"].replace("Z", "+00:00") == reached.isoformat()
    assert answer.json()["behind_ms"] >= 5000
    assert answer.headers["data-as-of"] == reached.isoformat()
