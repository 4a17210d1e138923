"""An order as an event tells it: its snapshot, and what rules look at. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import TypeAdapter

from services.fulfilment.shipments.shipment import ToShip, to_ship
from shared.contracts.connections_changed import Party
from shared.contracts.order import OrderStatus
from shared.contracts.orders_events import (
    ORDER_STATE,
    OrderEvent,
    OrderEventAttributes,
    OrderState,
)
from shared.contracts.shipments_events import Shipment
from shared.rules.facts import Facts, facts_of

_facts = TypeAdapter(Facts)


@dataclass(frozen=True, slots=True)
class SeenOrder:
    """The newest that is known of an order.

    `shipping_rules_owner`, `billing_owner` and `support_owner` are those of its snapshot; an order
    that its brand has itself is the brand's in all. `facts` are None where no event had the order
    itself yet; `entered_at` is the time of its first event that was seen, `at` that of this one.
    `to_ship` is there while it is being worked; `told` are its shipments as its parties know them,
    in the version `told_version`.
    """

    id: UUID
    sequence: int
    store_id: UUID
    brand_id: UUID
    three_pl_id: UUID | None
    connection_id: UUID | None
    external_id: str
    number: str | None
    status: OrderStatus
    shipping_rules_owner: Party
    billing_owner: Party
    support_owner: Party
    entered_at: datetime
    at: datetime
    facts: Facts | None
    to_ship: ToShip | None = None
    told: tuple[Shipment, ...] = ()
    told_version: int = 0

    @property
    def rules_of(self) -> UUID:
        """The account whose shipping rules count."""
        return self._account(self.shipping_rules_owner)

    @property
    def billing_of(self) -> UUID:
        """The account that pays the order fee."""
        return self._account(self.billing_owner)

    def _account(self, party: Party) -> UUID:
        return self.three_pl_id if party == "three_pl" and self.three_pl_id else self.brand_id

    @classmethod
    def of(cls, headers: Mapping[str, str], value: bytes) -> Self:
        """From a record of `orders.events`; fields of tomorrow are ignored.

        Raises:
            KeyError, ValueError: it is no event of an order.
        """
        attributes = OrderEventAttributes.parse(headers)
        event = OrderEvent.model_validate_json(value)
        data = event.data
        has_3pl = data.connection_id is not None
        is_worked = data.status is OrderStatus.PROCESSING and data.order is not None
        return cls(
            id=data.id,
            sequence=data.sequence,
            store_id=data.store_id,
            brand_id=attributes.brand_id,
            three_pl_id=attributes.three_pl_id,
            connection_id=data.connection_id,
            external_id=data.external_id,
            number=data.number,
            status=data.status,
            shipping_rules_owner=data.shipping_rules_owner or "brand" if has_3pl else "brand",
            billing_owner=data.billing_owner or "brand" if has_3pl else "brand",
            support_owner=data.support_owner or "brand" if has_3pl else "brand",
            entered_at=event.timestamp,
            at=event.timestamp,
            facts=facts_of(data.order, data.store_id, event.timestamp) if data.order else None,
            to_ship=to_ship(data.order) if is_worked and data.order else None,
            told=data.shipments,
            told_version=_told_version(headers) if data.shipments else 0,
        )

    def after(self, earlier: "SeenOrder") -> "SeenOrder":
        """This one, with what only an earlier event has said."""
        facts = self.facts or earlier.facts
        entered_at = min(self.entered_at, earlier.entered_at)
        if facts is not None:
            facts = replace(facts, entered_at=entered_at)
        return replace(self, facts=facts, entered_at=entered_at)


def _told_version(headers: Mapping[str, str]) -> int:
    """Which version of its shipments an event tells of."""
    state = headers.get(ORDER_STATE)
    return OrderState.model_validate_json(state).shipments_version if state else 0


def newest(orders: Iterable[SeenOrder]) -> list[SeenOrder]:
    """One for each order of a batch, in the order of ids: locks are taken in that."""
    found: dict[UUID, SeenOrder] = {}
    for one in orders:
        known = found.get(one.id)
        if known is None:
            found[one.id] = one
        elif one.sequence > known.sequence:
            found[one.id] = one.after(known)
    return sorted(found.values(), key=lambda one: one.id)


def as_stored(facts: Facts | None) -> str | None:
    """As a row keeps them."""
    return _facts.dump_json(facts).decode() if facts else None


def read_facts(stored: str, entered_at: datetime) -> Facts:
    """From a row."""
    return replace(_facts.validate_json(stored), entered_at=entered_at)
