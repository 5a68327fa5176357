"""Documents that are made from the code, so that they cannot say something else: `python -m deploy.documents`."""

import json
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from deploy.kafka.rights import USERS, Resource, Right, User
from services.registry.settings import RegistrySettings
from services.reporting.settings import ReportingSettings
from shared.contracts.catalogue import TOPICS, WATERMARK
from shared.settings import Settings
from shared.watch.settings import WatchSettings

_ROOT = Path(__file__).parents[1]
SETTINGS_PAGE = _ROOT / "docs" / "settings.md"
CONNECTIONS_PAGE = _ROOT / "docs" / "connections.md"
CHART_OF_KAFKA = _ROOT / "deploy" / "helm" / "plut" / "files" / "kafka.json"
# What stands between these two lines of a page is made from the code.
_RIGHTS = ("<!-- rights: made by python -m deploy.documents -->\n", "<!-- end of rights -->\n")
_HEAD = """# Settings

Every process is told everything by environment variables, checked at its start. Secrets are better given as files:
`PLUT_SECRETS_DIR` names a directory with one file per secret, called like its variable in lower case.
This page is made from the code by `python -m deploy.documents`.

| Variable | For | Default | What it is |
| --- | --- | --- | --- |
"""


def settings_page() -> str:
    """Returns the page of all settings: those of every process first, then each service's own."""
    rows = [_row(name, field, "every process") for name, field in Settings.model_fields.items()]
    for service, model in (("registry", RegistrySettings), ("reporting", ReportingSettings), ("watch", WatchSettings)):
        own = {name: field for name, field in model.model_fields.items() if name not in Settings.model_fields}
        rows += [_row(name, field, service) for name, field in own.items()]
    return _HEAD + "".join(rows)


def _row(name: str, field: FieldInfo, owner: str) -> str:
    default = field.default
    hidden = default in (None, PydanticUndefined, "") or "Secret" in str(field.annotation)
    shown = "" if hidden else f"`{default}`"
    return f"| `PLUT_{name.upper()}` | {owner} | {shown} | {field.description or ''} |\n"


# Kafka


def connections_page() -> str:
    """Returns the page of connections with the table of rights as it is now."""
    before, rest = CONNECTIONS_PAGE.read_text(encoding="utf-8").split(_RIGHTS[0])
    return before + _RIGHTS[0] + _rights_table() + _RIGHTS[1] + rest.split(_RIGHTS[1])[1]


def _rights_table() -> str:
    rows = [f"| `{user.name}` | {_words(right)} |\n" for user in USERS for right in user.rights]
    return "".join(["| User | May |\n", "| --- | --- |\n", *rows])


def _words(right: Right) -> str:
    name = f"{right.name}…" if right.is_prefix else right.name
    return f"{', '.join(operation.lower() for operation in right.operations)} {right.resource} `{name}`"


def chart_of_kafka() -> str:
    """Returns what the chart needs to know: topics, each user's rights in Strimzi's words, who follows what."""
    topics = [
        {"name": topic.name, "partitions": topic.partitions, "retention_ms": topic.retention_ms}
        for topic in (*TOPICS.values(), WATERMARK)
    ]
    users = {user.name: [_acl(right) for right in user.rights] for user in USERS}
    follows = {user.name: _follows(user) for user in USERS if user.role == "consume"}
    return json.dumps({"topics": topics, "users": users, "follows": follows}, indent=2) + "\n"


def _acl(right: Right) -> dict[str, Any]:
    pattern = "prefix" if right.is_prefix else "literal"
    resource = {"type": right.resource.value, "name": right.name, "patternType": pattern}
    return {"resource": resource, "operations": [operation.value for operation in right.operations]}


def _follows(user: User) -> dict[str, Any]:
    """The group that does a consumer's work comes first among its rights; watermarks are no work."""
    groups = [right.name for right in user.rights if right.resource is Resource.GROUP]
    topics = [right.name for right in user.rights if right.resource is Resource.TOPIC and right.name in TOPICS]
    return {"group": groups[0], "topics": topics}


def main() -> None:
    """Writes all of them."""
    for path, made in (
        (SETTINGS_PAGE, settings_page()),
        (CONNECTIONS_PAGE, connections_page()),
        (CHART_OF_KAFKA, chart_of_kafka()),
    ):
        path.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
