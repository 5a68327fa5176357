"""The AsyncAPI document of what a service publishes, made by FastStream from the catalogue, and its page.

Nothing here connects to Kafka; FastStream is imported when somebody asks.
"""

import json
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response

from shared.contracts.catalogue import Topic, topics_of
from shared.settings import Settings

_COMPONENT = Path("@asyncapi", "react-component")
_SCRIPT = _COMPONENT / "browser" / "standalone" / "index.js"
_STYLE = _COMPONENT / "styles" / "default.min.css"
# The component's parser compiles JSON Schemas to functions, and sets styles from its script: on this page only.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'self'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="id">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>PLUT {service}: peristiwa yang diterbitkan</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="asyncapi/component.css">
</head>
<body>
<div id="asyncapi"></div>
<script src="asyncapi/component.js"></script>
<script src="asyncapi/start.js"></script>
</body>
</html>
"""
_START = """fetch("asyncapi.json").then((answer) => answer.text()).then((schema) =>
  AsyncApiStandalone.render({schema, config: {show: {errors: false}}}, document.getElementById("asyncapi")));
"""


def document(service: str) -> dict[str, Any]:
    """Returns the AsyncAPI 3 document of the topics that the service publishes."""
    from faststream.kafka import KafkaBroker
    from faststream.specification import AsyncAPI

    broker = KafkaBroker(specification_url="kafka")
    for topic in topics_of(service):
        if topic.events:
            broker.publisher(
                topic.name, title=topic.name, description=_description(topic), schema=reduce(or_, topic.events)
            )
    specification = AsyncAPI(broker, title=f"PLUT {service}", version="1").to_specification()
    told: dict[str, Any] = json.loads(specification.to_json())
    return {**told, "channels": _sorted(told["channels"]), "operations": _sorted(told["operations"])}


def asyncapi_routes(service: str, settings: Settings) -> APIRouter:
    """Returns `/asyncapi.json` and, where its files are installed, the page `/asyncapi`."""
    router = APIRouter(include_in_schema=False)
    known: list[dict[str, Any]] = []

    @router.get("/asyncapi.json")
    async def serve_document(_request: Request) -> Response:
        if not known:
            known.append(document(service))
        return JSONResponse(known[0])

    if settings.web_assets is not None and (settings.web_assets / _SCRIPT).is_file():
        _add_page(router, service, settings.web_assets)
    return router


def _add_page(router: APIRouter, service: str, assets: Path) -> None:
    @router.get("/asyncapi")
    async def serve_page(_request: Request) -> Response:
        return HTMLResponse(_PAGE.format(service=service), headers={"Content-Security-Policy": _POLICY})

    @router.get("/asyncapi/start.js")
    async def serve_start(_request: Request) -> Response:
        return Response(_START, media_type="text/javascript")

    @router.get("/asyncapi/component.js")
    async def serve_script(_request: Request) -> Response:
        return FileResponse(assets / _SCRIPT, media_type="text/javascript")

    @router.get("/asyncapi/component.css")
    async def serve_style(_request: Request) -> Response:
        return FileResponse(assets / _STYLE, media_type="text/css")


def _description(topic: Topic) -> str:
    kept = "for ever" if topic.retention_ms < 0 else f"for {topic.retention_ms // 1000} seconds"
    return f"{topic.partitions} partitions, keyed by the aggregate's id; kept {kept}."


def _sorted(entries: dict[str, Any]) -> dict[str, Any]:
    """FastStream remembers publishers in no order: the document shall be the same each time."""
    return dict(sorted(entries.items()))
