"""The AsyncAPI document tells exactly what the catalogue says, is served without a connection, and so is its page."""

import re
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from shared.asyncapi import asyncapi_routes, document
from shared.contracts.catalogue import topics_of
from shared.settings import Settings

SERVICES = ("registry", "mentoring", "reporting")


@pytest.mark.parametrize("service", SERVICES)
def test_every_topic_with_its_events_stands_in_it(service: str) -> None:
    told = document(service)
    assert told["asyncapi"].startswith("3.")
    published = [topic for topic in topics_of(service) if topic.events]
    assert list(told["channels"]) == sorted(topic.name for topic in published)
    for topic in published:
        assert "12 partitions" in told["channels"][topic.name]["description"]
        for event in topic.events:
            schema = told["components"]["schemas"][event.__name__]
            assert schema["properties"]["type"]["const"] == event.__name__
            assert set(event.model_fields) == set(schema["properties"])


def test_the_document_is_the_same_each_time() -> None:
    assert document("mentoring") == document("mentoring")


async def ask(settings: Settings, path: str) -> httpx.Response:
    app = FastAPI(openapi_url=None)
    app.include_router(asyncapi_routes("mentoring", settings))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://plut.test") as client:
        return await client.get(path)


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    component = tmp_path / "@asyncapi" / "react-component"
    (component / "browser" / "standalone").mkdir(parents=True)
    (component / "styles").mkdir()
    (component / "browser" / "standalone" / "index.js").write_text("/* the component */", encoding="utf-8")
    (component / "styles" / "default.min.css").write_text("/* its styles */", encoding="utf-8")
    return tmp_path


async def test_the_document_is_served(assets: Path) -> None:
    assert (await ask(Settings(web_assets=assets), "/asyncapi.json")).json() == document("mentoring")
    assert (await ask(Settings(), "/asyncapi.json")).status_code == 200
    assert (await ask(Settings(), "/asyncapi")).status_code == 404


async def test_the_page_takes_nothing_from_elsewhere(assets: Path) -> None:
    settings = Settings(web_assets=assets)
    page = await ask(settings, "/asyncapi")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "http" not in page.text
    for reference in re.findall(r'(?:src|href)="([^":]+)"', page.text):
        assert (await ask(settings, f"/{reference}")).status_code == 200, reference
