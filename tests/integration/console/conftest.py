"""A console over the services that its screens need, in this process."""

from collections.abc import AsyncIterator
from functools import partial

import pytest
from argon2 import PasswordHasher

from services.connections.main import create_app as create_connections
from services.connections.people import passwords
from services.connections.settings import Settings as ConnectionsSettings
from tests.kit.client import Api
from tests.kit.screens import Console
from tests.kit.serving import ready, running


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of a second of both cores for each password would be most of these tests' time."""
    cheap = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "PasswordHasher", cheap)


@pytest.fixture
async def accounts(service_settings: dict[str, str]) -> AsyncIterator[tuple[Console, Api]]:
    """The console over `connections` alone: the other services do not answer."""
    app = create_connections(ConnectionsSettings())
    async with running(app) as client:
        await ready(client)
        async with Console.of({"connections": app}) as console:
            yield console, Api.of(client, service_settings)
