"""What every answer carries, and what is written down about it."""

import io
import json
import re
from typing import Any

import httpx
import pytest
import structlog
from starlette.types import Message, Receive, Scope, Send

from shared import log, metrics
from shared.auth.principal import Role
from shared.bell import Bell
from shared.http import edge, errors, problem
from shared.settings import Environment, LogFormat, Settings
from tests.support.tokens import bearer, token

_UUID = "01926f3e-7c1a-7000-8000-4a3b2c1d0e9f"


async def test_a_correlation_id_goes_through(client: httpx.AsyncClient) -> None:
    answer = await client.get("/live", headers={"X-Correlation-ID": _UUID})
    assert answer.headers["x-correlation-id"] == _UUID


@pytest.mark.parametrize("given", ["", "x", "3578010101010001", _UUID + "0", "{" + _UUID[1:-1] + "}", "g" * 36])
async def test_what_is_no_correlation_id_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.get("/live", headers={"X-Correlation-ID": given})
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer.headers["x-correlation-id"])
    assert answer.headers["x-correlation-id"] != given


async def test_answers_are_neither_cached_nor_guessed_at(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/things", headers=bearer(Role.FRONT_DESK))
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "server" not in answer.headers


async def test_pages_run_nothing_but_our_own(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/page")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({}, ""),
        ({"Authorization": "Basic YTpi"}, ""),
        ({"Authorization": "Bearer"}, ""),
        ({"Authorization": "Bearer x.y.z"}, 'error="invalid_token"'),
        ({"Authorization": f"Bearer {token(Role.FRONT_DESK, exp=1)}"}, 'error_description="expired"'),
    ],
)
async def test_without_a_good_token_nobody_is_let_in(
    client: httpx.AsyncClient, headers: dict[str, str], detail: str
) -> None:
    answer = await client.get("/v1/things", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="plut"')
    assert detail in answer.headers["www-authenticate"]
    assert answer.json()["cure"]


async def test_the_scheme_may_be_written_in_any_case(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/things", headers={"Authorization": f"bearer  {token(Role.FRONT_DESK)}"})
    assert answer.status_code == 200


@pytest.mark.parametrize("role", [Role.PROVINCE_ANALYST, Role.ADMINISTRATOR, Role.PUBLIC])
async def test_another_role_is_refused_and_counted(client: httpx.AsyncClient, role: Role) -> None:
    counted = metrics.AUTHZ_DENIED.labels("read_businesses")
    before = counted._value.get()
    answer = await client.get("/v1/things", headers=bearer(role))
    assert answer.status_code == 403
    assert counted._value.get() == before + 1


async def test_whoever_may_not_come_in_learns_nothing_about_the_body(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/things", content=b'{"nonsense": 1}')
    assert answer.status_code == 401
    answer = await client.patch(f"/v1/things/{_UUID}", content=b"{}", headers={"If-Match": "nonsense"})
    assert answer.status_code == 401


async def test_without_a_database_the_answer_says_when_to_come_again(client: httpx.AsyncClient) -> None:
    headers = {**bearer(Role.FRONT_DESK), "Idempotency-Key": "key-12345678"}
    answer = await client.post("/v1/things", json={"name": "a"}, headers=headers)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert "Idempotency-Key" in answer.json()["cure"]


async def test_readiness_says_what_is_missing(client: httpx.AsyncClient) -> None:
    assert (await client.get("/live")).json() == {"status": "ok", "service": "registry", "role": "api", "reason": None}
    answer = await client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["reason"] == "not reachable: ConnectionRefusedError"


async def test_a_bug_is_told_without_its_details(client: httpx.AsyncClient, lines: io.StringIO) -> None:
    answer = await client.get("/v1/bug")
    assert answer.status_code == 500
    assert answer.json()["correlation_id"] == answer.headers["x-correlation-id"]
    assert "3578010101010001" not in answer.text
    logged = [line for line in _events(lines) if line["event"] == "unexpected_error"]
    assert logged[0]["exception"][0]["exc_type"] == "ZeroDivisionError"
    assert logged[0]["correlation_id"] == answer.headers["x-correlation-id"]
    assert "3578010101010001" not in lines.getvalue()


async def test_the_access_line_names_the_route_and_nobody(client: httpx.AsyncClient, lines: io.StringIO) -> None:
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    answer = await client.get(f"/v1/things/{_UUID}?phone=081234567890", headers={"traceparent": parent})
    line = _events(lines)[-1]
    assert line["event"] == "request"
    assert line["route"] == "/v1/things/{thing}"
    assert line["status"] == 401
    assert line["correlation_id"] == answer.headers["x-correlation-id"]
    assert line["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert (line["service"], line["role"]) == ("registry", "api")
    assert "0812" not in lines.getvalue()
    assert _UUID not in lines.getvalue()


async def test_requests_are_counted_by_route(client: httpx.AsyncClient) -> None:
    await client.get("/v1/things")
    await client.get("/nobody/knows/this")
    told = (await client.get("/metrics")).text
    assert 'http_requests_total{method="GET",route="/v1/things",status="401"}' in told
    assert 'http_requests_total{method="GET",route="(none)",status="404"}' in told
    assert "/knows/" not in told


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The log as a process writes it."""
    written = io.StringIO()
    before = structlog.get_config()
    monkeypatch.setattr("sys.stdout", written)
    log.configure(Settings(env=Environment.LOCAL, log_format=LogFormat.JSON), "registry", "api")
    # A logger keeps the form of its first line.
    monkeypatch.setattr(edge, "_access_log", structlog.get_logger())
    monkeypatch.setattr(errors, "_log", structlog.get_logger())
    yield written
    structlog.configure(**before)


def _events(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


async def test_a_process_without_memory_asks_to_come_again(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/starved")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == problem.MEDIA_TYPE
    assert int(answer.headers["retry-after"]) == errors.RETRY_AFTER_SECONDS


class _Counted(Bell):
    def __init__(self) -> None:
        super().__init__("registry", Settings(env=Environment.LOCAL))
        self.times = 0

    def ring(self) -> None:
        self.times += 1


@pytest.mark.parametrize(
    ("method", "status", "times"),
    [("POST", 201, 1), ("PATCH", 200, 1), ("DELETE", 204, 1), ("POST", 409, 0), ("POST", 500, 0), ("GET", 200, 0)],
)
async def test_the_bell_rings_for_what_was_accepted(method: str, status: int, times: int) -> None:
    """Before the answer goes out, for the commit is over by then."""
    bell, rung = _Counted(), []

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def sent(message: Message) -> None:
        rung.append((message["type"], bell.times))

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    scope = {"type": "http", "method": method, "path": "/v1/things", "query_string": b"", "headers": []}
    await edge.Edge(app, bell=bell)(scope, receive, sent)
    assert rung == [("http.response.start", times), ("http.response.body", times)]
