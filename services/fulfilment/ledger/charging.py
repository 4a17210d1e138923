"""What shipments cost is charged in the transaction that processes them: set by set.

Each step changes nothing the second time, in whatever order they come: what has an end keeps it.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

import asyncpg

from services.fulfilment.ledger import store
from services.fulfilment.ledger.entries import (
    ANOTHER_SHIPMENT,
    Gap,
    Pending,
    Phase,
    debts_of,
    priced,
)
from services.fulfilment.ledger.pricing import Chargeable
from shared.ids import ledger_entry_id
from shared.postgres.database import Session

__all__ = ["Chargeable", "pend", "post", "void"]


async def pend(session: Session, shipments: Sequence[Chargeable]) -> None:
    """Note what shipments cost, before it is known whether they come about.

    By the prices that are valid at each one's time. What a list does not cover is noted as
    unpriced; who has no list charges nothing. What is said of a shipment first stands.
    """
    new = await store.add_shipments(session, shipments)
    debts = [debt for one in shipments if one.shipment_id in new for debt in debts_of(one)]
    if not debts:
        return
    found = [
        one
        for debt, valid in await store.valid_lists(session, debts)
        for one in priced(debt, valid)
    ]
    await write(session, found)


async def write(session: Session, found: Sequence[Pending | Gap]) -> None:
    """Write what is pending, and what has no price."""
    pending = [one for one in found if isinstance(one, Pending)]
    if pending:
        await store.add_pending(session, pending)
    gaps = [one for one in found if isinstance(one, Gap)]
    if gaps:
        await store.add_unpriced(session, gaps)


async def post(session: Session, shipment_ids: Sequence[UUID]) -> None:
    """Charge what is pending.

    An order's own fee falls on one of its shipments: elsewhere it is voided. One that went back is
    charged with the next shipment that is posted.
    """
    await store.lock_orders(session, shipment_ids)
    await store.mark_posted(session, shipment_ids)
    waiting = await store.open_entries(session, shipment_ids)
    if not waiting:
        return
    _, ended = await store.add_ends(session, "posted", _ends(waiting, "posted"))
    left = [row for row in waiting if row["id"] not in ended]
    if left:
        await _void(session, left, ANOTHER_SHIPMENT)


async def void(session: Session, shipment_ids: Sequence[UUID], reason: str) -> None:
    """Charge nothing: what is pending is voided, what was posted is given back.

    For ever: a shipment is voided when it is given up, not when one try to ship it fails. An
    order's own fee goes back with the last of its shipments.

    Args:
        session: in a transaction.
        shipment_ids: of what does not come about.
        reason: is kept beside the entries until a party is erased.
    """
    await store.lock_orders(session, shipment_ids)
    await store.mark_voided(session, shipment_ids)
    await store.void_unpriced(session, shipment_ids)
    waiting = await store.open_entries(session, shipment_ids)
    if waiting:
        await _void(session, waiting, reason)
    left = await store.to_give_back(session, shipment_ids)
    if left:
        corrections = [(correction_id(row), row["id"], row["left_over"]) for row in left]
        written = await store.add_corrections(session, corrections, None)
        await store.add_reasons(session, written, reason)


async def _void(session: Session, waiting: Sequence[asyncpg.Record], reason: str) -> None:
    written, _ = await store.add_ends(session, "voided", _ends(waiting, "voided"))
    await store.add_reasons(session, written, reason)


def _ends(waiting: Iterable[asyncpg.Record], phase: Phase) -> dict[UUID, UUID]:
    return {
        row["id"]: ledger_entry_id(row["shipment_id"], row["price_list_id"], row["item"], phase)
        for row in waiting
    }


def correction_id(row: asyncpg.Record) -> UUID:
    """The id of the next correction of a posted entry."""
    phase = f"corrected:{row['corrections'] + 1}"
    return ledger_entry_id(row["shipment_id"], row["price_list_id"], row["item"], phase)
