"""Documents that are made from the code, so that they cannot say something else: `python -m deploy.documents`."""

from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from services.registry.settings import RegistrySettings
from services.reporting.settings import ReportingSettings
from shared.settings import Settings

SETTINGS_PAGE = Path(__file__).parents[1] / "docs" / "settings.md"
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
    for service, model in (("registry", RegistrySettings), ("reporting", ReportingSettings)):
        own = {name: field for name, field in model.model_fields.items() if name not in Settings.model_fields}
        rows += [_row(name, field, service) for name, field in own.items()]
    return _HEAD + "".join(rows)


def _row(name: str, field: FieldInfo, owner: str) -> str:
    default = field.default
    hidden = default in (None, PydanticUndefined, "") or "Secret" in str(field.annotation)
    shown = "" if hidden else f"`{default}`"
    return f"| `PLUT_{name.upper()}` | {owner} | {shown} | {field.description or ''} |\n"


if __name__ == "__main__":
    SETTINGS_PAGE.write_text(settings_page(), encoding="utf-8")
