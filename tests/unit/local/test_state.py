"""The state file: read whole or not at all, and a recycled pid is nobody's."""

import os
from pathlib import Path

import pytest

from deploy.local.process import Identity
from deploy.local.state import ProcessState, ServerState, State, process_name


def _state() -> State:
    own = Identity.of(os.getpid())
    servers = [ServerState("postgres", "127.0.0.1:15001", own.pid, own.started, 2)]
    processes = [ProcessState("registry", "relay", 2, "http://127.0.0.1:15002", own.pid, own.started)]
    return State(own.pid, own.started, ready=True, infrastructure=servers, processes=processes)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    _state().save(tmp_path / "run" / "state.json")
    assert State.load(tmp_path / "run" / "state.json") == _state()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', '{"pid": 1, "infrastructure": 5, "processes": []}'])
def test_a_spoilt_file_counts_as_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(content, encoding="utf-8")
    assert State.load(path) is None


def test_a_process_is_recognised_by_pid_and_start() -> None:
    own = Identity.of(os.getpid())
    assert own.is_alive
    assert not Identity(own.pid, own.started - 60).is_alive, "a recycled pid was taken for the process"


@pytest.mark.parametrize(
    ("service", "role", "number", "name"),
    [
        ("registry", "api", 1, "registry-api"),
        ("registry", "relay", 2, "registry-relay-2"),
        ("issuer", "issuer", 1, "issuer"),
    ],
)
def test_processes_have_speaking_names(service: str, role: str, number: int, name: str) -> None:
    assert process_name(service, role, number) == name
