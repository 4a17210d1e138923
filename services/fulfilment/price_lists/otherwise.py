"""What past charges would have come to by other prices. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from services.fulfilment.ledger.pricing import Basis, Chargeable, Uncovered, Why, price
from services.fulfilment.price_lists.prices import Prices


@dataclass(frozen=True, slots=True)
class Charged:
    """One charge of before, and the shipment that it was for."""

    basis: Basis
    amount: Decimal
    shipment: Chargeable


@dataclass(slots=True)
class Otherwise:
    """Sums as they were charged and as they would have been, each by its basis.

    Charges of several chunks may be added one after the other: those of a shipment in one.
    """

    prices: Prices
    currency: str
    charges: int = 0
    shipments: int = 0
    now: dict[Basis, Decimal] = field(default_factory=dict)
    then: dict[Basis, Decimal] = field(default_factory=dict)
    uncovered: Counter[Why] = field(default_factory=Counter)
    _orders: set[UUID] = field(default_factory=set)

    def add(self, charges: Sequence[Charged]) -> None:
        """Look at some more."""
        for one in charges:
            self.charges += 1
            self.now[one.basis] = self.now.get(one.basis, Decimal(0)) + one.amount
        for shipment in {one.shipment.shipment_id: one.shipment for one in charges}.values():
            self.shipments += 1
            self._add_shipment(shipment)

    def _add_shipment(self, shipment: Chargeable) -> None:
        for one in price(self.prices, self.currency, shipment):
            if isinstance(one, Uncovered):
                self.uncovered[one.why] += 1
                continue
            # An order's own fee falls on one of its shipments.
            if one.basis == "order" and shipment.order_id in self._orders:
                continue
            self.then[one.basis] = self.then.get(one.basis, Decimal(0)) + one.amount
        self._orders.add(shipment.order_id)
