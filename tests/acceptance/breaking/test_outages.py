"""An engine is away for a while: no loss, recovery without a hand, and readiness said so."""

import asyncio

import pytest

from relevo.local.stack import Stack
from relevo.operate.status import health
from tests.acceptance.world import World, a_world
from tests.kit.waiting import eventually

ORDERS = 600
AWAY_SECONDS = 20


async def not_ready(stack: Stack, service: str, check: str) -> None:
    async def ask() -> tuple[bool, dict[str, str]]:
        return await asyncio.to_thread(health, stack.urls[service])

    _, checks = await eventually(ask, lambda said: not said[0], seconds=25)
    assert checks[check] != "ok"


async def all_ready(stack: Stack) -> None:
    async def ask() -> list[bool]:
        said = [await asyncio.to_thread(health, url) for url in stack.urls.values()]
        return [ready for ready, _ in said]

    await eventually(ask, all, seconds=60)


async def send_steadily(world: World, external_ids: list[str], seconds: float) -> None:
    """Spread over the time, whatever happens meanwhile."""
    pause = seconds / len(external_ids)
    sending = []
    for external_id in external_ids:
        sending.append(asyncio.create_task(world.send(external_id)))
        await asyncio.sleep(pause)
    await asyncio.gather(*sending)


@pytest.mark.timeout(240)
async def test_kafka_stopped_for_twenty_seconds(stack: Stack) -> None:
    async with a_world(stack) as world:
        sent = [str(n) for n in range(ORDERS)]
        await world.send_all(sent[:100])
        stack.kafka.stop()
        await asyncio.gather(
            send_steadily(world, sent[100:500], AWAY_SECONDS),
            not_ready(stack, "ingest", "kafka"),
            not_ready(stack, "routing", "kafka"),
        )
        stack.kafka.start()
        await world.send_all(sent[500:])
        await world.balance(set(sent), seconds=90)
        await all_ready(stack)
        # Accepted all the while: the spool took what the log could not.
        assert set(world.answers) == {"202"}


@pytest.mark.timeout(240)
async def test_postgres_restarted(stack: Stack) -> None:
    async with a_world(stack) as world:
        sent = [str(n) for n in range(ORDERS)]
        await world.send_all(sent[:100])
        stack.postgres.kill()
        await not_ready(stack, "routing", "database")
        await world.send_all(sent[100:300])
        stack.postgres.start()
        await world.send_all(sent[300:])
        await world.balance(set(sent), seconds=90)
        await all_ready(stack)
