"""Makes a claim's orders the brand's, chunk by chunk, each a transaction behind the closed gate.

The first one notes the move, so that whatever comes meanwhile counts for the brand's store already.
An order that both know stays the one of the brand's store; what the claim's copy alone knew is sent
once more and decided on like anything that the store says.
"""

from datetime import UTC, datetime

import orjson
import structlog

from services.routing.erasure import eraser
from services.routing.moves import store
from services.routing.moves.store import ClaimMove, RemovedCopy
from shared.contracts.orders_received import OrderReceived
from shared.contracts.stores_changed import PaymentRules, StoreChanged
from shared.kafka.cloudevents import cloud_event_headers
from shared.kafka.message import Message
from shared.kafka.topics import ORDERS_RECEIVED
from shared.postgres import outbox
from shared.postgres.database import Database, Session

logger = structlog.get_logger(__name__)
_CHUNK = 500
# Of payloads in one transaction: those of copies are held in memory, and go into the outbox.
_CHUNK_BYTES = 8 * 1024 * 1024


def move_of(change: StoreChanged) -> ClaimMove | None:
    """The move that a change tells of; None when the store is where it always was."""
    if change.former_brand_id in (None, change.brand_id):
        return None
    return ClaimMove(
        claim_store_id=change.store_id,
        former_brand_id=change.former_brand_id,
        store_id=change.alias_of or change.store_id,
        brand_id=change.brand_id,
        version=change.version,
    )


async def apply(database: Database, change: StoreChanged) -> None:
    """Return when every order of the claim has moved; after a crash, go on with those left.

    Args:
        database: routing's schema.
        change: of a store; most never move.
    """
    move = move_of(change)
    if move is None:
        return
    total = 0
    while moved := await _move_chunk(database, move, change.payment_rules):
        total += moved
    # Told of after the brand's erasure, or between its chunks.
    await eraser.erase_if_noted(database, move.brand_id)
    if total:
        logger.info(
            "a claim's orders are the brand's",
            store_id=str(move.claim_store_id),
            counts_for=str(move.store_id),
            orders=total,
        )


async def _move_chunk(database: Database, move: ClaimMove, payment_rules: PaymentRules) -> int:
    """How many orders it was about; with none the move is finished."""
    async with database.transaction() as session:
        await store.close_gate(session, move)
        if not await store.note_move(session, move):
            return 0
        await store.rename_parked(session, move)
        found = await store.lock_orders_to_move(session, move, _CHUNK, _CHUNK_BYTES)
        copies = {one.id: one for one in found if one.is_copy}
        moving = [one.id for one in found if one.id not in copies]
        if moving:
            await store.move_orders(session, move, moving)
        if copies:
            removed = await store.remove_copies(session, move, copies)
            news = [copy for copy in removed if copies[copy.id].is_news]
            await _send_again(session, move, payment_rules, news)
    return len(found)


async def _send_again(
    session: Session, move: ClaimMove, payment_rules: PaymentRules, news: list[RemovedCopy]
) -> None:
    await outbox.write(session, [_message(move, payment_rules, copy) for copy in news])


def _message(move: ClaimMove, payment_rules: PaymentRules, copy: RemovedCopy) -> Message:
    received = OrderReceived(
        store_id=move.store_id,
        brand_id=move.brand_id,
        external_id=copy.external_id,
        action="delete" if copy.tombstone else "upsert",
        updated_at=copy.source_updated_at,
        # Of the move: by an older receipt a newer state would look like one from the future, which
        # anything may replace.
        received_at=datetime.now(UTC),
        payment_rules=payment_rules,
    )
    # The payload is JSON already: spliced in, not parsed.
    order = None if copy.tombstone or not copy.payload else orjson.Fragment(copy.payload)
    value = orjson.dumps({**received.model_dump(mode="json"), "order": order})
    headers = cloud_event_headers(ORDERS_RECEIVED.event_type, "/relevo/routing", received.key)
    return Message(ORDERS_RECEIVED.name, received.key, headers, value)
