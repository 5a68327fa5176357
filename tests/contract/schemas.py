"""The JSON Schemas of the published language."""

from collections.abc import Mapping
from typing import Any

from shared.contracts import snapshot

SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    name: document for name, document in snapshot.current().items() if name != "catalogue"
}
