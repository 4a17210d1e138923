"""A console over the services that its screens need, in this process."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial

import pytest
from argon2 import PasswordHasher

from services.connections.main import create_app as create_connections
from services.connections.people import passwords
from services.connections.settings import Settings as ConnectionsSettings
from services.fulfilment.main import create_app as create_fulfilment
from services.fulfilment.settings import Settings as FulfilmentSettings
from services.ingest.main import create_app as create_ingest
from services.ingest.settings import Settings as IngestSettings
from services.routing.main import create_app as create_routing
from services.routing.settings import Settings as RoutingSettings
from services.webhooks.main import create_app as create_webhooks
from services.webhooks.settings import Settings as WebhooksSettings
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


@pytest.fixture
async def everything(service_settings: dict[str, str]) -> AsyncIterator[tuple[Console, Api]]:
    """The console over all services."""
    apps = {
        "connections": create_connections(ConnectionsSettings()),
        "ingest": create_ingest(IngestSettings()),
        "routing": create_routing(RoutingSettings()),
        "webhooks": create_webhooks(WebhooksSettings()),
        "fulfilment": create_fulfilment(FulfilmentSettings()),
    }
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(running(app)) for app in apps.values()]
        for client in clients:
            await ready(client)
        console = await stack.enter_async_context(Console.of(apps))
        yield console, Api.of(clients[0], service_settings)
