"""`kill -9` of each service in the middle of many orders, then restart: nothing is in doubt."""

import asyncio

import pytest

from relevo.local.stack import Stack
from tests.acceptance.world import a_world

PROCESSED = 40


@pytest.mark.timeout(240)
@pytest.mark.parametrize("orders", [1_500, pytest.param(5_000, marks=pytest.mark.deep)])
# Those that an order passes through.
@pytest.mark.parametrize("service", ["connections", "ingest", "routing", "webhooks"])
async def test_every_accepted_order_outlives_a_crash(
    stack: Stack, service: str, orders: int
) -> None:
    async with a_world(stack) as world:
        sent = {str(n) for n in range(orders)}

        def crash() -> None:
            stack.kill(service)

        def restart() -> None:
            stack.launch(service)

        # While ingest is dead nothing is accepted, so it comes back at once.
        after = 1 if service == "ingest" else orders // 4

        def crash_and_maybe_restart() -> None:
            crash()
            if service == "ingest":
                restart()

        happenings = {orders // 3: crash_and_maybe_restart}
        if service != "ingest":
            happenings[orders // 3 + after] = restart
        await world.send_all(sorted(sent), happenings)
        # The last orders may have come before it was back.
        await asyncio.to_thread(stack.wait_ready)
        await world.balance(sent)
        assert world.receiver.of_type("order.created") == sent

        processed = await world.process(PROCESSED)
        handover = await world.hand_back()
        assert handover["returned"] == orders - PROCESSED
        await world.balance(sent)
        assert world.receiver.of_type("order.unassigned") == sent - processed
        owners = {row["external_id"]: row["connection_id"] for row in await world.orders()}
        assert {order for order, owner in owners.items() if owner is not None} == processed
