"""One store of ingest, what it sends, and a running service that knows it."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from uuid_utils.compat import uuid7

from services.ingest.main import create_app
from services.ingest.settings import Settings
from shared.contracts.stores_changed import StoreChanged, StoreCredential
from shared.kafka.topics import STORES_CHANGED
from shared.sealing import Sealer
from tests.kit.publishers import Topics
from tests.kit.serving import ready, running
from tests.kit.waiting import eventually

SHOPIFY_BODY = (Path(__file__).parents[2] / "unit/ingest/platforms/shopify/order.json").read_bytes()
SECRET = "shpss_secret"
KEY = "rsk_key"
Client = httpx.AsyncClient


class StoreOwner:
    """One store, and what `connections` publishes of it."""

    def __init__(self, topics: Topics, sealer: Sealer) -> None:
        self.id, self.brand_id = uuid7(), uuid7()
        self._topics, self._sealer = topics, sealer
        self._version = 0

    async def publish(
        self,
        keys: tuple[str, ...] = (KEY,),
        secrets: tuple[str, ...] = (SECRET,),
        **fields: Any,
    ) -> None:
        self._version += 1
        credentials = [
            StoreCredential(
                id=uuid7(), kind="api_key", digest=hashlib.sha256(key.encode()).hexdigest()
            )
            for key in keys
        ] + [
            StoreCredential(
                id=uuid7(), kind="shopify", sealed_secret=self._sealer.seal(s, f"store:{self.id}")
            )
            for s in secrets
        ]
        change = StoreChanged(
            store_id=self.id, brand_id=self.brand_id, platform="shopify", domain="a.example",
            version=self._version, credentials=tuple(credentials), changed_at=datetime.now(UTC),
            **fields,
        )  # fmt: skip
        await self._topics.publish(STORES_CHANGED.name, str(self.id), change)


def an_order(external_id: str = "1", **fields: Any) -> dict[str, Any]:
    return {
        "external_id": external_id,
        "created_at": "2026-03-01T12:00:00Z",
        "updated_at": "2026-03-01T12:00:00Z",
        "currency": "EUR",
        "total": "10.00",
        "lines": [{"title": "Mug", "quantity": 1, "price": "10.00"}],
        **fields,
    }


def signed(body: bytes, topic: str = "orders/create", secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return {
        "x-shopify-hmac-sha256": base64.b64encode(digest).decode(),
        "x-shopify-topic": topic,
        "content-type": "application/json",
    }


BEARER = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}


@pytest.fixture
async def topics(kafka: str, topic_prefix: str) -> AsyncIterator[Topics]:
    async with Topics(kafka, topic_prefix) as found:
        yield found


@pytest.fixture
def sealer(service_settings: dict[str, str]) -> Sealer:
    return Sealer.parse(service_settings["RELEVO_SEALING_KEYS"])


@pytest.fixture
def shop(topics: Topics, sealer: Sealer) -> StoreOwner:
    return StoreOwner(topics, sealer)


async def known(client: Client, shop: StoreOwner, key: str = KEY) -> None:
    async def ask() -> int:
        bearer = {"authorization": f"Bearer {key}"}
        return (await client.get(f"/v1/stores/{shop.id}", headers=bearer)).status_code

    await eventually(ask, lambda status: status == 200)


async def kept(database: asyncpg.Connection) -> None:
    """Until what the process knows stands in Postgres: it answers a moment before that."""
    await eventually(lambda: database.fetchval("SELECT count(*) FROM ingest.stores"))


@pytest.fixture
async def client(service_settings: dict[str, str], shop: StoreOwner) -> AsyncIterator[Client]:
    """A ready ingest that knows `shop`."""
    async with running(create_app(Settings())) as client:
        await ready(client)
        await shop.publish()
        await known(client, shop)
        yield client
