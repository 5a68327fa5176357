"""What the harness itself must not do: call something survived that was not tried, or lose what it saw."""

import json
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest
from typer.testing import CliRunner

from deploy.chaos import page
from deploy.chaos.campaign import Asked, _schedule
from deploy.chaos.grounds import two_of_each
from deploy.chaos.judge import toothless
from deploy.chaos.load import Load
from deploy.chaos.load.listener import Listener
from deploy.chaos.load.routes import Routes
from deploy.chaos.observation import Logs
from deploy.chaos.result import Result, Verdict
from deploy.chaos.scenario import Scenario
from deploy.chaos.scenarios import all_scenarios, named
from deploy.chaos.stage import Stage
from deploy.cli.chaos import _status
from deploy.cli.main import app
from deploy.local import ports
from deploy.local.installation import Installation
from deploy.local.table import SCALABLE

NOW = datetime(2026, 8, 17, 3, tzinfo=UTC)


class Gentle(Scenario):
    """Says that it kills, and does not."""

    name: ClassVar[str] = "gentle"
    faults: ClassVar[str] = "F99"
    title: ClassVar[str] = "nothing is broken"
    bites: ClassVar[Mapping[str, int]] = {"kills": 2}

    async def strike(self, stage: Stage) -> None:
        stage.saw("kills")


class Elsewhere(Gentle):
    """Needs what this machine has not."""

    name: ClassVar[str] = "elsewhere"

    def cannot_run(self) -> str | None:
        return "there is no moon"


def dice() -> random.Random:
    return random.Random(1)  # noqa: S311  a seed, not a secret


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation.open(tmp_path)


@pytest.fixture
def stage(installation: Installation) -> Stage:
    return Stage(installation, Load(installation, dice()), dice(), 1, lambda _text: None)


def test_a_fault_that_was_seen_too_rarely_did_not_bite(stage: Stage) -> None:
    stage.saw("kills")
    (told,) = toothless(Gentle(), stage)
    assert "kills was seen 1 times, 2 at least" in told
    stage.saw("kills")
    assert toothless(Gentle(), stage) == []


def test_every_scenario_says_what_must_be_seen_and_has_a_name_of_its_own() -> None:
    product = [each for each in all_scenarios() if not isinstance(each, Gentle)]
    assert {each.faults for each in product} >= {
        f"F{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 19, 20)
    }
    assert len({each.name for each in product}) == len(product)
    assert all(each.bites and min(each.bites.values()) > 0 for each in product)


def test_scenarios_are_found_by_name_and_by_fault() -> None:
    assert [each.name for each in named(["relay-killed", "F2", "f2"])] == ["relay-killed"]
    with pytest.raises(KeyError, match="relay-kissed"):
        named(["relay-kissed"])


def test_only_an_unbroken_row_of_survivals_is_a_success() -> None:
    def status(*verdicts: Verdict) -> int:
        return _status([Result("a", "F1", "", 1, verdict) for verdict in verdicts])

    assert status(Verdict.SURVIVED, Verdict.SURVIVED) == 0
    assert status(Verdict.SURVIVED, Verdict.NOT_RUN) == 3
    assert status(Verdict.SURVIVED, Verdict.TOOTHLESS) == status(Verdict.NOT_RUN, Verdict.FAILED) == 1


