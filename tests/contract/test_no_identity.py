"""No identity of a person travels in an event: not by name, not encrypted, not as free text (design: contracts)."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.contract.schemas import SCHEMAS

# Parts of names that would carry a person, and free text in which anything could be written.
FORBIDDEN = re.compile(
    r"(^|_)(nik|npwp|ktp|phone|telp|telepon|hp|whatsapp|wa|e?mail|surel|address|alamat|owner|pemilik|person|birth|gender"
    r"|given|family|surname|full|photo|signature|notes?|remarks?|comment|outcome|reason|description|text|code_sent|otp)"
    r"(_|s?$)"
)
# A name is public where it is that of an office or a business.
PUBLIC_NAMES = {("OfficeState", "name"), ("BusinessState", "trade_name")}
# A word of a closed list, where elsewhere it would be a free text.
CODES = {("AttestationState", "outcome")}


def fields(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields (object, field) for every field that the schema knows."""
    for holder in (schema, *schema.get("$defs", {}).values()):
        for field in holder.get("properties", {}):
            yield holder["title"], field


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_no_field_of_a_contract_can_hold_an_identity(name: str) -> None:
    found = {(holder, field) for holder, field in fields(SCHEMAS[name]) if FORBIDDEN.search(field)}
    named = {(holder, field) for holder, field in fields(SCHEMAS[name]) if "name" in field or "nama" in field}
    assert (found - CODES) | (named - PUBLIC_NAMES) == set()


@pytest.mark.parametrize(
    "field", ["nik", "owner_name", "owners", "phone", "contact_phone", "email", "address_line", "note"]
)
def test_the_rule_would_notice(field: str) -> None:
    assert FORBIDDEN.search(field) or "name" in field


@pytest.mark.parametrize("path", sorted((Path(__file__).parent / "golden").glob("*.json")), ids=lambda path: path.stem)
def test_real_payloads_hold_no_long_numbers(path: Path) -> None:
    """A NIK has 16 digits, an NPWP 15, a phone number ten at least; ids are told apart by their hyphens."""
    told = json.loads(path.read_text(encoding="utf-8"))
    for text in texts(told):
        plain = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|stf-[0-9a-f]{32}", "", text)
        assert not re.search(r"\d{9,}|@", plain), text


def texts(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for child in node.values():
            yield from texts(child)
    elif isinstance(node, list):
        for child in node:
            yield from texts(child)
    else:
        yield str(node)
