"""Postgres did what it was told, and its answer is lost: nothing waits for the end of a lease."""

from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from services.webhooks import store
from tests.integration.webhooks.conftest import MakeApp
from tests.integration.webhooks.test_deliveries import states
from tests.kit.publishers import EventPublisher
from tests.kit.receiver import Receiver

pytestmark = pytest.mark.engines


@pytest.fixture
def lose_answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[Any]]:
    """The next answer of a statement that has something in it gets lost; what was lost so far."""

    def lose(name: str) -> list[Any]:
        lost: list[Any] = []
        statement = getattr(store, name)

        async def unheard(*given: Any) -> Any:
            answer = await statement(*given)
            if answer and not lost:
                lost.append(answer)
                raise asyncpg.ConnectionDoesNotExistError("connection was closed")
            return answer

        monkeypatch.setattr(store, name, unheard)
        return lost

    return lose


async def test_what_was_stored_is_sent(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
    lose_answer: Callable[[str], list[Any]],
) -> None:
    await start()
    await connection.publish_connection()
    await connection.publish_events(uuid7(), 1)
    await receiver.has(1)
    lost = lose_answer("insert_events")
    await connection.publish_events(uuid7(), 1, 2)
    await receiver.has(3)

    await states(database, *["delivered"] * 3)
    assert any(row.leased for row in lost[0].values())
    assert [got.sequence for got in receiver.got] == [1, 1, 2]


async def test_what_was_claimed_is_sent_and_nothing_twice(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
    lose_answer: Callable[[str], list[Any]],
) -> None:
    lost = lose_answer("claim_due_deliveries")
    await start()
    orders = [uuid7() for _ in range(5)]
    for order in orders:
        await connection.publish_events(order, 1)
    await states(database, *["pending"] * 5)
    await connection.publish_connection()
    await receiver.has(5)

    await states(database, *["delivered"] * 5)
    assert lost
    assert sorted(got.order for got in receiver.got) == sorted(map(str, orders))
