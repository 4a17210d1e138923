"""A running fulfilment process, and the topics and tables around it."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from uuid_utils.compat import uuid7

from services.fulfilment.main import create_app
from services.fulfilment.settings import Settings
from tests.kit.builders import BRAND, OTHER, THREE_PL
from tests.kit.ledger import Ask
from tests.kit.publishers import Topics
from tests.kit.waiting import eventually


@pytest.fixture
async def topics(kafka: str, topic_prefix: str) -> AsyncIterator[Topics]:
    """What routing would say."""
    async with Topics(kafka, topic_prefix) as opened:
        yield opened


@pytest.fixture
async def database(postgres_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A look at fulfilment's tables."""
    connection = await asyncpg.connect(postgres_dsn, server_settings={"search_path": "fulfilment"})
    yield connection
    await connection.close()


@pytest.fixture
async def app(service_settings: dict[str, str]) -> AsyncIterator[FastAPI]:
    """A process that is ready."""
    assert service_settings
    app = create_app(Settings())
    async with app.router.lifespan_context(app):
        health = app.state.runtime.health
        await eventually(health.report, lambda said: set(said.values()) == {"ok"})
        yield app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Anybody."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://fulfilment") as opened:
        yield opened


@pytest.fixture
def ask(
    client: httpx.AsyncClient, make_token: Callable[..., str], service_settings: Mapping[str, str]
) -> Ask:
    """Asks as the brand, its 3PL, a stranger of either kind, or the operator."""
    tokens = {
        "brand": make_token(BRAND, "brand"),
        "three_pl": make_token(THREE_PL, "three_pl"),
        "another brand": make_token(OTHER, "brand"),
        "another 3PL": make_token(uuid7(), "three_pl"),
        "viewer": make_token(THREE_PL, "three_pl", "viewer"),
        "delegated": make_token(
            BRAND, "brand", "operator",
            act={"account": str(THREE_PL), "sub": str(THREE_PL)}, connection=str(uuid7()),
            connection_ver=10**6, epoch=1, store=str(uuid7()), keys=False,
        ),
        "operator": service_settings["RELEVO_FULFILMENT_OPERATOR_KEY"],
    }  # fmt: skip

    async def asked(who: str, method: str, path: str, version: str = "", **sent: Any) -> Any:
        headers = {"authorization": f"Bearer {tokens[who]}", **sent.pop("headers", {})}
        if version:
            headers["if-match"] = f'"{version}"'
        answer = await client.request(method, path, headers=headers, **sent)
        if answer.is_success:
            is_json = answer.headers["content-type"] == "application/json"
            return answer.json() if is_json else answer.content
        said = answer.json()
        return answer.status_code, said["code"], said.get("errors")

    return asked
