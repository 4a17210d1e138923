"""A running connections service, its operator, and what it tells the other services."""

from collections.abc import AsyncIterator

import pytest

from services.connections.main import create_app
from services.connections.settings import Settings
from tests.kit.parties import Office
from tests.kit.serving import ready, running
from tests.kit.topics import Topics


@pytest.fixture
async def topics(kafka: str, topic_prefix: str) -> AsyncIterator[Topics]:
    """What connections said."""
    async with Topics(kafka, topic_prefix) as topics:
        yield topics


@pytest.fixture
async def office(service_settings: dict[str, str]) -> AsyncIterator[Office]:
    """The service, ready."""
    async with running(create_app(Settings())) as client:
        await ready(client)
        yield Office(client, service_settings["RELEVO_CONNECTIONS_OPERATOR_KEY"])
