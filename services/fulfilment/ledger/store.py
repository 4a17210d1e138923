"""The ledger as it is written: one function per named query, each given a session."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import asyncpg

from services.fulfilment.ledger.entries import Debt, Gap, Pending, Phase, ValidList
from services.fulfilment.ledger.pricing import Chargeable
from services.fulfilment.money import digits_of
from services.fulfilment.price_lists.prices import Prices
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


async def add_shipments(session: Session, shipments: Sequence[Chargeable]) -> set[UUID]:
    """Keep what prices look at; the ids of those that are new."""
    rows = await _queries.add_shipments.all(
        session,
        ids=[one.shipment_id for one in shipments],
        orders=[one.order_id for one in shipments],
        brands=[one.brand_id for one in shipments],
        three_pls=[one.three_pl_id for one in shipments],
        billing=[one.billing_of for one in shipments],
        item_counts=[one.item_count for one in shipments],
        weights=[one.weight_grams for one in shipments],
        carriers=[one.carrier for one in shipments],
        own_contracts=[one.own_contract for one in shipments],
        times=[one.at for one in shipments],
    )
    return {row["shipment_id"] for row in rows}


async def lock_orders(session: Session, shipments: Sequence[UUID]) -> None:
    """Let nobody else write entries of the same orders until the transaction ends."""
    await _queries.lock_orders.all(session, shipments=shipments)


async def mark_posted(session: Session, shipments: Sequence[UUID]) -> None:
    """They are charged from now on, unless they are voided."""
    await _queries.mark_posted.run(session, shipments=shipments)


async def mark_voided(session: Session, shipments: Sequence[UUID]) -> None:
    """They cost nothing, for ever."""
    await _queries.mark_voided.run(session, shipments=shipments)


async def valid_lists(session: Session, debts: Sequence[Debt]) -> Iterator[tuple[Debt, ValidList]]:
    """The list of each debt, as it was valid when the shipment was processed; some have none."""
    rows = await _queries.valid_lists.all(
        session,
        credits=[one.credit for one in debts],
        debits=[one.debit for one in debts],
        times=[one.shipment.at for one in debts],
    )
    return (
        (debts[number - 1], valid)
        for row, valid in [(row, _valid_list(row)) for row in rows]
        for number in row["numbers"]
    )


def _valid_list(row: asyncpg.Record) -> ValidList:
    prices = Prices.model_validate_json(row["prices"])
    return ValidList(row["id"], row["version"], row["currency"], prices)


async def add_pending(session: Session, entries: Sequence[Pending]) -> None:
    """Add what is not there yet."""
    await _queries.add_pending.run(
        session,
        **_columns(entries),
        amounts=[one.charge.amount for one in entries],
        currencies=[one.list.currency for one in entries],
        digits=[digits_of(one.list.currency) for one in entries],
        versions=[one.list.version for one in entries],
        items=[one.charge.item for one in entries],
        bases=[one.charge.basis for one in entries],
        quantities=[one.charge.quantity for one in entries],
        orders=[one.debt.shipment.order_id for one in entries],
        brands=[one.debt.shipment.brand_id for one in entries],
        three_pls=[one.debt.shipment.three_pl_id for one in entries],
    )


async def add_unpriced(session: Session, gaps: Sequence[Gap]) -> None:
    """Note what no price covers."""
    await _queries.add_unpriced.run(
        session,
        **_columns(gaps),
        items=[one.uncovered.item for one in gaps],
        whys=[one.uncovered.why for one in gaps],
    )


def _columns(rows: Sequence[Pending] | Sequence[Gap]) -> Mapping[str, list[UUID]]:
    return {
        "ids": [one.id for one in rows],
        "debits": [one.debt.debit for one in rows],
        "credits": [one.debt.credit for one in rows],
        "lists": [one.list.id for one in rows],
        "shipments": [one.debt.shipment.shipment_id for one in rows],
    }


async def open_entries(session: Session, shipments: Sequence[UUID]) -> list[asyncpg.Record]:
    """What is pending and has no end yet: id, shipment, list and item."""
    return await _queries.open_entries.all(session, shipments=shipments)


async def add_ends(
    session: Session, phase: Phase, ends: Mapping[UUID, UUID]
) -> tuple[list[UUID], set[UUID]]:
    """End what is pending.

    Args:
        session: in a transaction.
        phase: `posted` or `voided`.
        ends: by the id of the pending entry, the id of its end.

    Returns:
        The ends that were written, and what they end.
    """
    rows = await _queries.add_ends.all(
        session, phase=phase, ids=list(ends.values()), pending=list(ends)
    )
    return [row["id"] for row in rows], {row["pending_id"] for row in rows}


async def to_give_back(session: Session, shipments: Sequence[UUID]) -> list[asyncpg.Record]:
    """What was posted for voided ones: `left_over` of it, after so many `corrections`."""
    return await _queries.to_give_back.all(session, shipments=shipments)


async def add_corrections(
    session: Session, corrections: Sequence[tuple[UUID, UUID, Decimal]], entered_by: UUID | None
) -> list[UUID]:
    """Give back; the ids of what was written.

    Args:
        session: in a transaction.
        corrections: id, that of the posted entry, amount.
        entered_by: the person or API client; None: it follows from a shipment.
    """
    rows = await _queries.add_corrections.all(
        session,
        ids=[entry for entry, _, _ in corrections],
        posted=[posted for _, posted, _ in corrections],
        amounts=[amount for _, _, amount in corrections],
        entered_by=entered_by,
    )
    return [row["id"] for row in rows]


async def add_reasons(session: Session, entries: Sequence[UUID], reason: str) -> None:
    """Say why."""
    await _queries.add_reasons.run(session, entries=entries, reason=reason)


async def void_unpriced(session: Session, shipments: Sequence[UUID]) -> None:
    """What has no price yet needs none any more."""
    await _queries.void_unpriced.run(session, shipments=shipments)


async def posted_entry(session: Session, account: UUID, entry: UUID) -> asyncpg.Record | None:
    """An entry of either side with what is left of it, if it is posted."""
    return await _queries.posted_entry.one(session, account=account, entry=entry)


async def entry_shown(session: Session, account: UUID, entry: UUID) -> asyncpg.Record | None:
    """An entry of either side with its reason."""
    return await _queries.entry_shown.one(session, account=account, entry=entry)


async def unpriced_ids(
    session: Session, account: UUID, place: tuple[datetime, UUID] | None, limit: int
) -> list[asyncpg.Record]:
    """What lists of the account do not cover, the oldest first, after a place."""
    after, after_id = place or (None, None)
    return await _queries.unpriced_ids.all(
        session, account=account, after=after, after_id=after_id, limit=limit
    )


async def unpriced_now(
    session: Session, ids: Sequence[UUID]
) -> list[tuple[UUID, str, Debt, ValidList, bool]]:
    """Of those that are open: id, item, debt, its list as it is now, and whether it is posted."""
    rows = await _queries.unpriced_now.all(session, ids=ids)
    return [
        (
            row["unpriced_id"],
            row["item"],
            Debt(row["debit_account"], row["credit_account"], row_as(Chargeable, row)),
            ValidList(
                row["list_id"],
                row["version"],
                row["currency"],
                Prices.model_validate_json(row["prices"]),
            ),
            row["posted_at"] is not None,
        )
        for row in rows
    ]


async def settle_unpriced(session: Session, ids: Sequence[UUID]) -> None:
    """Their lists have an answer now."""
    await _queries.settle_unpriced.run(session, ids=ids)
