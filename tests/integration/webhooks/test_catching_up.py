"""What webhooks knows of endpoints and erased accounts, read again at each start."""

from uuid import uuid4

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from shared.contracts.accounts_changed import AccountKind
from tests.integration.webhooks.conftest import MakeApp
from tests.integration.webhooks.test_returns import put, states
from tests.kit.publishers import EventPublisher
from tests.kit.receiver import Receiver
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
_ENDPOINTS = "SELECT id, state, updated_at, ctid::text, xmin::text, xmax::text FROM endpoints"


async def test_a_start_reads_endpoints_again_and_enables_none_that_is_disabled(
    start: MakeApp, connection: EventPublisher, receiver: Receiver, database: asyncpg.Connection
) -> None:
    await start()
    await connection.publish_connection()
    await eventually(lambda: database.fetch(_ENDPOINTS))
    await database.execute("UPDATE endpoints SET state = 'disabled', disabled_reason = 'gone'")
    before = await database.fetch(_ENDPOINTS)
    await start()
    assert await database.fetch(_ENDPOINTS) == before

    # All of it is gone: what the topic says comes back, before any event is made a delivery.
    await database.execute("DELETE FROM endpoints")
    await put(connection, connection.event(order := uuid7(), 1))
    await start()
    await states(database, order, "delivered")
    assert len(receiver.got) == 1


@pytest.mark.parametrize("kind", ["brand", "three_pl"])
async def test_an_erasure_that_was_noted_before_a_process_was_killed_is_done_by_the_next(
    start: MakeApp, connection: EventPublisher, database: asyncpg.Connection, kind: AccountKind
) -> None:
    first = await start()
    await put(connection, connection.event(order := uuid7(), 1))
    await states(database, order, "pending")
    await first.state.runtime.kafka.stop()
    account = connection.brand_id if kind == "brand" else connection.three_pl_id
    noted = "INSERT INTO erased_accounts (account_id, kind) VALUES ($1, $2), ($3, $2)"
    await database.execute(noted, account, kind, uuid4())
    await start()
    await states(database, order, "superseded")
    left = "SELECT FROM erased_accounts WHERE emptied_at IS NULL"
    await eventually(lambda: database.fetch(left), lambda rows: not rows)
    assert len(await database.fetch("SELECT FROM erased_accounts WHERE settled_at IS NULL")) == 2
