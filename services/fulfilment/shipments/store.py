"""Shipments and their orders: one function per named query, each given a session."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter

from services.fulfilment.orders.seen import read_facts
from services.fulfilment.shipments.locked_order import LockedOrder
from services.fulfilment.shipments.shipment import Consignee, Parcel, Rule, Shipment, Status
from shared.contracts.order import OrderStatus
from shared.contracts.shipments_events import ShipmentLine
from shared.postgres.database import Session, load_queries, row_as
from shared.rules.shipping_rules import Shipping

_queries = load_queries(Path(__file__).parent / "queries.sql")
_lines = TypeAdapter(tuple[ShipmentLine, ...])
_parcels = TypeAdapter(tuple[Parcel, ...])


@dataclass(frozen=True, slots=True)
class Listed:
    """A shipment, and what its order is called."""

    shipment: Shipment
    external_id: str
    number: str | None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which shipments; `labels` may say `none`.

    `chosen_for`: of those whose carrier the account's rules choose.
    """

    statuses: Sequence[Status] | None = None
    labels: Sequence[str] | None = None
    order_id: UUID | None = None
    chosen_for: bool | None = None


def _shipment(row: asyncpg.Record) -> Shipment:
    named = row["rule_number"] is not None
    return row_as(
        Shipment,
        row,
        rule=Rule(row["rule_number"], row["rule_name"] or "") if named else None,
        shipping=Shipping.model_validate_json(row["shipping"]) if row["shipping"] else None,
        lines=_lines.validate_json(row["lines"]),
        parcels=_parcels.validate_json(row["parcels"]),
        consignee=Consignee.model_validate_json(row["consignee"]) if row["consignee"] else None,
    )


def _listed(row: asyncpg.Record) -> Listed:
    return Listed(_shipment(row), row["external_id"], row["number"])


async def lock_orders(session: Session, ids: Sequence[UUID]) -> dict[UUID, LockedOrder]:
    """Those of the orders that are known, locked in id order."""
    rows = await _queries.lock_orders.all(session, ids=ids)
    return {
        row["id"]: row_as(
            LockedOrder,
            row,
            status=OrderStatus(row["status"]),
            facts=read_facts(row["facts"], row["entered_at"]) if row["facts"] else None,
        )
        for row in rows
    }


async def lock_shipments(
    session: Session, orders: Sequence[UUID]
) -> dict[UUID, tuple[Shipment, ...]]:
    """All shipments of orders that the session has locked, the oldest first."""
    found: dict[UUID, tuple[Shipment, ...]] = {}
    for row in await _queries.lock_shipments.all(session, orders=orders):
        found[row["order_id"]] = (*found.get(row["order_id"], ()), _shipment(row))
    return found


async def orders_of(session: Session, ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """The order of each of the shipments that there are."""
    rows = await _queries.orders_of_shipments.all(session, ids=list(ids))
    return {row["id"]: row["order_id"] for row in rows}


async def write(session: Session, shipments: Sequence[Shipment], told: Mapping[UUID, int]) -> None:
    """Write shipments as they are, and the versions of what is told, by order."""
    await _queries.upsert_shipments.run(
        session,
        ids=[one.id for one in shipments],
        orders=[one.order_id for one in shipments],
        sequences=[one.sequence for one in shipments],
        parts=[one.part for one in shipments],
        versions=[one.version for one in shipments],
        brands=[one.brand_id for one in shipments],
        three_pls=[one.three_pl_id for one in shipments],
        connections=[one.connection_id for one in shipments],
        rules_of=[one.rules_of for one in shipments],
        billing_of=[one.billing_of for one in shipments],
        statuses=[one.status for one in shipments],
        chosen_by=[one.chosen_by for one in shipments],
        rules_versions=[one.rules_version for one in shipments],
        rule_numbers=[one.rule and one.rule.number for one in shipments],
        rule_names=[one.rule and one.rule.name for one in shipments],
        shippings=[one.shipping and one.shipping.model_dump_json() for one in shipments],
        lines=[_lines.dump_json(one.lines).decode() for one in shipments],
        parcels=[_parcels.dump_json(one.parcels).decode() for one in shipments],
        consignees=[one.consignee and one.consignee.model_dump_json() for one in shipments],
        created=[one.created_at for one in shipments],
        shipped=[one.shipped_at for one in shipments],
        delivered=[one.delivered_at for one in shipments],
        cancelled=[one.cancelled_at for one in shipments],
        because=[one.cancelled_because for one in shipments],
        told=[one.is_told for one in shipments],
        outdated=[one.is_outdated for one in shipments],
        labels=[one.label for one in shipments],
    )
    if told:
        await _queries.note_told.run(session, ids=list(told), versions=list(told.values()))


async def list_shipments(
    session: Session,
    account: UUID,
    *,
    as_three_pl: bool,
    wanted: Filter,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Listed]:
    """Those that the account is a party of, the newest first."""
    rows = await _queries.list_shipments.all(
        session,
        account=account,
        as_three_pl=as_three_pl,
        statuses=wanted.statuses,
        labels=wanted.labels,
        order_id=wanted.order_id,
        chosen_for=wanted.chosen_for,
        before_at=before[0] if before else None,
        before_id=before[1] if before else None,
        limit=limit,
    )
    return [_listed(row) for row in rows]


async def get_shipment(session: Session, account: UUID, shipment_id: UUID) -> Listed | None:
    """One that the account is a party of."""
    row = await _queries.get_shipment.one(session, account=account, id=shipment_id)
    return _listed(row) if row else None


async def with_numbers(session: Session, ids: Sequence[UUID]) -> dict[UUID, tuple[Shipment, str]]:
    """Those of the shipments that there are, and what their stores call the orders."""
    rows = await _queries.shipments_by_id.all(session, ids=ids)
    return {row["id"]: (_shipment(row), row["number"] or row["external_id"]) for row in rows}


async def to_choose(
    session: Session, account: UUID, after: UUID | None, limit: int
) -> list[tuple[UUID, UUID]]:
    """Shipments, with their orders, that the account's rules may choose a carrier for again."""
    rows = await _queries.shipments_to_choose.all(
        session, account=account, after=after, limit=limit
    )
    return [(row["id"], row["order_id"]) for row in rows]


async def count_waiting(session: Session, account: UUID, *, as_three_pl: bool) -> dict[str, int]:
    """How many are waiting, by status."""
    rows = await _queries.count_by_status.all(session, account=account, as_three_pl=as_three_pl)
    return {row["status"]: row["shipments"] for row in rows}
