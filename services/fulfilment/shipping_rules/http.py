"""Shipping rules over HTTP: the account's own, tried before they count."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field, model_validator

from services.fulfilment.shipping_rules import store
from services.fulfilment.shipping_rules.store import KnownOrder
from services.fulfilment.shipping_rules.version import Version
from shared.contracts.order import Order
from shared.failures import Refused
from shared.rules.facts import facts_of
from shared.rules.shipping_rules import Chosen, Outcome, Shipping, ShippingRules
from shared.runtime import Schema
from shared.web.access import Account
from shared.web.if_match import IfMatch
from shared.web.openapi import refuses
from shared.web.pagination import After, Limit, Page, decode_cursor_part, page_of, row_number
from shared.web.parameters import Form, only_known_parameters

_MOST_ORDERS, _MOST_SHOWN = 500, 100
# Orders that are decided on before others have their turn.
_TOGETHER = 50
_NOBODYS = UUID(int=0)


class RulesVersion(ShippingRules):
    """The rules of an account in one version; 0: it has none yet, and ships by its own system."""

    version: int
    set_by: UUID | None = Field(description="Person or API client.")
    set_at: datetime | None


class Draft(Form):
    """Rules to be tried; without them, those that count now."""

    rules: ShippingRules | None = None


class TestBody(Draft):
    """An order that the account's rules count for, or one as a store would send it."""

    order_id: UUID | None = None
    order: Order | None = None

    @model_validator(mode="after")
    def _of_one_order(self) -> "TestBody":
        if (self.order_id is None) == (self.order is None):
            raise ValueError("order_id or order is needed, and not both")
        return self


class Choice(BaseModel):
    """What rules say of an order.

    `outcome`: by a `rule`, by the `fallback`; `needs_carrier`: none fits; `no_rules`: it is shipped
    by the account's own system. `passed_over`: each rule before it, and what it saw.
    """

    outcome: Outcome
    shipping: Shipping | None
    rule: dict[str, Any] | None
    passed_over: list[dict[str, Any]]


class Otherwise(BaseModel):
    """An order that would be shipped otherwise."""

    order_id: UUID
    external_id: str
    number: str | None
    now: Shipping | None
    then: Shipping | None
    rule: dict[str, Any] | None


class Preview(BaseModel):
    """How many orders were looked at, how many would be shipped otherwise, the newest 100 of them.

    `needs_carrier`: how many no rule of the draft would fit.
    """

    looked_at: int
    changed: int
    needs_carrier: int
    orders: list[Otherwise]


router = APIRouter(
    prefix="/v1/shipping-rules", tags=["shipping rules"], dependencies=[only_known_parameters]
)


@router.get("", summary="Shipping rules")
async def get_rules(caller: Account, database: Schema) -> RulesVersion:
    """Those of the caller's account that count now."""
    async with database.reading() as session:
        return _shown(await store.newest(session, caller.account_id))


@router.put(
    "",
    summary="Set the shipping rules",
    openapi_extra=refuses("precondition_required", "version_conflict"),
)
async def set_rules(
    caller: Account, database: Schema, version: IfMatch, body: ShippingRules
) -> RulesVersion:
    """Needs `If-Match`. They count for what is processed from now on; the same change nothing."""
    if version is None:
        raise Refused("precondition_required")
    async with database.transaction() as session:
        now = await store.newest(session, caller.account_id)
        if now.number != version:
            raise Refused("version_conflict", what="shipping rules", version=now.number)
        if now.rules == body:
            return _shown(now)
        by = UUID(caller.subject)
        at = await store.add(session, caller.account_id, version + 1, body, by)
        if at is None:
            now = await store.newest(session, caller.account_id)
            raise Refused("version_conflict", what="shipping rules", version=now.number)
    return _shown(Version(version + 1, body, by, at))


@router.get("/versions", summary="Versions of the shipping rules, newest first")
async def list_versions(
    caller: Account, database: Schema, limit: Limit = 50, after: After = None
) -> Page[RulesVersion]:
    """Every version that a shipment may name."""
    before = decode_cursor_part(after, row_number)
    async with database.reading() as session:
        found = await store.versions(session, caller.account_id, before, limit + 1)
    return page_of(found, limit, _shown, lambda one: one.number)


@router.post("/test", summary="Which rule would an order take?", openapi_extra=refuses("not_found"))
async def test_rules(caller: Account, database: Schema, body: TestBody) -> Choice:
    """Nothing is changed. Says of each rule that was passed over what it saw and what it wanted."""
    async with database.reading() as session:
        rules = body.rules or (await store.newest(session, caller.account_id)).rules
        known = None
        if body.order_id is not None:
            known = await store.get_order(session, caller.account_id, body.order_id)
            if known is None:
                raise Refused("not_found", what="order")
    if known is not None:
        facts = known.facts
    else:
        assert body.order is not None  # noqa: S101  one of the two is there
        facts = facts_of(body.order, _NOBODYS, datetime.now(UTC))
    chosen = Chosen.of(rules, facts)
    return Choice(
        outcome=chosen.outcome,
        shipping=chosen.shipping,
        rule=chosen.why(),
        passed_over=list(chosen.why_not()),
    )


@router.post("/preview", summary="What would other rules do?")
async def preview_rules(caller: Account, database: Schema, body: ShippingRules) -> Preview:
    """Over the newest 500 orders that the account's rules count for. Nothing is changed."""
    async with database.reading() as session:
        now = (await store.newest(session, caller.account_id)).rules
        orders = await store.newest_orders(session, caller.account_id, _MOST_ORDERS)
    preview = Preview(looked_at=len(orders), changed=0, needs_carrier=0, orders=[])
    for number, order in enumerate(orders):
        if number % _TOGETHER == 0:
            await asyncio.sleep(0)
        before, after = Chosen.of(now, order.facts), Chosen.of(body, order.facts)
        preview.needs_carrier += after.outcome == "needs_carrier"
        if before.shipping == after.shipping:
            continue
        preview.changed += 1
        if len(preview.orders) < _MOST_SHOWN:
            preview.orders.append(_otherwise(order, before, after))
    return preview


def _otherwise(order: KnownOrder, before: Chosen, after: Chosen) -> Otherwise:
    return Otherwise(
        order_id=order.id,
        external_id=order.external_id,
        number=order.number,
        now=before.shipping,
        then=after.shipping,
        rule=after.why(),
    )


def _shown(version: Version) -> RulesVersion:
    return RulesVersion(
        rules=version.rules.rules,
        fallback=version.rules.fallback,
        version=version.number,
        set_by=version.set_by,
        set_at=version.set_at,
    )
