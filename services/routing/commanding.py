"""Commands about orders, one or many: locked, decided on one by one, written at once."""

from collections.abc import Mapping
from uuid import UUID

from services.routing import commands, events, store
from services.routing.commands import Asked
from services.routing.orders import Decision, Order
from shared.failures import Refused
from shared.postgres.database import Session


async def command_orders(
    session: Session, asked: Mapping[UUID, Asked]
) -> dict[UUID, Order | Refused]:
    """Each order as its command leaves it, or why that was refused; by order id.

    As many statements for one as for many. A refusal of one does not touch the others.

    Args:
        session: in a transaction.
        asked: by order id.
    """
    # Connections before orders, as batches do, so that the two never deadlock.
    connections = await store.lock_connections_of_orders(session, asked)
    orders = await store.lock_orders_by_id(session, asked)
    results: dict[UUID, Order | Refused] = {}
    decisions: list[Decision] = []
    for order_id, command in asked.items():
        order = orders.get(order_id)
        if order is None:
            results[order_id] = Refused("not_found", what="order")
            continue
        owner = connections.get(order.connection_id) if order.connection_id else None
        try:
            decision = commands.command(order, owner, command)
        except Refused as refused:
            results[order_id] = refused
        else:
            results[order_id] = decision.order
            decisions.append(decision)
    told = events.messages((decision, None) for decision in decisions)
    await store.write(session, decisions, told)
    return results
