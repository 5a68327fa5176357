"""An installation of its own, treated badly: started twice, its supervisor killed, its broker's data taken away."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import leftovers
from tests.e2e.machine import IN_CONTAINERS, Machine, wait_for

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(420),
    pytest.mark.skipif(IN_CONTAINERS, reason="is about this machine's supervisor; in containers Docker is that"),
]


@pytest.fixture
def second(tmp_path: Path) -> Iterator[Machine]:
    """Beside the one that the other tests share."""
    installed = Machine(tmp_path / "second")
    try:
        installed.up()
        yield installed
    finally:
        installed.down()


def test_it_recovers_from_what_people_do_to_it(machine: Machine, second: Machine) -> None:
    assert machine.healthy()
    assert second.url("reporting") != machine.url("reporting")

    said = second.plut("up", "--detach", expect=1)
    assert said == "", "a second start told its addresses where programs read its answer"

    second.plut("down", "kafka")
    wait_for("the broker to stop", lambda: second.infrastructure("kafka")["pid"] is None)
    shutil.rmtree(second.data_dir / "kafka")
    second.plut("up", "kafka")
    wait_for("an empty broker", lambda: second.infrastructure("kafka")["healthy"], every=0.5)
    second.settle()

    second.kill(json.loads((second.data_dir / "run" / "state.json").read_text(encoding="utf-8"))["pid"])
    wait_for("all of it to end with its supervisor", lambda: not leftovers.find(second.data_dir), seconds=40)
    second.up()
    second.settle()

    (second.data_dir / "run" / "state.json").write_text("{", encoding="utf-8")
    second.plut("up", "--detach", expect=1)
    assert second.plut("down").strip() == "stopped"
    assert not leftovers.find(second.data_dir), "what was stopped was started again"
