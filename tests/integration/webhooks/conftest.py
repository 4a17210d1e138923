"""Running webhooks processes, receivers, and the topics and tables around them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI

from services.webhooks.main import create_app
from services.webhooks.settings import Settings
from shared.sealing import Sealer
from tests.kit.publishers import EventPublisher, Topics
from tests.kit.receiver import Receiver
from tests.kit.waiting import eventually

MakeApp = Callable[..., Any]


@pytest.fixture
async def topics(kafka: str, topic_prefix: str) -> AsyncIterator[Topics]:
    async with Topics(kafka, topic_prefix) as opened:
        yield opened


@pytest.fixture
async def database(postgres_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres_dsn, server_settings={"search_path": "webhooks"})
    yield connection
    await connection.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as opened:
        yield opened


@pytest.fixture
async def other_receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as opened:
        yield opened


@pytest.fixture
def sealer(service_environment: dict[str, str]) -> Sealer:
    return Sealer.parse(service_environment["RELEVO_SEALING_KEYS"])


@pytest.fixture
def connection(topics: Topics, sealer: Sealer, receiver: Receiver) -> EventPublisher:
    return EventPublisher(topics, sealer, receiver.url)


@pytest.fixture
def other_connection(topics: Topics, sealer: Sealer, other_receiver: Receiver) -> EventPublisher:
    return EventPublisher(topics, sealer, other_receiver.url)


@pytest.fixture
async def start(service_settings: dict[str, str]) -> AsyncIterator[MakeApp]:
    """Starts a webhooks process with settings of its own, and waits until it is ready."""
    async with AsyncExitStack() as stack:

        async def begin(**changed: Any) -> FastAPI:
            changed.setdefault("shutdown_seconds", 5.0)
            app = create_app(Settings(**changed))
            await stack.enter_async_context(app.router.lifespan_context(app))
            health = app.state.runtime.health
            await eventually(health.report, lambda said: set(said.values()) == {"ok"})
            return app

        yield begin
