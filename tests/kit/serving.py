"""A service in this process, asked over HTTP as its callers would."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
from fastapi import FastAPI

from tests.kit.waiting import eventually


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the started service."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(app.router.lifespan_context(app))
        client = httpx.AsyncClient(transport=transport, base_url="http://service")
        yield await stack.enter_async_context(client)


async def ready(client: httpx.AsyncClient) -> None:
    """Return when the service says that it is."""

    async def ask() -> int:
        return (await client.get("/health/ready")).status_code

    await eventually(ask, lambda status: status == 200)
