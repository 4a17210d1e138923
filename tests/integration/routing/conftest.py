"""A running routing service, and the topics around it."""

from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest
from fastapi import FastAPI

from services.routing.main import create_app
from services.routing.settings import Settings
from tests.kit.publishers import Topics
from tests.kit.waiting import eventually


@pytest.fixture
async def topics(kafka: str, topic_prefix: str) -> AsyncIterator[Topics]:
    """What other services would say, and what routing said."""
    async with Topics(kafka, topic_prefix) as topics:
        yield topics


@pytest.fixture
async def database(postgres_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A look at routing's tables."""
    connection = await asyncpg.connect(postgres_dsn, server_settings={"search_path": "routing"})
    yield connection
    await connection.close()


@pytest.fixture
def make_app(service_settings: dict[str, str]) -> Callable[[], FastAPI]:
    """Makes a routing process; several share the topics and the database."""
    return lambda: create_app(Settings())


@pytest.fixture
async def app(make_app: Callable[[], FastAPI]) -> AsyncIterator[FastAPI]:
    """A routing process that is ready."""
    app = make_app()
    async with app.router.lifespan_context(app):
        health = app.state.runtime.health
        await eventually(health.report, lambda said: set(said.values()) == {"ok"})
        yield app
