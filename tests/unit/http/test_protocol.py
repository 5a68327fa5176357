"""Bytes that are no HTTP get the same kind of refusal as everything else."""

import asyncio
import json

import pytest
import uvicorn
from fastapi import FastAPI
from uvicorn.server import ServerState

from shared.http.protocol import Protocol

_NOT_HTTP = [
    b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \x00\r\n\r\n",
    b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\r\n\r\n",
]


@pytest.mark.parametrize("sent", _NOT_HTTP)
async def test_what_is_not_http_is_refused_with_a_cure(sent: bytes) -> None:
    head, body = await _answer(sent)
    problem = json.loads(body)
    assert head.startswith("HTTP/1.1 400 ")
    assert "content-type: application/problem+json" in head.lower()
    assert problem["type"] == "urn:plut:problem:unreadable-request"
    assert problem["status"] == 400
    assert problem["cure"]
    assert f"x-correlation-id: {problem['correlation_id']}" in head.lower()


async def _answer(sent: bytes) -> tuple[str, bytes]:
    config = uvicorn.Config(FastAPI(), http=Protocol, loop="none", ws="none", log_config=None)
    config.load()
    server = await asyncio.get_running_loop().create_server(
        lambda: Protocol(config=config, server_state=ServerState(), app_state={}), "127.0.0.1", 0
    )
    try:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(sent)
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()
    finally:
        server.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.decode(), body