def test_the_same_seed_draws_the_same_campaign(monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn(seed: int) -> list[tuple[str, int]]:
        clock = iter(range(0, 10_000, 25))
        monkeypatch.setattr("deploy.chaos.campaign.time.monotonic", lambda: next(clock))
        courses = _schedule(Asked([Gentle(), Elsewhere(), *named(["F1"])], seed, minutes=5))
        return [(scenario.name, number) for scenario, number in courses]

    assert drawn(3) == drawn(3) != drawn(4)
    assert [name for name, _ in drawn(3)].count("elsewhere") == 1, "told once, and never drawn"
    assert len(drawn(3)) > 10


def test_a_position_that_goes_back_is_told(installation: Installation) -> None:
    listener = Listener(installation, 0)
    listener.positions = [(1, 0, 9), (1, 0, 10), (1, 1, 2), (1, 1, 1), (2, 0, 0)]
    assert listener.went_back == ["listener 1 was told 1.1.2, then 1.1.1"]


def test_requests_go_to_every_api_of_the_service_and_to_no_other(installation: Installation) -> None:
    ports.save(
        installation.ports_file, {"registry-api": 1, "registry-api-2": 2, "registry-relay": 3, "mentoring-api": 4}
    )
    routes = Routes(installation, dice())
    assert {routes("http://127.0.0.1:1/v1/x?a=b") for _ in range(50)} == {
        "http://127.0.0.1:1/v1/x?a=b",
        "http://127.0.0.1:2/v1/x?a=b",
    }
    assert {routes("http://127.0.0.1:4/") for _ in range(20)} == {"http://127.0.0.1:4/"}


def test_two_of_each_run_on_the_ground(installation: Installation) -> None:
    two_of_each(installation)
    names = {program.name for program in installation.programs()}
    assert names >= {f"{name}-2" for name in SCALABLE} | {"registry-relay-2", "mentoring-relay-2"}


def test_logs_are_read_from_the_moment_on_and_across_an_emptied_file(tmp_path: Path) -> None:
    log = tmp_path / "registry-relay.log"

    def write(*events: str) -> None:
        with log.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps({"event": event, "failpoint": "relay.after_ack"}) + "\n" for event in events)

    write("failpoint", "something")
    logs = Logs(tmp_path)
    assert logs.count("failpoint") == 0
    write("failpoint", "failpoint", "something else")
    assert logs.count("failpoint", "registry-*", failpoint="relay.after_ack") == 2
    assert logs.count("failpoint", "mentoring-*") == logs.count("failpoint", failpoint="relay.mid_batch") == 0
    log.write_text("", encoding="utf-8")
    write("failpoint")
    assert logs.count("failpoint") == 1


def test_the_page_keeps_the_rows_that_were_not_measured_anew(tmp_path: Path) -> None:
    path = tmp_path / "reliability.md"
    survived = Result("a-b", "F1", "first", 7, Verdict.SURVIVED, {"kills": 3}, 40, recovery_seconds=2.5)
    page.write(path, [survived], NOW, ["a-b", "c-d", "e-f"])
    first = path.read_text(encoding="utf-8")
    assert "| a-b (F1) | first | kills 3 | 40 | 0 | 0 | 0 | 0 | 0 | 2.5 | survived | 2026-08-17, seed 7" in first
    not_run = Result("c-d", "F2", "second", 8, Verdict.NOT_RUN, problems=("there are no mounts",))
    assert "nothing is claimed of them: `c-d`, `e-f`." in first
    page.write(path, [not_run], NOW, ["a-b", "c-d", "e-f"])
    both = path.read_text(encoding="utf-8")
    assert "| a-b (F1) | first | kills 3 |" in both
    assert "not run, because there are no mounts" in both
    assert "nothing is claimed of them: `e-f`." in both


def test_several_courses_of_a_scenario_are_as_bad_as_the_worst() -> None:
    good = Result("a", "F1", "", 1, Verdict.SURVIVED, {"kills": 3}, 40, duplicates=2, recovery_seconds=2.5)
    bad = Result("a", "F1", "", 2, Verdict.FAILED, {"kills": 1}, 10, lost=1, problems=("one is lost",))
    whole = page.together([good, bad])
    assert (whole.verdict, whole.lost, whole.acknowledged, whole.seen, whole.recovery_seconds, whole.seed) == (
        Verdict.FAILED, 1, 50, {"kills": 4}, 2.5, 2,
    )  # fmt: skip


def test_the_command_lists_scenarios_and_refuses_unknown_ones() -> None:
    listed = CliRunner().invoke(app, ["chaos", "--list", "--json", "--scenario", "F2"])
    assert [each["name"] for each in json.loads(listed.stdout)] == ["relay-killed"]
    refused = CliRunner().invoke(app, ["chaos", "--scenario", "nothing"])
    assert refused.exit_code == 2
    assert "plut chaos --list" in refused.stderr
