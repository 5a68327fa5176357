"""Ports: kept from start to start, and another one where somebody else listens."""

import json
import socket
from pathlib import Path

import pytest

from deploy.local import ports
from deploy.local.ports import PortBook


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def book(tmp_path: Path, said: list[str]) -> PortBook:
    return PortBook(tmp_path / "ports.json", said.append)


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    return listener


def test_a_chosen_port_is_free_and_never_one_for_outgoing_connections() -> None:
    first_outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    port = ports.choose()
    assert port < first_outgoing
    assert ports.is_free(port)


def test_ports_stay_the_same_from_start_to_start(book: PortBook, said: list[str]) -> None:
    book.choose_for(["postgres", "kafka"])
    before = book["postgres"], book["kafka"]
    book.choose_for(["postgres", "kafka", "registry-api"])
    assert (book["postgres"], book["kafka"]) == before
    assert len({*before, book["registry-api"]}) == 3
    assert said == []


def test_a_taken_port_is_given_up_and_said(book: PortBook, said: list[str]) -> None:
    book.choose_for(["postgres", "kafka"])
    taken, other = book["kafka"], book["postgres"]
    with _listen(taken):
        book.choose_for(["postgres", "kafka"])
    assert book["kafka"] != taken
    assert book["postgres"] == other
    assert said == [f"port {taken} of kafka is taken by another program; kafka gets another one"]


def test_one_process_moves_when_its_port_was_taken_while_it_was_down(book: PortBook) -> None:
    book.choose_for(["registry-api"])
    taken = book["registry-api"]
    book.move_if_taken("registry-api")
    assert book["registry-api"] == taken
    with _listen(taken):
        book.move_if_taken("registry-api")
    assert book["registry-api"] != taken


def test_a_spoilt_file_of_ports_is_written_anew(tmp_path: Path, book: PortBook) -> None:
    (tmp_path / "ports.json").write_text('{"postgres": 1', encoding="utf-8")
    book.choose_for(["postgres"])
    assert ports.load(tmp_path / "ports.json") == {"postgres": book["postgres"]}


@pytest.mark.parametrize("port", [0, -1, 65_536, None])
def test_what_is_no_port_is_chosen_anew(tmp_path: Path, book: PortBook, port: int | None) -> None:
    (tmp_path / "ports.json").write_text(json.dumps({"postgres": port}), encoding="utf-8")
    book.choose_for(["postgres"])
    assert ports.is_free(book["postgres"])
