"""Migrations and topics: once, by whoever comes first, loud when they cannot."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from relevo.operate import topics
from relevo.operate.migrations import migrate
from services.catalog import NAMES
from shared.kafka.topics import TOPICS
from tests.kit.engines import Addresses, administer

pytestmark = pytest.mark.engines


@pytest.fixture
async def empty_dsn(engines: Addresses) -> AsyncIterator[str]:
    name = f"test_{secrets.token_hex(6)}"
    await administer(engines, f"CREATE DATABASE {name}")
    yield engines.dsn(name)
    await administer(engines, f"DROP DATABASE {name} WITH (FORCE)")


async def test_two_migrations_at_once_apply_each_revision_once(empty_dsn: str) -> None:
    first, second = await asyncio.gather(migrate(empty_dsn), migrate(empty_dsn))
    assert not first or not second
    assert {step.split()[0] for step in first + second} == set(NAMES)
    assert await migrate(empty_dsn) == []


async def test_each_schema_has_its_own_version_table(postgres_dsn: str) -> None:
    session = await asyncpg.connect(postgres_dsn)
    rows = await session.fetch(
        "SELECT schemaname FROM pg_tables WHERE tablename = 'alembic_version' ORDER BY 1"
    )
    await session.close()
    assert [row["schemaname"] for row in rows] == sorted(NAMES)


async def test_a_refusal_is_told_at_once_and_not_waited_out(postgres_dsn: str) -> None:
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncio.wait_for(migrate(f"{postgres_dsn}_missing"), 10)


async def test_a_server_that_stays_away_is_an_error() -> None:
    with pytest.raises(OSError, match="Connect call failed"):
        await migrate("postgresql://nobody@127.0.0.1:9/none", wait_seconds=0.2)


async def test_topics_are_made_once_each_with_its_dead_letters(
    kafka: str, topic_prefix: str
) -> None:
    assert await topics.create(kafka, topic_prefix) == []
    fresh = f"{topic_prefix}more."
    names = {f"{fresh}{name}" for topic in TOPICS for name in (topic.name, topic.dead_letters)}
    created = await topics.create(kafka, fresh, partitions=1)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.delete_topics(created)
    await admin.close()
    assert set(created) == names


async def test_a_broker_that_stays_away_is_an_error() -> None:
    with pytest.raises(KafkaError):
        await topics.create("127.0.0.1:9", wait_seconds=0.2)
