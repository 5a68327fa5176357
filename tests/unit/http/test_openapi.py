"""The document tells every answer, and its page needs no connection."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from shared.http import openapi
from tests.support.api import client_of


@pytest.fixture
async def paths(client: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get("/openapi.json")).json()["paths"]
    return found


async def test_writes_say_what_they_need_and_answer(paths: dict[str, Any]) -> None:
    make = paths["/v1/things"]["post"]
    assert make["security"] == [{"bearer": []}]
    assert [parameter["name"] for parameter in make["parameters"]] == ["Idempotency-Key"]
    assert set(make["responses"]) == {"201", "400", "401", "403", "404", "405", "409", "413", "422", "503"}


async def test_edits_ask_for_the_revision(paths: dict[str, Any]) -> None:
    change = paths["/v1/things/{thing}"]["patch"]
    assert {"Idempotency-Key", "If-Match"} <= {parameter["name"] for parameter in change["parameters"]}
    assert {"412", "428"} <= set(change["responses"])


async def test_reads_need_no_key(paths: dict[str, Any]) -> None:
    read = paths["/v1/things/{thing}"]["get"]
    assert [parameter["name"] for parameter in read["parameters"]] == ["thing"]
    assert read["security"] == [{"bearer": []}]


async def test_what_is_open_is_shown_as_open(paths: dict[str, Any]) -> None:
    assert "security" not in paths["/v1/page"]["get"]


async def test_problems_have_one_shape(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                if status >= "400":
                    assert list(answer["content"]) == ["application/problem+json"]


async def test_the_page_is_served_by_us_alone(app: FastAPI, tmp_path: Path) -> None:
    package = tmp_path / "swagger-ui-dist"
    package.mkdir()
    (package / "swagger-ui-bundle.js").write_text("// swagger", encoding="utf-8")
    openapi.install(app, tmp_path)
    async with client_of(app) as client:
        page = await client.get("/docs")
        assert "//" not in page.text.replace("<!doctype", "")
        assert (await client.get("/docs/assets/swagger-ui-bundle.js")).text == "// swagger"
        assert (await client.get("/docs/start.js")).headers["content-type"].startswith("text/javascript")
        assert (await client.get("/docs/assets/nothing.js")).status_code == 404
