"""Offices from outside: they write over HTTP and retry what they have no answer to.

What was acknowledged they log to a file of their own.
"""

import json
import random
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx

from tests.e2e.machine import Machine

KELURAHAN = {"35.76": "35.76.01.1008", "35.79": "35.79.01.1001", "35.04": "35.04.01.1001", "35.09": "35.09.01.2001"}


def synthetic_nik(serial: int) -> str:
    """A number of the right form that belongs to nobody: a kecamatan 99 does not exist."""
    return f"357699{1 + serial % 28:02d}{1 + serial // 28 % 12:02d}{serial // 336 % 90 + 10:02d}{serial % 9999 + 1:04d}"


def send_until_answered(
    client: httpx.Client, log: "Log", method: str, path: str, body: dict[str, Any], headers: dict[str, str]
) -> httpx.Response:
    """Sends with one key until the answer is other than "later"; one that was lost is logged as unknown."""
    key = str(uuid4())
    for _ in range(400):
        try:
            answer = client.request(method, path, json=body, headers={**headers, "Idempotency-Key": key})
        except httpx.TransportError:
            log.write(key, None, None)
            time.sleep(0.1)
            continue
        if answer.status_code not in (409, 503) or "Retry-After" not in answer.headers:
            log.write(key, answer.status_code, answer.json())
            return answer
        time.sleep(0.1)
    raise AssertionError(f"no answer to {method} {path} for 40 s")


@dataclass
class Log:
    path: Path

    def write(self, key: str, status: int | None, answer: Any) -> None:
        line = {"key": key, "status": status, "answer": answer, "at": datetime.now(UTC).isoformat()}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


@dataclass
class Office:
    """One office with a consultant, writing in a thread of its own until told to stop."""

    machine: Machine
    code: str
    logs: Path
    acknowledged: int = 0
    failures: list[str] = field(default_factory=list)
    serial: int = 0

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._log = Log(self.logs / f"{self.code}.jsonl")
        self._desk = {"Authorization": f"Bearer {self.machine.token('front_desk', self.code)}"}
        self._head = {"Authorization": f"Bearer {self.machine.token('office_head', self.code)}"}
        self._registry, self._mentoring = self.machine.url("registry"), self.machine.url("mentoring")
        self._consultants: list[str] = []
        self._dice = random.Random(self.code)  # noqa: S311  a test's dice
        self.serial = int(self.code.replace(".", "")) * 1000 + int(time.time()) % 1000 * 7

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join(60)
        assert self.failures == []

    def _work(self) -> None:
        with httpx.Client(timeout=10) as client:
            try:
                while not self._stop.is_set():
                    self.write_once(client)
                    self._stop.wait(0.1)  # an office, not a load generator: two cores carry everything
            except Exception as error:  # noqa: BLE001  reported to the test's own thread
                self.failures.append(repr(error))

    def write_once(self, client: httpx.Client) -> None:
        """Registers a business and completes a session with it, which mentoring may not know yet."""
        business = self.send(client, self._registry + "/v1/businesses", self.business(), self._desk)
        if not self._consultants:
            self._consultants = [
                self.send(client, self._mentoring + "/v1/consultants", self.consultant(), self._head)["id"]
                for _ in range(5)
            ]
        self.send(client, self._mentoring + "/v1/sessions", self.session(business["id"]), self._head)

    def send(self, client: httpx.Client, url: str, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        answer = send_until_answered(client, self._log, "POST", url, body, headers)
        assert answer.status_code == 201, f"{url}: {answer.status_code} {answer.text}"
        self.acknowledged += 1
        return dict(answer.json())

    def business(self) -> dict[str, Any]:
        self.serial += 1
        return {
            "office": self.code,
            "trade_name": f"Keripik Uji {self.code} {self.serial}",
            "kinds": ["umkm"],
            "kelurahan": KELURAHAN[self.code],
            "owners": [{"name": "Pemilik Uji", "nik": synthetic_nik(self.serial)}],
        }

    def consultant(self) -> dict[str, Any]:
        return {
            "office": self.code,
            "staff": f"stf-{uuid4().hex}",
            "name": "Konsultan Uji",
            "fields": ["production"],
            "active_from": "2024-01-01",
        }

    def session(self, business: str) -> dict[str, Any]:
        day = date(2026, 1, 1) + timedelta(days=self._dice.randrange(300))
        return {
            "office": self.code,
            "day": day.isoformat(),
            "contact_minutes": self._dice.randint(5, 15),
            "consultants": [self._dice.choice(self._consultants)],
            "businesses": [business],
            "field": "production",
            "service": "business_mentoring",
            "channel": "office_visit",
        }


def open_offices(machine: Machine) -> None:
    """The administrator opens the offices that the tests write for; one that is open already is fine."""
    headers = {"Authorization": f"Bearer {machine.token('administrator')}"}
    with httpx.Client(timeout=10, base_url=machine.url("registry")) as client:
        for code in KELURAHAN:
            body = {"code": code, "name": f"PLUT {code}", "opened_on": "2023-12-01"}
            answer = client.post(
                "/v1/offices", json=body, headers={**headers, "Idempotency-Key": f"buka-kantor-{code}"}
            )
            assert answer.status_code in (201, 409), answer.text
