"""An installation seen from outside: before the first start, beside another one, and when everything is down."""

import asyncio
import errno
import json
import logging
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.cli.main import app
from deploy.local import launcher, ports, status, supervisor
from deploy.local.installation import Installation, NotRunningError
from deploy.local.process import Identity
from deploy.local.scale import keep
from deploy.local.state import ProcessState, ServerState, State
from deploy.local.supervisor import AlreadyRunningError, Supervisor, _alone
from deploy.local.table import MOST_CONSUMERS, PROGRAMS

runner = CliRunner()


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation.open(tmp_path / "plut")


@pytest.fixture
def down(installation: Installation) -> Installation:
    """It ran once; everything of it is gone, as after the machine was switched off."""
    names = ["postgres", "kafka", "kafka-controller", *(program.name for program in PROGRAMS)]
    ports.PortBook(installation.ports_file, print).choose_for(names)
    dead = Identity(2**22 - 1, 1.0)
    servers = [
        ServerState(name, f"127.0.0.1:{installation.ports[name]}", *_gone(dead)) for name in ("postgres", "kafka")
    ]
    processes = [
        ProcessState(
            each.service, each.role, each.number, f"http://127.0.0.1:{installation.ports[each.name]}", *_gone(dead)
        )
        for each in PROGRAMS
    ]
    State(dead.pid, dead.started, ready=True, infrastructure=servers, processes=processes).save(installation.state_file)
    return installation


def _gone(identity: Identity) -> tuple[int, float]:
    return identity.pid, identity.started


def test_nothing_is_made_by_looking(installation: Installation) -> None:
    assert not installation.is_running
    assert installation.processes() == []
    with pytest.raises(NotRunningError, match="Run `plut up` first"):
        installation.url("registry")
    assert not installation.directory.exists()


async def test_status_of_nothing_is_empty(installation: Installation) -> None:
    found = (await status.ask(installation)).as_json()
    assert found["processes"] == found["infrastructure"] == found["read_models"] == []
    assert found["parked"] is None
    assert not installation.directory.exists()


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_the_status_of_nothing_is_a_failure_to_whoever_asks(installation: Installation, options: list[str]) -> None:
    said = runner.invoke(app, ["status", *options, "--data-dir", str(installation.directory)])
    assert said.exit_code == 1
    assert str(installation.directory) in said.stderr
    assert not options or json.loads(said.stdout)["processes"] == []


@pytest.mark.parametrize("command", [["token", "administrator"], ["import", __file__, "--office", "35.76"]])
def test_what_needs_an_installation_says_that_there_is_none(installation: Installation, command: list[str]) -> None:
    said = runner.invoke(app, [*command, "--data-dir", str(installation.directory)])
    assert said.exit_code == 1
    assert "Run `plut up` first" in said.stderr


@pytest.mark.parametrize(
    "command",
    [["up"], ["up", "--detach"], ["demo", "--once"], ["token", "administrator"], ["scale", "reporting-consume", "2"]],
)
def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "file").touch()
    said = runner.invoke(app, [*command, "--data-dir", str(tmp_path / "file" / "plut")])
    assert said.exit_code == 1
    assert str(tmp_path / "file") in said.stderr
    assert "--data-dir" in said.stderr


@pytest.mark.parametrize("content", ["", "{", "null", "[]", "7"])
def test_a_spoilt_state_is_none(down: Installation, content: str) -> None:
    down.state_file.write_text(content, encoding="utf-8")
    assert down.state is None


def test_a_supervisor_is_known_by_its_lock_too(down: Installation) -> None:
    """While it is young it has written no state, and a spoilt one is written anew when something changes."""
    import os

    own = Identity.of(os.getpid())
    down.lock_file.write_text(json.dumps({"pid": own.pid, "started": own.started}), encoding="utf-8")
    assert down.is_running, "what an earlier supervisor wrote was believed"
    down.state_file.unlink()
    assert down.is_running
    down.lock_file.write_text("{", encoding="utf-8")
    assert not down.is_running


def test_a_spoilt_number_of_brokers_is_told_and_not_guessed(down: Installation) -> None:
    down.brokers_file.write_text("{", encoding="utf-8")
    said = runner.invoke(app, ["status", "--data-dir", str(down.directory)])
    assert said.exit_code == 1
    assert "how many brokers" in said.stderr


@pytest.mark.parametrize(
    "command", [["check"], ["parked", "list"], ["replay"], ["rebuild", "reporting"], ["codes"], ["token", "auditor"]]
)
def test_secrets_that_cannot_be_read_are_not_taken_for_a_missing_postgres(
    down: Installation, command: list[str]
) -> None:
    down.secrets_home.touch()
    said = runner.invoke(app, [*command, "--data-dir", str(down.directory)])
    assert said.exit_code == (2 if command == ["check"] else 1)
    assert str(down.secrets_home) in said.stderr
    assert "Postgres" not in said.stderr


