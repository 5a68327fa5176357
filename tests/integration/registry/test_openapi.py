"""The document that programs are written against: every answer stands in it, every example is a good one."""

from typing import Any

from tests.integration.registry.desk import Desk

_QUESTIONS = ("/search", "/disclosure")
_EDITS = ("/closure", "/reopening", "/acceptance")


def example_of(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """Puts the fields' own examples together."""
    if "example" in schema or "examples" in schema:
        return schema.get("example", schema.get("examples", [None])[0])
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rsplit("/", 1)[-1]], schemas)
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], schemas)
    if schema.get("type") == "object":
        return {name: example_of(field, schemas) for name, field in schema["properties"].items()}
    if schema.get("type") == "array":
        return [example_of(schema["items"], schemas)]
    return schema["enum"][0]


async def test_every_answer_is_documented_and_its_example_is_accepted(desk: Desk) -> None:
    document = (await desk.client.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    answers = {
        (method, path): set(operation["responses"])
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if path.startswith("/v1")
    }
    assert len(answers) >= 9
    for (method, _path), statuses in answers.items():
        assert statuses >= {"404", "422", "503"} | (set() if _path.startswith("/v1/public/") else {"401", "403"})
        assert ("409" in statuses) == (method != "get" and not _path.endswith(_QUESTIONS))
        assert ("428" in statuses) == (("patch" in method) or _path.endswith(_EDITS))

    body = example_of(schemas["RegistrationForm"], schemas)
    body["kinds"], body["cooperative_number"], body["same_as"] = ["umkm", "ikm"], None, None
    made = await desk.write("POST", "/v1/businesses", body)
    assert made.status_code == 201, made.text
    assert set(made.json()) <= set(schemas["BusinessSaved"]["properties"])
    assert set(await desk.business(made.json()["id"])) == set(schemas["BusinessView"]["properties"])
