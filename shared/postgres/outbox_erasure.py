"""What waits in the outbox of one schema for a brand whose data was erased.

Its orders and their events go. `order.unassigned` stays: it tells a 3PL to stop, and holds ids,
number and reason alone.
"""

from collections.abc import Iterable
from uuid import UUID

from shared.kafka.topics import ORDERS_EVENTS, ORDERS_RECEIVED
from shared.postgres.database import Session

# The first of a key says when it is tried; the relay is kept from putting rows behind one that goes
# (as in `shared.postgres.parked`).
_LOCK = "LOCK TABLE outbox_aside IN SHARE ROW EXCLUSIVE MODE"
_DELETE = """
DELETE FROM {table} WHERE CASE topic
    WHEN $1 THEN headers::json->>'ce_type' <> 'order.unassigned'
        AND (headers::json->>'ce_brandid' = $3 OR headers::json->>'ce_storeid' = ANY($4::text[]))
    WHEN $2 THEN convert_from(value, 'UTF8')::json->>'brand_id' = $3
        OR convert_from(value, 'UTF8')::json->>'store_id' = ANY($4::text[])
    ELSE false END
"""
_FIRST_OF_KEYS = """
UPDATE outbox_aside SET retry_at = now()
WHERE id IN (SELECT min(id) FROM outbox_aside GROUP BY topic, key
             HAVING bool_and(retry_at IS NULL AND parked_at IS NULL))
"""


async def erase(session: Session, brand_id: UUID, stores: Iterable[UUID] = ()) -> None:
    """Delete what the brand's orders said, in the caller's transaction.

    Reads the whole outbox, which is all but empty unless Kafka is away.

    Args:
        session: in a transaction.
        brand_id: whose.
        stores: of the brand, in whose name messages may stand under a former account.
    """
    names = [str(store_id) for store_id in stores]
    await session.execute(_LOCK)
    for table in ("outbox", "outbox_aside"):
        await session.execute(
            _DELETE.format(table=table),
            ORDERS_EVENTS.name,
            ORDERS_RECEIVED.name,
            str(brand_id),
            names,
        )
    await session.execute(_FIRST_OF_KEYS)