def test_the_doctor_names_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = runner.invoke(app, ["doctor", "--json", "--data-dir", str(tmp_path / "file" / "plut")])
    assert said.exit_code == 1
    findings = {each["subject"]: each for each in json.loads(said.stdout)["findings"]}
    assert "is no directory" in findings["data directory"]["found"]


def test_a_topic_without_a_name_is_not_every_topic(down: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a variable of a script was empty."""
    asked: list[str | None] = []

    async def noted(
        _installation: Installation, topic: str | None, *_rest: object, **_more: object
    ) -> dict[str, object]:
        asked.append(topic)
        return {}

    monkeypatch.setattr("deploy.cli.replay._replay", noted)
    runner.invoke(app, ["replay", "--topic", "", "--new-history", "--data-dir", str(down.directory)])
    assert asked == []


async def test_status_when_everything_is_down(down: Installation) -> None:
    found = (await status.ask(down)).as_json()
    assert len(found["processes"]) == len(PROGRAMS)
    assert {(each["pid"], each["healthy"]) for each in found["processes"]} == {(None, False)}
    assert [(each["name"], each["pid"], each["healthy"]) for each in found["infrastructure"]] == [
        ("postgres", None, False),
        ("kafka", None, False),
    ]
    assert found["outbox_backlog"] == dict.fromkeys(("registry", "mentoring", "reporting"))
    assert found["parked"] is None


def test_the_command_shows_it_to_programs_and_to_people(down: Installation) -> None:
    for_programs = runner.invoke(app, ["status", "--json", "--data-dir", str(down.directory)])
    assert for_programs.exit_code == 0
    wanted = {"processes", "infrastructure", "outbox_backlog", "consumer_lag", "parked", "read_models"}
    assert wanted <= json.loads(for_programs.stdout).keys()
    for_people = runner.invoke(app, ["status", "--data-dir", str(down.directory)])
    assert for_people.exit_code == 0
    assert for_people.stdout.count("DOWN") == len(PROGRAMS) + 2


async def test_a_second_supervisor_is_kept_away(installation: Installation) -> None:
    with _alone(installation), pytest.raises(AlreadyRunningError, match="already runs in"):
        await Supervisor(installation, print).run(lambda: None)


async def test_what_finds_no_room_is_written_once_there_is_some(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often something has changed meanwhile."""
    running, written = Supervisor(installation, print), asyncio.Event()
    tries: list[bool] = []

    def save() -> None:
        tries.append(len(tries) >= 3)
        if not tries[-1]:
            raise OSError(errno.ENOSPC, "no room")
        written.set()

    monkeypatch.setattr(supervisor, "_SAVE_AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(running, "_save", save)
    for _ in range(3):
        running._save_or_later()
    await written.wait()
    await asyncio.sleep(0.1)
    assert tries == [False, False, False, True]


def _sleeper() -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])


