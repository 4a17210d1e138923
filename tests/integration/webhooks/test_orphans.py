"""What waits for its lane although nothing is before it does not wait for good."""

import asyncpg
import pytest
from prometheus_client import REGISTRY
from uuid_utils.compat import uuid7

from services.webhooks.orphans import store
from tests.integration.webhooks.conftest import MakeApp
from tests.kit.publishers import EventPublisher
from tests.kit.receiver import Receiver

pytestmark = pytest.mark.engines

# Lanes of a head and two followers that nobody has let go, made after the first event there is.
LANES = """
WITH lanes AS (SELECT uuidv7() AS order_id FROM generate_series(1, $1::int)),
e AS (INSERT INTO events SELECT (jsonb_populate_record(model.row, jsonb_build_object(
          'id', uuidv7(), 'order_id', lanes.order_id, 'sequence', s))).*
      FROM lanes, generate_series(1, 3) s, (SELECT events AS row FROM events LIMIT 1) model
      RETURNING id, order_id, sequence)
INSERT INTO deliveries (id, event_id, endpoint_id, order_id, sequence, due_at, state)
SELECT uuidv7(), e.id, d.endpoint_id, e.order_id, e.sequence,
       CASE WHEN e.sequence = 1 THEN now() + interval '1 hour' ELSE 'infinity' END,
       CASE WHEN e.sequence = 1 THEN $2 ELSE 'pending' END
FROM e CROSS JOIN (SELECT endpoint_id FROM deliveries LIMIT 1) d
ORDER BY e.sequence
RETURNING event_id, sequence
"""


async def lanes(database: asyncpg.Connection, count: int, head: str) -> list[tuple[str, int]]:
    """Their events, each with its sequence, heads first."""
    rows = await database.fetch(LANES, count, head)
    return [(str(row["event_id"]), row["sequence"]) for row in rows]


@pytest.fixture
async def running(start: MakeApp, connection: EventPublisher, receiver: Receiver) -> None:
    """A process that has looked, and looks again in a minute."""
    await start()
    await connection.publish_connection()
    await connection.publish_events(uuid7(), 1)
    await receiver.has(1)


def counted() -> float:
    return REGISTRY.get_sample_value("relevo_deliveries_orphaned_total") or 0


async def test_orphans_are_sent_in_order_once_a_process_starts(
    running: None, start: MakeApp, receiver: Receiver, database: asyncpg.Connection
) -> None:
    before = counted()
    _, second, third = await lanes(database, 1, "delivered")
    await start()
    got = await receiver.has(3)

    assert [hook.id for hook in got[1:]] == [second[0], third[0]]
    assert counted() == before + 1


async def test_a_process_that_runs_looks_again(
    start: MakeApp, connection: EventPublisher, receiver: Receiver, database: asyncpg.Connection
) -> None:
    await start(webhooks_orphan_seconds=0.1, webhooks_poll_seconds=0.1)
    await connection.publish_connection()
    await connection.publish_events(uuid7(), 1)
    await receiver.has(1)
    for known in (1, 3):
        await lanes(database, 1, "exhausted")
        await receiver.has(known + 2)


async def test_every_page_is_read_and_what_waits_for_a_head_goes_on_waiting(
    running: None, database: asyncpg.Connection
) -> None:
    await database.execute("UPDATE endpoints SET paused_until = now() + interval '1 hour'")
    for head in ("pending", "retrying", "parked"):
        await lanes(database, 1, head)
    orphaned = await lanes(database, 2, "delivered")

    looks = [await store.let_orphans_go(database, store.FROM_THE_START, 3)]
    while (last := looks[-1].last) is not None:
        looks.append(await store.let_orphans_go(database, last, 3))

    due = await database.fetch(
        "SELECT event_id FROM deliveries "
        "WHERE sequence > 1 AND due_at < 'infinity' AND state = 'pending'"
    )
    assert len(looks) == 4
    assert sum(look.freed for look in looks) == 2
    assert {str(row["event_id"]) for row in due} == {
        event for event, sequence in orphaned if sequence == 2
    }
