"""What ingest only shows is bounded in time, and is never in the way of orders."""

import asyncio
from collections.abc import AsyncIterator, Callable

import asyncpg
import httpx
import pytest
from uuid_utils.compat import uuid7

from services.ingest.main import create_app
from services.ingest.settings import Settings
from tests.kit.serving import ready, running

pytestmark = pytest.mark.engines


@pytest.fixture
async def client(service_settings: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(postgres_pool_size=2, postgres_read_pool_size=1, postgres_read_seconds=0.3)
    async with running(create_app(settings)) as client:
        await ready(client)
        yield client


async def test_a_read_over_its_time_is_answered_503_and_others_are_served(
    client: httpx.AsyncClient, postgres_dsn: str, make_token: Callable[..., str]
) -> None:
    mine = {"authorization": f"Bearer {make_token(uuid7(), 'brand')}"}
    other = await asyncpg.connect(postgres_dsn)
    async with other.transaction():
        await other.execute("LOCK TABLE ingest.quarantine")
        answers = await asyncio.gather(
            *(client.get("/v1/quarantine", headers=mine) for _ in range(5)),
            client.get(f"/v1/quarantine/{uuid7()}", headers=mine),
        )
        # Readiness asks the pool that orders use, and gets its session at once.
        assert (await client.get("/health/ready")).status_code == 200
    await other.close()
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
        assert answer.headers["retry-after"]
    assert (await client.get("/v1/quarantine", headers=mine)).status_code == 200
