"""`kill -9` of each service in the middle of 5,000 orders, then restart: nothing is in doubt."""

import pytest

from relevo.local.stack import Stack
from services.catalog import API_NAMES
from tests.acceptance.world import a_world

ORDERS = 5_000
PROCESSED = 40


@pytest.mark.timeout(240)
@pytest.mark.parametrize("service", API_NAMES)
async def test_every_accepted_order_outlives_a_crash(stack: Stack, service: str) -> None:
    async with a_world(stack) as world:
        sent = {str(n) for n in range(ORDERS)}

        def crash() -> None:
            stack.kill(service)

        def restart() -> None:
            stack.launch(service)

        # While ingest is dead nothing is accepted, so it comes back at once.
        after = 1 if service == "ingest" else ORDERS // 4

        def crash_and_maybe_restart() -> None:
            crash()
            if service == "ingest":
                restart()

        happenings = {ORDERS // 3: crash_and_maybe_restart}
        if service != "ingest":
            happenings[ORDERS // 3 + after] = restart
        await world.send_all(sorted(sent), happenings)
        await world.balance(sent)
        assert world.receiver.of_type("order.created") == sent

        processed = await world.process(PROCESSED)
        handover = await world.hand_back()
        assert handover["returned"] == ORDERS - PROCESSED
        await world.balance(sent)
        assert world.receiver.of_type("order.unassigned") == sent - processed
        owners = {row["external_id"]: row["connection_id"] for row in await world.orders()}
        assert {order for order, owner in owners.items() if owner is not None} == processed
