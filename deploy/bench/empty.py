"""An endpoint that takes a body and does nothing: `python -m deploy.bench.empty` prints its port and serves it.

What a command costs beyond it is ours; the rest is the framework's.
"""

import socket
from typing import Any

import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.post("/v1/businesses", status_code=201)
async def take(body: dict[str, Any]) -> dict[str, int]:
    """Answers with as much as a command does."""
    return {"fields": len(body)}


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)  # noqa: T201  who started it reads this
    config = uvicorn.Config(app, log_level="warning", access_log=False, loop="uvloop", http="httptools")
    uvicorn.Server(config).run(sockets=[listener])
