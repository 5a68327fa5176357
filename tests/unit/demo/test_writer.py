"""A writer sends until it is answered, and its log says what it was told and what it never learnt."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from deploy.demo.writer import Log, Writer

Answer = Callable[[bytes], tuple[int, dict[str, Any], str]]


class Desk:
    """An HTTP server that answers as it is told and remembers the keys that reached it."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.lines: list[str] = []
        self.answers: list[tuple[int, dict[str, Any], str]] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                headers = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:] if ": " in line)
                await reader.readexactly(int(headers.get("content-length", 0)))
                self.lines.append(head.decode().split("\r\n")[0].split()[0] + " " + headers.get("if-match", "-"))
                self.keys.append(headers.get("idempotency-key", ""))
                status, body, more = self.answers.pop(0) if self.answers else (201, {"id": "b", "version": 1}, "")
                content = json.dumps(body).encode()
                writer.write(
                    f"HTTP/1.1 {status} OK\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n"
                    f"{more}\r\n".encode()
                    + content
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/businesses"
    yield made
    server.close()


async def _token() -> str:
    return "t"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


async def test_a_lost_answer_is_logged_as_unknown_and_fetched_with_the_same_key(desk: Desk, tmp_path: Path) -> None:
    writer = Writer(Log(tmp_path / "35.76.jsonl"))
    told = await writer.send_and_lose_the_answer(desk.url, {}, _token)
    await writer.close()
    logged = lines(tmp_path / "35.76.jsonl")
    assert [line["status"] for line in logged] == [None, 201]
    assert len({line["key"] for line in logged}) == 1
    assert set(desk.keys) == {logged[0]["key"]}
    assert len(desk.keys) == 2, "the request whose answer was lost has left"
    assert told.status == 201


async def test_a_double_click_sends_one_key_twice(desk: Desk, tmp_path: Path) -> None:
    writer = Writer(Log(tmp_path / "35.76.jsonl"))
    first, second = await writer.send_twice_at_once(desk.url, {}, _token)
    await writer.close()
    assert (first.status, second.status) == (201, 201)
    assert len(desk.keys) == 2
    assert len(set(desk.keys)) == 1


async def test_a_correction_names_the_revision_that_was_seen(desk: Desk, tmp_path: Path) -> None:
    writer = Writer(Log(tmp_path / "35.76.jsonl"))
    await writer.send(desk.url, {}, _token, seen=3)
    await writer.send(desk.url, {}, _token)
    await writer.close()
    assert desk.lines == ['PATCH "3"', "POST -"]


async def test_what_is_busy_is_sent_again_and_what_is_refused_is_not(desk: Desk, tmp_path: Path) -> None:
    writer = Writer(Log(tmp_path / "35.76.jsonl"))
    desk.answers = [(503, {"title": "tidak tersedia"}, "retry-after: 1\r\n"), (422, {"title": "tidak sah"}, "")]
    told = await writer.send(desk.url, {}, _token)
    await writer.close()
    assert told.status == 422
    assert [line["status"] for line in lines(tmp_path / "35.76.jsonl")] == [503, 422]


async def test_a_reader_waits_for_what_is_away_and_takes_a_refusal_for_an_answer(desk: Desk, tmp_path: Path) -> None:
    writer = Writer(Log(tmp_path / "35.76.jsonl"))
    desk.answers = [(503, {}, "retry-after: 1\r\n"), (200, {"items": []}, ""), (403, {}, "")]
    assert await writer.read(desk.url, _token) == {"items": []}
    with pytest.raises(httpx.HTTPStatusError):
        await writer.read(desk.url, _token)
    await writer.close()


async def test_a_reader_whose_token_is_not_taken_any_more_takes_another(desk: Desk, tmp_path: Path) -> None:
    tokens = ["old", "new"]

    async def token() -> str:
        return tokens.pop(0)

    writer = Writer(Log(tmp_path / "35.76.jsonl"))
    desk.answers = [(401, {}, ""), (200, {"items": []}, "")]
    assert await writer.read(desk.url, token) == {"items": []}
    assert tokens == []
    await writer.close()


def test_a_line_that_a_kill_cut_off_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "35.76.jsonl"
    path.write_text('{"key": "a", "status": 201, "answer": null, "at": "2026-11-21T00:00:00+00:00"}\n{"key": "b", "st')
    log = Log(path)
    log.write("c", None, None)
    log.close()
    assert [line["key"] for line in lines(path)] == ["a", "c"]
