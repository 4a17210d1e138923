"""Routing's lists: orders by tab and filter, one order with its history."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from services.routing import commands
from services.routing.lifecycle import Command
from services.routing.lists import store
from services.routing.lists.filter import Viewer
from services.routing.lists.http_filter import Sorted, Wanted, decode_place
from shared.contracts import order as contract
from shared.contracts.connections_changed import Party
from shared.contracts.order import OrderStatus
from shared.contracts.orders_events import Hold
from shared.failures import Refused
from shared.runtime import Schema
from shared.web.access import DelegableAccount
from shared.web.pagination import (
    After,
    Limit,
    Page,
    decode_cursor_part,
    page_of,
    row_number,
)
from shared.web.parameters import only_known_parameters


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


router = APIRouter(prefix="/v1", dependencies=[only_known_parameters])


@router.get("/orders", tags=["orders"], summary="List orders, newest first unless sorted otherwise")
async def list_orders(
    caller: DelegableAccount,
    database: Schema,
    wanted: Wanted,
    sort: Sorted = "-accepted_at",
    limit: Limit = 50,
    after: After = None,
) -> Page[OrderSummary]:
    """The orders the caller owns; a brand sees all orders of its stores."""
    place = decode_place(after, sort)
    async with database.reading() as session:
        rows = await store.list_orders(
            session, Viewer.of(caller), wanted, sort, place, limit + 1
        )
    return page_of(
        rows,
        limit,
        _summary,
        lambda _: sort,
        lambda row: row.accepted_at if sort.endswith("accepted_at") else row.updated_at,
        lambda row: row.id,
    )


@router.get("/orders/{order_id}", tags=["orders"], summary="One order")
async def get_order(caller: DelegableAccount, database: Schema, order_id: UUID) -> OrderDetail:
    """404 unless the caller is its brand or owns it."""
    async with database.reading() as session:
        found = await store.get_order(session, order_id, caller.account_id, caller.delegation)
    if found is None:
        raise Refused("not_found", what="order")
    summary = found.summary
    owner = _owner(summary.connection_id)
    party: Party = "brand" if caller.account_id == found.brand_id else "three_pl"
    return OrderDetail(
        **_summary(summary).model_dump(),
        cancel_too_late=found.cancel_too_late,
        epoch=found.epoch,
        shipping_rules_owner=found.shipping_rules_owner,
        billing_owner=found.billing_owner,
        support_owner=found.support_owner,
        allowed_commands=(
            []
            if summary.erased_at
            else commands.allowed(summary.status, summary.holds, owner, party)
        ),
        order=contract.Order.model_validate_json(found.payload) if found.payload else None,
    )


@router.get("/orders/{order_id}/history", tags=["orders"], summary="An order's timeline")
async def get_history(
    caller: DelegableAccount,
    database: Schema,
    order_id: UUID,
    limit: Limit = 50,
    after: After = None,
) -> Page[HistoryEntry]:
    """What happened to it and why, oldest first; in a brand's name without other 3PLs' lines."""
    async with database.reading() as session:
        if await store.get_order(session, order_id, caller.account_id, caller.delegation) is None:
            raise Refused("not_found", what="order")
        rows = await store.list_history(
            session,
            order_id,
            decode_cursor_part(after, row_number) or 0,
            limit + 1,
            caller.delegation,
        )
    return page_of(rows, limit, _history_entry, lambda row: row.id)


def _owner(connection_id: UUID | None) -> Literal["brand", "three_pl"]:
    return "brand" if connection_id is None else "three_pl"


def _summary(row: store.OrderSummary) -> OrderSummary:
    return OrderSummary.model_validate({**asdict(row), "owner": _owner(row.connection_id)})


def _history_entry(row: store.HistoryLine) -> HistoryEntry:
    return HistoryEntry.model_validate(row, from_attributes=True)
