"""Makes a claim's orders the brand's, chunk by chunk, each a transaction behind the closed gate.

The move is noted before, so that whatever comes meanwhile counts for the brand's store already; a
crash leaves the note. An order that both know stays the one of the brand's store; what the claim's
copy alone knew is sent once more and decided on like anything that the store says.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

import orjson
import structlog

from services.routing.erasure import eraser
from services.routing.moves import store
from services.routing.moves.store import ClaimMove, RemovedCopy
from shared.contracts.orders_received import OrderReceived
from shared.contracts.stores_changed import PaymentRules, StoreChanged
from shared.failures import is_transient
from shared.kafka.cloudevents import cloud_event_headers
from shared.kafka.message import Message
from shared.kafka.topics import ORDERS_RECEIVED
from shared.postgres import outbox
from shared.postgres.database import Database
from shared.postgres.noted_work import NotedWork

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
        payment_rules=change.payment_rules.model_dump_json(),
    )


class Mover:
    """The moves of a schema: noted when they are read, done in the background.

    Args:
        database: routing's schema.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._work = NotedWork(database, "routing moves", self._is_due, self.move_all)

    async def note(self, changes: Iterable[StoreChanged]) -> None:
        """Note the moves that stores tell of; from the commit on they count. Most are known."""
        told = [move for change in changes if (move := move_of(change)) is not None]
        if not told:
            return
        async with self._database.session() as session:
            known = await store.moves_known(session, told)
        new = [move for move in told if move.claim_store_id not in known]
        if not new:
            return
        async with self._database.transaction() as session:
            await store.close_gates(session, new)
            noted = await store.note_moves(session, new)
            await store.rename_parked(session, noted)
        self._work.wake()

    async def run(self) -> None:
        """Move what was noted, until cancelled."""
        await self._work.run()

    async def _is_due(self) -> bool:
        async with self._database.session() as session:
            return bool(await store.unfinished_moves(session))

    async def move_all(self) -> None:
        """Return when every order of the claims that are noted has moved.

        Raises:
            Exception: transient; what is left is still noted. One that fails otherwise waits alone.
        """
        failed: set[UUID] = set()
        while True:
            async with self._database.session() as session:
                found = await store.unfinished_moves(session)
            moves = [move for move in found if move.claim_store_id not in failed]
            if not moves:
                return
            for move in moves:
                try:
                    await self._move(move)
                except Exception as error:
                    if is_transient(error):
                        raise
                    failed.add(move.claim_store_id)
                    logger.exception("a move failed", store_id=str(move.claim_store_id))

    async def _move(self, move: ClaimMove) -> None:
        total = 0
        while moved := await _move_chunk(self._database, move):
            total += moved
        # Told of after the brand's erasure, or between its chunks.
        await eraser.erase_if_noted(self._database, move.brand_id)
        async with self._database.session() as session:
            await store.finish_move(session, move)
        if total:
            logger.info(
                "a claim's orders are the brand's",
                store_id=str(move.claim_store_id),
                counts_for=str(move.store_id),
                orders=total,
            )


async def _move_chunk(database: Database, move: ClaimMove) -> int:
    """How many orders it was about; with none the move is finished."""
    async with database.transaction() as session:
        await store.close_gates(session, [move])
        if not await store.still_counts(session, move):
            return 0
        found = await store.lock_orders_to_move(session, move, _CHUNK, _CHUNK_BYTES)
        copies = {one.id: one for one in found if one.is_copy}
        moving = [one.id for one in found if one.id not in copies]
        if moving:
            await store.move_orders(session, move, moving)
        if copies:
            removed = await store.remove_copies(session, move, copies)
            news = [copy for copy in removed if copies[copy.id].is_news]
            await outbox.write(session, [_message(move, copy) for copy in news])
    return len(found)


def _message(move: ClaimMove, copy: RemovedCopy) -> Message:
    received = OrderReceived(
        store_id=move.store_id,
        brand_id=move.brand_id,
        external_id=copy.external_id,
        action="delete" if copy.tombstone else "upsert",
        updated_at=copy.source_updated_at,
        # Of the move: by an older receipt a newer state would look like one from the future, which
        # anything may replace.
        received_at=datetime.now(UTC),
        payment_rules=PaymentRules.model_validate_json(move.payment_rules),
    )
    # The payload is JSON already: spliced in, not parsed.
    order = None if copy.tombstone or not copy.payload else orjson.Fragment(copy.payload)
    value = orjson.dumps({**received.model_dump(mode="json"), "order": order})
    headers = cloud_event_headers(ORDERS_RECEIVED.event_type, "/relevo/routing", received.key)
    return Message(ORDERS_RECEIVED.name, received.key, headers, value)
