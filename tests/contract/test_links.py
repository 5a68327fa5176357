"""From answer to answer: what one operation makes, others find, correct and end, along the links of the documents."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok

from deploy.demo import people
from shared.auth.principal import Role
from shared.clock import business_day, utc_now
from tests.contract.test_openapi import CHECKS, ask, schema_of
from tests.support.services import OFFICE, SERVICES, Services
from tests.support.tokens import bearer

NEIGHBOUR = "35.79"
# Named by nobody's answer: a client's secret, and a person among the owners of a business.
UNLINKED = {"/v1/public/attestations/{token}"}
# Of ten requests: so many have a body that may well be accepted, the others whatever the schema allows.
GOOD_OF_TEN = 7
# What a walk must have done at least once: each lies behind an answer of another operation.
REACHED = {
    "registry": {
        ("PATCH /v1/offices/{code}", 200),
        ("PATCH /v1/businesses/{business_id}", 200),
        ("POST /v1/businesses/{business_id}/closure", 200),
        ("POST /v1/businesses/{business_id}/reopening", 200),
        ("POST /v1/businesses/{business_id}/moves", 201),
        ("POST /v1/moves/{move_id}/refusal", 200),
    },
    "mentoring": {
        ("PATCH /v1/consultants/{consultant_id}", 200),
        ("GET /v1/consultants/{consultant_id}/caseload", 200),
        ("PATCH /v1/sessions/{session_id}", 200),
        ("POST /v1/sessions/{session_id}/completion", 200),
        ("POST /v1/sessions/{session_id}/cancellation", 200),
        ("POST /v1/sessions/{session_id}/cancellation", 409),
        ("POST /v1/sessions/{session_id}/no-show", 200),
        ("GET /v1/sessions/{session_id}/history", 200),
    },
}
STEPS = 6
WALKS = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
_HEADERS = bearer(*Role, offices=(OFFICE, NEIGHBOUR), subject="stf-uji")


@pytest.mark.parametrize("service", SERVICES)
async def test_whatever_operations_ask_for_another_one_gives(services: Services, service: str) -> None:
    document = services.apps[service].openapi()
    operations = {
        told["operationId"]: path
        for path, methods in document["paths"].items()
        for told in methods.values()
        if "{" in path and path not in UNLINKED
    }
    linked = {
        link["operationId"]
        for methods in document["paths"].values()
        for told in methods.values()
        for answer in told["responses"].values()
        for link in answer.get("links", {}).values()
    }
    assert {path for operation, path in operations.items() if operation not in linked} == set()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("service", ["registry", "mentoring"])
async def test_walks_get_promised_answers_and_go_deep(services: Services, service: str) -> None:
    walker = Walker(services, service, asyncio.get_running_loop())

    @settings(WALKS, max_examples=1)
    @given(data=st.data())
    def walk_well(data: st.DataObject, path: list[str]) -> None:
        walker.walk(data, path, astray=False)

    @WALKS
    @given(data=st.data())
    def walk_anywhere(data: st.DataObject) -> None:
        walker.walk(data, walker.drawn(data), astray=True)

    for path in walker.short_paths():
        await asyncio.to_thread(walk_well, path=path)
    await asyncio.to_thread(walk_anywhere)
    assert REACHED[service] - walker.told.keys() == set(), walker.told


class Walker:
    """Goes from operation to operation as the links lead. What is drawn depends on no answer, so that it can be again.

    Where an answer was no good one, the next request is about what earlier answers of the walk named, or about nothing.
    It walks in a thread of its own and asks in the loop of the applications.
    """

    def __init__(self, services: Services, service: str, loop: asyncio.AbstractEventLoop) -> None:
        found = [each.ok() for each in schema_of(services, service).get_all_operations() if isinstance(each, Ok)]
        self._operations = {each.definition.raw["operationId"]: each for each in found}
        self._leads_to = {name: _leads_to(each) for name, each in self._operations.items()}
        self._begins = [name for name, to in self._leads_to.items() if to and "{" not in self._operations[name].path]
        self._client, self._loop = services.clients[service], loop
        self._good = bodies(services.known, random.Random(service))  # noqa: S311  a test's dice
        self.told: Counter[tuple[str, int]] = Counter()

    def short_paths(self) -> Iterator[list[str]]:
        """Yields every way of three operations that begins with something made."""
        for first in self._begins:
            if self._operations[first].method == "post":
                yield from (
                    [first, second, third] for second in self._leads_to[first] for third in self._leads_to[second]
                )

    def drawn(self, data: st.DataObject) -> list[str]:
        """Returns any way along the links."""
        path = [data.draw(st.sampled_from(self._begins))]
        while len(path) < STEPS and (further := self._leads_to[path[-1]]):
            path.append(data.draw(st.sampled_from(further)))
        return path

    def walk(self, data: st.DataObject, path: Sequence[str], *, astray: bool) -> None:
        """Asks one after the other; `astray` sends what the schema allows where rules would ask for something else."""
        named: dict[str, dict[str, str]] = {}
        for name in path:
            operation = self._operations[name]
            case = data.draw(operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
            make = self._good.get(operation.label)
            if make is not None and not (astray and data.draw(st.integers(1, 10)) > GOOD_OF_TEN):
                case.body, case.headers["Idempotency-Key"] = make(), str(uuid4())
            _aim(case, named.get(name, {}))
            answer = self._ask(case)
            self.told[operation.label, answer.status_code] += 1
            case.validate_response(answer, checks=CHECKS)
            named |= _named(case, answer)

    def _ask(self, case: Case[Any]) -> httpx.Response:
        return asyncio.run_coroutine_threadsafe(ask(self._client, case, _HEADERS), self._loop).result(60)


def _leads_to(operation: Any) -> list[str]:
    """Returns the operations that its good answers lead to."""
    answers = operation.definition.raw["responses"].values()
    return sorted({link["operationId"] for answer in answers for link in answer.get("links", {}).values()})


def _named(case: Case[Any], answer: httpx.Response) -> dict[str, dict[str, str]]:
    """Returns by operation what the links of this answer tell it."""
    told = case.operation.definition.raw["responses"].get(str(answer.status_code), {})
    return {
        link["operationId"]: {
            name: value
            for name, expression in link["parameters"].items()
            if (value := _evaluated(expression, case, answer)) is not None
        }
        for link in told.get("links", {}).values()
    }


def _evaluated(expression: str, case: Case[Any], answer: httpx.Response) -> str | None:
    """Returns the value of a runtime expression (OpenAPI 3.1, §4.8.20.4), None where there is none."""
    source, _, name = expression.removeprefix("$").partition(".")
    if expression.startswith("$request.path."):
        return str((case.path_parameters or {})[name.removeprefix("path.")])
    if expression.startswith("$response.header."):
        told: str | None = answer.headers.get(name.removeprefix("header."))
        return told
    assert (source, name[:6]) == ("response", "body#/"), expression
    value: Any = answer.json()
    for part in name[6:].split("/"):
        if not value:
            return None
        value = value[int(part)] if isinstance(value, list) else value[part]
    return str(value)


def _aim(case: Case[Any], told: Mapping[str, str]) -> None:
    for name, value in told.items():
        place, _, parameter = name.partition(".")
        if place == "path":
            case.path_parameters = {**(case.path_parameters or {}), parameter: value}
        else:
            case.headers[parameter] = value


def bodies(known: Mapping[str, str], chance: random.Random) -> dict[str, Callable[[], dict[str, Any]]]:
    """Returns by operation what makes a body that rules may accept: they know more than a schema can say."""
    today = business_day(utc_now())

    def word() -> str:
        return "".join(chance.choice("bcdfghjklmnprstwyz") + chance.choice("aiueo") for _ in range(4)).capitalize()

    def business() -> dict[str, Any]:
        return {**people.business(chance, OFFICE), "trade_name": f"{word()} {word()} {word()}"}

    def consultant() -> dict[str, Any]:
        since = (today - timedelta(300)).isoformat()
        return {"office": OFFICE, "staff": f"stf-{word()}", "name": word(), "fields": ["finance"], "active_from": since}

    def session(days: int) -> dict[str, Any]:
        return {
            "office": OFFICE,
            "day": (today + timedelta(days)).isoformat(),
            "contact_minutes": chance.randrange(10, 60),
            "consultants": [known["consultant_id"]],
            "businesses": [known["business_id"]],
            "field": "production",
            "service": "business_mentoring",
            "channel": "office_visit",
        }

    return {
        "POST /v1/businesses": business,
        "PATCH /v1/offices/{code}": lambda: {"name": f"PLUT {word()}"},
        "PATCH /v1/businesses/{business_id}": lambda: {"trade_name": f"{word()} {word()} {word()}"},
        "POST /v1/businesses/{business_id}/closure": lambda: {"closed_on": today.isoformat(), "reason": "ceased"},
        "POST /v1/businesses/{business_id}/reopening": lambda: {"reason": "resumed"},
        "POST /v1/businesses/{business_id}/moves": lambda: {"to_office": NEIGHBOUR, "reason": "Pindah domisili usaha"},
        "PATCH /v1/consultants/{consultant_id}": lambda: {"name": f"{word()} {word()}"},
        "POST /v1/consultants": consultant,
        "POST /v1/session-plans": lambda: session(chance.choice((0, 0, chance.randrange(300)))),
        "POST /v1/sessions": lambda: session(-chance.randrange(1, 300)),
        "PATCH /v1/sessions/{session_id}": lambda: {
            "contact_minutes": chance.randrange(10, 60),
            "reason": "Salah catat lama sesi",
        },
        "POST /v1/sessions/{session_id}/completion": lambda: {"day": today.isoformat(), "outcome": word()},
        "POST /v1/sessions/{session_id}/cancellation": lambda: {"reason": "Klien berhalangan hadir"},
        "POST /v1/sessions/{session_id}/no-show": lambda: {"reason": "Klien tidak datang"},
    }
