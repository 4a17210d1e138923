"""What the tests of Kafka and of the outbox stand on."""

from collections.abc import AsyncIterator

import pytest

from shared.settings import Settings
from tests.kit.publishers import Topics


@pytest.fixture
def settings(service_settings: dict[str, str]) -> Settings:
    """Of a service with a database and topics of its own."""
    return Settings()


@pytest.fixture
def kafka_settings(kafka: str, topic_prefix: str, installation_secrets: dict[str, str]) -> Settings:
    """Of a service that needs no database."""
    return Settings.model_validate(
        {
            "postgres_dsn": "postgresql://nobody@127.0.0.1:1/none",
            "kafka": kafka,
            "topic_prefix": topic_prefix,
            "sealing_keys": installation_secrets["RELEVO_SEALING_KEYS"],
            "auth_jwks": installation_secrets["RELEVO_AUTH_JWKS"],
        }
    )


@pytest.fixture
async def topics(kafka: str, topic_prefix: str) -> AsyncIterator[Topics]:
    """What other services would say, and what was said."""
    async with Topics(kafka, topic_prefix) as topics:
        yield topics
