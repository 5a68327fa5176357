"""Where an answer leads: the links of an OpenAPI document, from the id and ETag of an answer to what can be done next.

They follow from the paths: `POST /v1/businesses` makes what `/v1/businesses/{business_id}/…` is about, an edit goes on
with what it edited, and a list begins with its first item.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_PARAMETER = re.compile(r"\{(\w+)\}")
_GOOD = ("200", "201")


@dataclass(frozen=True)
class _Operation:
    path: str
    method: str
    told: dict[str, Any]

    @property
    def subject(self) -> str | None:
        """The parameter that names what it is about."""
        found = _PARAMETER.search(self.path)
        return found and found[1]

    @property
    def collection(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @property
    def tells_revision(self) -> bool:
        """An edit, or the thing itself."""
        itself = self.path.endswith(f"{{{self.subject}}}")
        return self.asks_for_revision or (itself and self.method in ("get", "put"))

    @property
    def asks_for_revision(self) -> bool:
        return any(each["name"] == "If-Match" for each in self.told.get("parameters", ()))


def link(document: dict[str, Any]) -> None:
    """Adds links to the good answers of every operation whose answer names something that others are about."""
    paths = document["paths"].items()
    operations = [_Operation(path, method, told) for path, methods in paths for method, told in methods.items()]
    collections = dict(_collections(operations))
    for source in operations:
        links = {
            target.told["operationId"]: _link(target, expression)
            for subject, expression in _given(source, collections).items()
            for target in operations
            if target.subject == subject and (target is not source or source.asks_for_revision)
        }
        for status in links and _GOOD:
            if status in source.told["responses"]:
                source.told["responses"][status]["links"] = links


def _collections(operations: list[_Operation]) -> Iterator[tuple[str, str]]:
    """Yields what is in a collection: `businesses` are named by business_id, and so are `business-plans`."""
    subjects = sorted({subject for each in operations if (subject := each.subject)})
    paths = {each.path for each in operations}
    for name in {each.collection for each in operations}:
        for subject in subjects:
            if name.startswith(subject.removesuffix("_id")) or f"/v1/{name}/{{{subject}}}" in paths:
                yield name, subject


def _given(source: _Operation, collections: Mapping[str, str]) -> dict[str, str]:
    """Returns by parameter where its value stands in the request or the answer."""
    given = {source.subject: f"$request.path.{source.subject}"} if source.subject and source.tells_revision else {}
    made = collections.get(source.collection)
    if made is None:
        return given
    name = "id" if made.endswith("_id") else made
    if source.method == "post":
        given[made] = f"$response.body#/{name}"
    elif source.method == "get":
        given[made] = f"$response.body#/items/0/{name}"
    return given


def _link(target: _Operation, expression: str) -> dict[str, Any]:
    parameters = {f"path.{target.subject}": expression}
    if target.asks_for_revision and "items" not in expression:
        parameters["header.If-Match"] = "$response.header.ETag"
    return {"operationId": target.told["operationId"], "parameters": parameters}
