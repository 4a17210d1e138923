"""A running connections service, its operator, and what it publishes."""

from collections.abc import AsyncIterator
from functools import partial

import pytest
from argon2 import PasswordHasher

from services.connections.main import create_app
from services.connections.people import passwords
from services.connections.settings import Settings
from tests.kit.client import Api
from tests.kit.engines import Addresses, administer
from tests.kit.publishers import Topics
from tests.kit.restoring import Installation
from tests.kit.serving import ready, running


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of a second of both cores for each password would be most of these tests' time."""
    cheap = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "PasswordHasher", cheap)


@pytest.fixture
async def topics(kafka: str, topic_prefix: str) -> AsyncIterator[Topics]:
    """What connections said."""
    async with Topics(kafka, topic_prefix) as topics:
        yield topics


@pytest.fixture
async def api(service_settings: dict[str, str]) -> AsyncIterator[Api]:
    """The service, ready."""
    async with running(create_app(Settings())) as client:
        await ready(client)
        yield Api.of(client, service_settings)


@pytest.fixture
def installation(engines: Addresses, service_settings: dict[str, str]) -> Installation:
    return Installation(engines, service_settings)


@pytest.fixture
async def backup(engines: Addresses, postgres_dsn: str) -> AsyncIterator[str]:
    """The name of a copy of the database that a test may make."""
    name = f"{postgres_dsn.rsplit('/', 1)[1]}_backup"
    yield name
    await administer(engines, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
