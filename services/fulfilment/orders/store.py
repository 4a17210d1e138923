"""Orders as they are known: one function per named query, each given a session."""

from collections.abc import Sequence
from pathlib import Path

from services.fulfilment.orders.seen import SeenOrder, as_stored
from shared.postgres.database import Session, load_queries

_queries = load_queries(Path(__file__).parent / "queries.sql")


async def keep(session: Session, orders: Sequence[SeenOrder]) -> None:
    """Keep the newest of each; older ones change nothing."""
    await _queries.upsert_orders.run(
        session,
        ids=[one.id for one in orders],
        sequences=[one.sequence for one in orders],
        stores=[one.store_id for one in orders],
        brands=[one.brand_id for one in orders],
        three_pls=[one.three_pl_id for one in orders],
        connections=[one.connection_id for one in orders],
        external_ids=[one.external_id for one in orders],
        numbers=[one.number for one in orders],
        statuses=[one.status for one in orders],
        owners=[one.shipping_rules_owner for one in orders],
        support_owners=[one.support_owner for one in orders],
        entered=[one.entered_at for one in orders],
        facts=[as_stored(one.facts) for one in orders],
    )
