"""A client of the registry as tests speak to it: one office's staff, with a fresh key for each write."""

import itertools
import random
from dataclasses import dataclass, replace
from typing import Any

import httpx

from shared.auth.principal import Role
from shared.ids import new_id
from tests.support.tokens import bearer

_serials = itertools.count(1)


def some_nik() -> str:
    """Returns a NIK that no other test has used: a woman of Magersari, born in September 1980."""
    day, serial = divmod(next(_serials), 9999)
    return f"357602{day + 41:02d}0980{serial + 1:04d}"


def some_nib() -> str:
    return f"912000{next(_serials):07d}"


def some_trade_name() -> str:
    """Returns a name unlike any other: businesses that tests register are not taken for one another."""
    dice = random.Random(f"trade name {next(_serials)}")  # noqa: S311  a test's dice
    words = ("".join(dice.choice("bdghklmnprstw") + dice.choice("aiu") for _ in range(4)) for _ in range(2))
    return f"Batik {' '.join(word.capitalize() for word in words)}"


def owner(**changes: Any) -> dict[str, Any]:
    return {"name": "Siti Aminah", "nik": some_nik(), **changes}


def business(office: str = "35.76", **changes: Any) -> dict[str, Any]:
    """Returns the body of a good registration; `changes` replace fields, None removes one."""
    body = {
        "office": office,
        "trade_name": some_trade_name(),
        "kinds": ["umkm", "ikm"],
        "kelurahan": "35.76.02.1001",
        "owners": [owner()],
        **changes,
    }
    return {field: value for field, value in body.items() if value is not None}


@dataclass(frozen=True)
class Desk:
    client: httpx.AsyncClient
    office: str = "35.76"
    role: Role = Role.OFFICE_HEAD

    def at(self, office: str, role: Role | None = None) -> "Desk":
        return replace(self, office=office, role=role or self.role)

    async def open_office(self, code: str, name: str, opened_on: str = "2023-12-09") -> httpx.Response:
        administrator = replace(self, role=Role.ADMINISTRATOR)
        body = {"code": code, "name": name, "opened_on": opened_on}
        return await administrator.write("POST", "/v1/offices", body)

    async def register(self, **changes: Any) -> httpx.Response:
        return await self.write("POST", "/v1/businesses", business(**{"office": self.office, **changes}))

    async def registered(self, **changes: Any) -> dict[str, Any]:
        """Registers a business that must be accepted; returns the answer."""
        answer = await self.register(**changes)
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def correct(self, business_id: str, revision: int, **changes: Any) -> httpx.Response:
        return await self.write("PATCH", f"/v1/businesses/{business_id}", changes, revision)

    async def close(self, business_id: str, revision: int, closed_on: str, reason: str = "ceased") -> httpx.Response:
        body = {"closed_on": closed_on, "reason": reason}
        return await self.write("POST", f"/v1/businesses/{business_id}/closure", body, revision)

    async def search(self, **asked: Any) -> httpx.Response:
        return await self.client.post("/v1/businesses/search", json=asked, headers=self.bearer())

    async def read(self, path: str) -> httpx.Response:
        return await self.client.get(path, headers=self.bearer())

    async def business(self, business_id: str) -> dict[str, Any]:
        answer = await self.read(f"/v1/businesses/{business_id}")
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def write(
        self, method: str, path: str, body: object, revision: int | None = None, key: str | None = None
    ) -> httpx.Response:
        headers = {**self.bearer(), "Idempotency-Key": key or str(new_id())}
        if revision is not None:
            headers["If-Match"] = f'"{revision}"'
        return await self.client.request(method, path, json=body, headers=headers)

    def bearer(self) -> dict[str, str]:
        return bearer(self.role, offices=(self.office,), subject=f"stf-{self.role}-{self.office}")