async def test_a_start_that_is_broken_off_leaves_no_supervisor(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also none so young that it has written down nothing of itself yet."""
    begun = asyncio.Event()
    started = _sleeper()

    def young(_installation: Installation, _log: Path) -> "subprocess.Popen[bytes]":
        begun.set()
        return started

    monkeypatch.setattr(launcher, "_start_supervisor", young)
    starting = asyncio.create_task(launcher.launch(installation, print))
    await begun.wait()
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert started.poll() is not None


def test_a_second_up_says_where_it_runs_already(down: Installation) -> None:
    import os

    own = Identity.of(os.getpid())
    State(own.pid, own.started, ready=True).save(down.state_file)
    said = runner.invoke(app, ["up", "--detach", "--data-dir", str(down.directory)])
    assert said.exit_code == 1
    assert down.url("reporting") in said.stderr
    assert "plut down" in said.stderr


def test_down_is_safe_to_run_when_nothing_runs(down: Installation) -> None:
    said = runner.invoke(app, ["down", "--data-dir", str(down.directory)])
    assert said.exit_code == 0
    assert "nothing was running" in said.stdout


def test_an_unknown_process_is_named_with_the_known_ones(down: Installation) -> None:
    said = runner.invoke(app, ["up", "kafak", "--data-dir", str(down.directory)])
    assert said.exit_code == 1
    assert "registry-api" in said.stderr


def test_consumers_are_many_where_that_was_asked_for(down: Installation) -> None:
    def said(*words: str) -> Result:
        return runner.invoke(app, ["scale", *words, "--data-dir", str(down.directory)])

    assert "3 of reporting-consume will run from the next start" in said("reporting-consume", "3").stdout
    assert said("mentoring-consume", str(MOST_CONSUMERS)).exit_code == 0
    assert said("mentoring-consume", "1").exit_code == 0
    assert "2 of registry-api will run" in said("registry-api", "2").stdout
    names = [program.name for program in down.programs()]
    assert len(names) == len(set(names)) == len(PROGRAMS) + 3
    assert {"registry-api-2", "reporting-consume", "reporting-consume-2", "reporting-consume-3"} <= set(names)
    refused = [said("registry-relay", "2"), said("reporting-consume", str(MOST_CONSUMERS + 1))]
    assert [one.exit_code for one in refused] == [2, 2]
    assert "registry-consume" in refused[0].stderr
    assert f"Ask for {MOST_CONSUMERS} at most" in refused[1].stderr
    assert [program.name for program in down.programs()] == names, "what was refused was kept"
    down.scale_file.write_text('{"reporting-consume": 9999, "registry-relay": 2, "mentoring-consume": "two"}', "utf-8")
    assert down.programs() == PROGRAMS, "a spoilt file counts as none"


def test_a_further_consumer_is_told_what_the_first_is_told(down: Installation) -> None:
    keep(down.scale_file, "registry-consume", 2)
    first, second = (program for program in down.programs() if program.argv == _argv_of(down, "registry-consume"))
    ports.PortBook(down.ports_file, print).add(second.name)
    one, other = down.environment(first), down.environment(second)
    assert {name for name in one if one[name] != other[name]} == {"PLUT_HTTP_PORT"}
    assert one["PLUT_KEYS_DIR"] == other["PLUT_KEYS_DIR"]


def _argv_of(installation: Installation, name: str) -> list[str]:
    return next(program.argv for program in installation.programs() if program.name == name)


def test_secrets_are_for_their_owner_only_and_stay(down: Installation) -> None:
    first = down.password("registry", "api")
    assert first == down.password("registry", "app") != down.password("registry", "relay")
    files = [path for path in (down.directory / "secrets").rglob("*") if path.is_file()]
    assert files
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(down.secrets_dir("registry", "api").stat().st_mode) == 0o700


def test_no_secret_is_in_a_processs_environment(down: Installation) -> None:
    for program in PROGRAMS:
        told = " ".join(down.environment(program).values())
        secrets = [
            path.read_text(encoding="ascii") for path in (down.directory / "secrets").rglob("*") if path.is_file()
        ]
        assert not [secret for secret in secrets if secret and secret in told]


def test_the_doctor_names_a_half_written_cluster(installation: Installation) -> None:
    (installation.directory / "postgres").mkdir(parents=True)
    said = runner.invoke(app, ["doctor", "--json", "--data-dir", str(installation.directory)])
    assert said.exit_code == 1
    findings = {each["subject"]: each for each in json.loads(said.stdout)["findings"]}
    assert "not a cluster that was completely made" in findings["data directory"]["found"]
    assert findings["Postgres"]["ok"]


def test_the_doctor_names_what_a_cluster_has_lost(installation: Installation) -> None:
    cluster = installation.directory / "postgres"
    cluster.mkdir(parents=True)
    for name in ("plut-complete", "PG_VERSION"):
        (cluster / name).touch()
    said = runner.invoke(app, ["doctor", "--json", "--data-dir", str(installation.directory)])
    assert said.exit_code == 1
    findings = {each["subject"]: each for each in json.loads(said.stdout)["findings"]}
    assert "has lost global/pg_control" in findings["data directory"]["found"]
    assert "restore" in findings["data directory"]["cure"]


def test_logs_of_a_service_are_those_of_its_processes(down: Installation) -> None:
    down.logs.mkdir()
    for name in ("registry-api", "registry-relay"):
        (down.logs / f"{name}.log").write_text(f"{name} says\n", encoding="utf-8")
    shown = runner.invoke(app, ["logs", "registry", "--data-dir", str(down.directory)])
    assert shown.stdout.splitlines() == ["registry-api: registry-api says", "registry-relay: registry-relay says"]
    assert runner.invoke(app, ["logs", "nobody", "--data-dir", str(down.directory)]).exit_code == 1


@pytest.mark.parametrize(
    "asked", [["front_desk"], ["front_desk", "--office", "99.99"], ["auditor", "--office", "35.76"]]
)
def test_a_token_that_cannot_be_is_told_by_a_command_that_can(down: Installation, asked: list[str]) -> None:
    place = ["--data-dir", str(down.directory)]
    said = runner.invoke(app, ["token", *asked, *place])
    assert said.exit_code == 1
    _, _, cure = said.stderr.partition("plut token ")
    made = runner.invoke(app, ["token", *cure.split(), *place])
    assert made.exit_code == 0, made.stderr
    assert made.stdout.count(".") == 2


def test_kafka_s_client_is_not_heard_beside_a_command(
    installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    """It says one line for each try to reach what is not there; in between nobody finds what the command says."""
    caplog.set_level(logging.WARNING, logger="aiokafka")  # and as it was before, when the test is over
    runner.invoke(app, ["status", "--data-dir", str(installation.directory)])
    logging.getLogger("aiokafka.cluster").error("Topic %s not found in cluster metadata", "registry.office.v1")
    assert not caplog.records


@pytest.mark.parametrize(
    "command",
    [
        "up",
        "down",
        "status",
        "doctor",
        "token",
        "codes",
        "check",
        "logs",
        "parked",
        "replay",
        "rebuild",
        "bench",
        "scale",
        "demo",
    ],
)
def test_every_command_explains_itself(command: str) -> None:
    shown = runner.invoke(app, [command, "--help"])
    assert shown.exit_code == 0
    assert "Usage" in shown.stdout
