"""Server-sent events as a browser reads them, from a service that listens on a socket."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from relevo.local.processes import free_port
from tests.kit.waiting import eventually


@asynccontextmanager
async def listening(app: FastAPI) -> AsyncIterator[str]:
    """The address of a service whose lifespan somebody else has begun."""
    port = free_port()
    config = uvicorn.Config(
        app, port=port, lifespan="off", log_config=None, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await eventually(lambda: _is_started(server))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


async def _is_started(server: uvicorn.Server) -> bool:
    return server.started


@dataclass
class Events:
    """What a stream has said so far; blocks are as the wire has them, by field."""

    status: int
    blocks: list[dict[str, str]] = field(default_factory=list)
    is_over: bool = False

    @property
    def last_id(self) -> str:
        """What a browser would send as `Last-Event-ID`."""
        return next((one["id"] for one in reversed(self.blocks) if "id" in one), "")

    @property
    def told(self) -> list[dict[str, str]]:
        """Those with data."""
        return [one for one in self.blocks if "data" in one]


@asynccontextmanager
async def stream(url: str, headers: Mapping[str, str], **params: Any) -> AsyncIterator[Events]:
    """A stream that is read in the background; it has begun when this returns."""
    async with (
        httpx.AsyncClient(trust_env=False, timeout=httpx.Timeout(10, read=None)) as client,
        client.stream("GET", url, headers=dict(headers), params=params or None) as answer,
    ):
        events = Events(answer.status_code)
        if not answer.is_success:
            await answer.aread()
            yield events
            return
        reading = asyncio.create_task(_read(answer, events))
        try:
            yield events
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def _read(answer: httpx.Response, events: Events) -> None:
    block: dict[str, str] = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(":")
        if line:
            before = block.get(name)
            block[name or "comment"] = f"{before}\n{value.strip()}" if before else value.strip()
        else:
            events.blocks.append(block)
            block = {}
    events.is_over = True
