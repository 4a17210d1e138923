"""What a process says of itself."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from shared.health import Health


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
async def client(health: Health) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.include_router(health.router())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield client


async def fine() -> None:
    """Nothing is missing."""


async def lagging() -> str:
    return "orders.received: no partitions assigned"


async def broken() -> None:
    raise ConnectionRefusedError("connection refused")


async def wordless() -> None:
    raise LookupError


async def hanging() -> None:
    await asyncio.Event().wait()


async def test_a_process_is_ready_when_every_check_is_fine(
    health: Health, client: httpx.AsyncClient
) -> None:
    health.add("database", fine)
    health.add("kafka", fine)
    answer = await client.get("/health/ready")
    assert (answer.status_code, answer.json()) == (
        200, {"status": "ok", "checks": {"database": "ok", "kafka": "ok"}},
    )  # fmt: skip


async def test_one_check_that_is_not_fine_is_503_and_named(
    health: Health, client: httpx.AsyncClient
) -> None:
    health.add("database", broken)
    health.add("kafka", fine)
    health.add("consumers", lagging)
    health.add("odd", wordless)
    answer = await client.get("/health/ready")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json() == {
        "status": "not_ready",
        "checks": {
            "database": "connection refused",
            "kafka": "ok",
            "consumers": "orders.received: no partitions assigned",
            "odd": "LookupError",
        },
    }


async def test_checks_that_hang_are_not_waited_for_long_and_not_one_after_another(
    health: Health, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.health._CHECK_SECONDS", 0.05)
    for n in range(100):
        health.add(str(n), hanging)
    async with asyncio.timeout(4):
        answer = await client.get("/health/ready")
    assert answer.status_code == 503
    assert set(answer.json()["checks"].values()) == {"TimeoutError"}


async def test_a_process_that_is_not_ready_lives(health: Health, client: httpx.AsyncClient) -> None:
    health.add("database", broken)
    answer = await client.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_metrics_are_prometheus_text(client: httpx.AsyncClient) -> None:
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    for name in ("relevo_messages_total", "relevo_outbox_oldest_age_seconds"):
        assert f"# TYPE {name}" in answer.text
