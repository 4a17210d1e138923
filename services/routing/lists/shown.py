"""What the API shows of an order: in a list, by itself, and its timeline."""

from dataclasses import fields
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from services.routing import commands
from services.routing.lifecycle import Command
from services.routing.lists import store
from services.routing.shipments import effect
from shared.contracts import order as contract
from shared.contracts.connections_changed import Party
from shared.contracts.order import OrderStatus
from shared.contracts.orders_events import Hold
from shared.contracts.shipments_events import Shipment


class OrderSummary(BaseModel):
    """An order in a list. `version` is what the next command has to carry.

    `created_at` is the store's own, `accepted_at` is when Relevo accepted it first. Since
    `erased_at` the brand's data is erased, and the order is closed.
    """

    id: UUID
    store_id: UUID
    external_id: str
    number: str | None
    status: OrderStatus
    owner: Literal["brand", "three_pl"]
    connection_id: UUID | None
    version: int
    sequence: int
    settings_version: int | None
    total: str | None
    currency: str | None
    holds: list[Hold]
    created_at: datetime | None
    accepted_at: datetime
    updated_at: datetime
    erased_at: datetime | None = None


class OrderDetail(OrderSummary):
    """One order with the store's full current data."""

    cancel_too_late: bool
    epoch: int | None
    shipping_rules_owner: Party | None
    billing_owner: Party | None
    support_owner: Party | None
    allowed_commands: list[Command]
    shipments: list[Shipment]
    order: contract.Order | None


class HistoryEntry(BaseModel):
    """One line of an order's timeline, and why it is so.

    `times` counts the stale messages that one line stands for.
    """

    at: datetime
    kind: str
    event: str | None
    sequence: int
    status: OrderStatus
    connection_id: UUID | None
    why: dict[str, Any]
    times: int


def summary_of(row: store.OrderSummary) -> OrderSummary:
    """An order in a list."""
    # Not `asdict`: it copies each value deeply, a fifth of what a page costs.
    named = {field.name: getattr(row, field.name) for field in fields(row)}
    named["owner"] = _owner(row.connection_id)
    return OrderSummary.model_validate(named, from_attributes=True)


def detail_of(found: store.OrderDetail, account: UUID) -> OrderDetail:
    """One order, as the account sees it: what it may do depends on what it is to it."""
    summary = found.summary
    party: Party = "brand" if account == found.brand_id else "three_pl"
    return OrderDetail(
        **summary_of(summary).model_dump(),
        cancel_too_late=found.cancel_too_late,
        epoch=found.epoch,
        shipping_rules_owner=found.shipping_rules_owner,
        billing_owner=found.billing_owner,
        support_owner=found.support_owner,
        allowed_commands=(
            []
            if summary.erased_at
            else commands.allowed(
                summary.status, summary.holds, _owner(summary.connection_id), party
            )
        ),
        shipments=list(effect.read(found.shipments)),
        order=contract.Order.model_validate_json(found.payload) if found.payload else None,
    )


def history_entry_of(row: store.HistoryLine, *, as_brand: bool) -> HistoryEntry:
    """A line of the timeline; which connections were passed over is the brand's to know."""
    entry = HistoryEntry.model_validate(row, from_attributes=True)
    if not as_brand:
        entry.why.pop("passed_over", None)
    return entry


def _owner(connection_id: UUID | None) -> Party:
    return "brand" if connection_id is None else "three_pl"
