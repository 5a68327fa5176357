"""What is so in containers alone: what images hold, how they are scaled and replaced under load."""

import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from deploy.local.installation import Installation
from tests.e2e.compose import ComposeMachine
from tests.e2e.machine import IN_CONTAINERS, Failed, wait_for
from tests.e2e.writers import KELURAHAN, Office, synthetic_nik

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not IN_CONTAINERS, reason="needs Docker: make test-compose"),
]
SERVICES = ("registry", "mentoring", "reporting")


def inside(image: str, command: str) -> str:
    done = subprocess.run(
        ["docker", "run", "--rm", "--network", "none", "--read-only", f"plut-{image}:dev", "sh", "-c", command],  # noqa: S607  the Docker of the PATH
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_holds_its_own_service_alone(service: str) -> None:
    assert inside(service, "ls /app").split() == ["node_modules", "services", "shared"]
    found = set(inside(service, "ls /app/services").split()) - {"__pycache__"}
    assert found == {"__init__.py", service}
    assert inside(service, "id -u").strip() == "10001"


@pytest.mark.parametrize(
    ("service", "package"), [("registry", "authlib"), ("mentoring", "jinja2"), ("reporting", "python_calamine")]
)
def test_an_image_lacks_what_only_others_need(service: str, package: str) -> None:
    assert "ModuleNotFoundError" in inside(service, f"python -c 'import {package}'")


def test_a_second_start_says_nothing_odd(machine: ComposeMachine) -> None:
    said = machine.plut("up", "--detach")
    assert not re.search(r"warn|error|deprecat|orphan|unset|fail", said, re.IGNORECASE), said
    assert machine.healthy()


def test_lost_keys_are_not_made_anew(machine: ComposeMachine) -> None:
    keys = Installation.open(machine.data_dir).keys_dir
    aside = keys.with_name("aside")
    keys.rename(aside)
    try:
        with pytest.raises(Failed) as failed:
            machine.compose("up", "--no-deps", "--exit-code-from", "prepare", "prepare")
        assert "keys of personal data are not all there" in str(failed.value)
        assert list(keys.glob("*")) == []
    finally:
        if keys.is_dir():
            keys.rmdir()
        aside.rename(keys)


@dataclass
class Impatient:
    """Sends each request once: whatever is not answered well counts."""

    url: str
    office: str
    token: str
    statuses: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def write(self, client: httpx.Client, serial: int) -> None:
        body = {
            "office": self.office,
            "trade_name": f"Keripik Gulir {self.office} {serial}",
            "kinds": ["umkm"],
            "kelurahan": KELURAHAN[self.office],
            "owners": [{"name": "Pemilik Uji", "nik": synthetic_nik(serial)}],
        }
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": str(uuid4())}
        self._note(lambda: client.post("/v1/businesses", json=body, headers=headers))
        self._note(lambda: client.get(f"/v1/businesses?office={self.office}&limit=5", headers=headers))

    def _note(self, send: Callable[[], httpx.Response]) -> None:
        try:
            answer = send()
        except httpx.TransportError as error:
            self.failures.append(repr(error))
            return
        self.statuses.append(answer.status_code)
        if answer.status_code >= 400:
            self.failures.append(answer.text)


@contextmanager
def writing(machine: ComposeMachine) -> Iterator[list[Impatient]]:
    stop = threading.Event()
    offices = list(KELURAHAN)
    writers = [Impatient(machine.url("registry"), code, machine.token("front_desk", code)) for code in offices]

    def work(writer: Impatient) -> None:
        serial = int(writer.office.replace(".", "")) * 10_000
        with httpx.Client(base_url=writer.url, timeout=30) as client:
            while not stop.is_set():
                serial += 1
                writer.write(client, serial)
                stop.wait(0.05)

    threads = [threading.Thread(target=work, args=(writer,), daemon=True) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        yield writers
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)


def test_two_apis_are_replaced_under_load_and_no_request_fails(machine: ComposeMachine) -> None:
    machine.scale(**{"registry-api": 2})
    before = {process["pid"] for process in machine.processes("registry", "api")}
    assert len(before) == 2
    with writing(machine) as writers:
        wait_for("all to write", lambda: all(len(writer.statuses) > 5 for writer in writers), seconds=60)
        machine.roll("registry-api")
        counts = [len(writer.statuses) for writer in writers]
        wait_for(
            "all to write on",
            lambda: all(len(writer.statuses) > count + 5 for writer, count in zip(writers, counts, strict=True)),
            seconds=60,
        )
    after = {process["pid"] for process in machine.processes("registry", "api")}
    assert len(after) == 2
    assert not before & after
    assert [failure for writer in writers for failure in writer.failures] == []
    statuses = {status for writer in writers for status in writer.statuses}
    assert statuses == {200, 201}
    machine.settle()
    assert machine.check()["ok"]
    machine.scale(**{"registry-api": 1})


def test_three_consumers_share_the_work_and_one_is_killed(machine: ComposeMachine, tmp_path: Path) -> None:
    machine.scale(**{"reporting-consume": 3})
    consumers = machine.processes("reporting", "consume")
    assert len(consumers) == 3
    with Office(machine, "35.76", tmp_path) as office:
        wait_for("the office to write", lambda: office.acknowledged > 3, seconds=60)
        machine.kill(consumers[0]["pid"])
        before = office.acknowledged
        wait_for("it to write on", lambda: office.acknowledged > before + 5, seconds=60)
    machine.settle(120)
    assert machine.check(writers=tmp_path)["ok"]
    machine.scale(**{"reporting-consume": 1})
