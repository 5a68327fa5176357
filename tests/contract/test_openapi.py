"""The OpenAPI documents are true: whatever a client sends, as whatever role, the answer is one that was promised."""

from functools import cache
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import BaseSchema, Case, GenerationMode
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from shared.auth.principal import Role
from tests.support.services import OFFICE, SERVICES, Services
from tests.support.tokens import bearer

CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
PROMISED = {
    "GET": {"404", "422", "503"},
    "POST": {"400", "409", "413", "422", "503"},
    "PATCH": {"404", "412", "428"},
    "PUT": {"409", "422"},
}

# Asked by POST, for what is asked stands in the body; nothing is written.
QUESTIONS = {"/v1/businesses/search", "/v1/businesses/{business_id}/owners/{person_id}/disclosure"}
NO_COMMAND = {"409"}


def schema_of(services: Services, service: str) -> BaseSchema:
    return schemathesis.openapi.from_dict(services.apps[service].openapi())


@cache
def operations_of(app: FastAPI) -> list[APIOperation[Any, Any, Any, Any]]:
    """Reads the document once for all that is drawn from it: reading took longer than asking."""
    schema = schemathesis.openapi.from_dict(app.openapi())
    return [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]


@pytest.mark.parametrize("service", SERVICES)
async def test_the_document_is_valid_and_served(services: Services, service: str) -> None:
    schema_of(services, service).validate()
    served = await services.clients[service].get("/openapi.json")
    assert served.json() == services.apps[service].openapi()


@pytest.mark.parametrize("service", SERVICES)
async def test_every_operation_tells_its_problems(services: Services, service: str) -> None:
    document = services.apps[service].openapi()
    operations = [
        (path, method.upper(), told) for path, methods in document["paths"].items() for method, told in methods.items()
    ]
    assert operations
    for path, method, told in operations:
        promised = (PROMISED[method] - (NO_COMMAND if path in QUESTIONS else set())) | (
            {"401", "403"} if "security" in told else set()
        )
        assert promised <= set(told["responses"]), f"{method} {path}"
        for status, response in told["responses"].items():
            if int(status) >= 400:
                assert set(response["content"]) == {"application/problem+json"}, f"{method} {path} {status}"
        assert told["summary"], f"{method} {path}"


# Each role alone, and more often somebody who is all of them: a 403 tells little of what lies behind it.
ROLES = st.sampled_from([*((role,) for role in Role), *[tuple(Role)] * len(Role)])
FUZZED = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("service", SERVICES)
@FUZZED
@given(data=st.data(), roles=ROLES)
async def test_good_requests_get_promised_answers(
    services: Services, service: str, data: st.DataObject, roles: tuple[Role, ...]
) -> None:
    case = draw_case(data, services.apps[service], GenerationMode.POSITIVE)
    aim(case, data, services, service)
    await send(services.clients[service], case, roles, CHECKS)


@pytest.mark.parametrize("service", SERVICES)
@FUZZED
@given(data=st.data(), roles=ROLES)
async def test_bad_requests_are_refused_as_promised(
    services: Services, service: str, data: st.DataObject, roles: tuple[Role, ...]
) -> None:
    case = draw_case(data, services.apps[service], GenerationMode.NEGATIVE)
    await send(services.clients[service], case, roles, [*CHECKS, negative_data_rejection])


def draw_case(data: st.DataObject, app: FastAPI, mode: GenerationMode) -> Case[Any]:
    operation = data.draw(st.sampled_from(operations_of(app)))
    return data.draw(operation.as_strategy(generation_mode=mode))


def aim(case: Case[Any], data: st.DataObject, services: Services, service: str) -> None:
    """Most random ids hit nothing: half of the requests are about rows that are there."""
    if not data.draw(st.booleans()):
        return
    for name in case.path_parameters or {}:
        case.path_parameters[name] = services.known.get(f"{service} {name}") or services.known[name]
    if isinstance(case.body, dict) and "office" in case.body:
        case.body["office"] = OFFICE
    if isinstance(case.body, dict) and "consultants" in case.body:
        case.body.update(consultants=[services.known["consultant_id"]], day="2025-03-05")


async def send(
    client: httpx.AsyncClient, case: Case[Any], roles: tuple[Role, ...], checks: list[CheckFunction]
) -> None:
    """Lets schemathesis judge the answer."""
    case.validate_response(await ask(client, case, bearer(*roles, offices=(OFFICE,), subject="stf-uji")), checks=checks)


async def ask(client: httpx.AsyncClient, case: Case[Any], headers: dict[str, str]) -> httpx.Response:
    """Sends exactly what schemathesis would have sent."""
    told: dict[str, Any] = case.as_transport_kwargs(base_url="http://plut.test", headers=headers)
    told = {key: told[key] for key in told if key not in ("timeout", "verify", "allow_redirects")}
    prepared: Any = requests.Session().prepare_request(requests.Request(**told))
    return await client.request(prepared.method, prepared.url, content=prepared.body, headers=dict(prepared.headers))
