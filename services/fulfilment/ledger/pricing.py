"""What a shipment costs by a price list. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from services.fulfilment.money import rounded, times
from services.fulfilment.price_lists.prices import Prices

Item = Literal["per_order", "per_item", "weight", "carrier", "own_contract"]
Basis = Literal["order", "item", "weight", "carrier", "own_contract"]
Why = Literal[
    "weight_unknown", "over_last_band", "carrier_unknown", "carrier_not_listed",
    "own_contract_not_listed",
]  # fmt: skip
_BASES: dict[Item, Basis] = {
    "per_order": "order",
    "per_item": "item",
    "weight": "weight",
    "carrier": "carrier",
    "own_contract": "own_contract",
}


@dataclass(frozen=True, slots=True)
class Chargeable:
    """One shipment.

    `billing_of` is the account that the platform's fee is charged to; `own_contract`: it goes by a
    carrier contract of the rules' owner; `at` is when it is processed: whose prices are valid then.
    """

    shipment_id: UUID
    order_id: UUID
    brand_id: UUID
    three_pl_id: UUID | None
    billing_of: UUID
    item_count: int
    weight_grams: int | None
    carrier: str | None
    own_contract: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Charge:
    """One price that a shipment costs; never zero."""

    item: Item
    quantity: int
    amount: Decimal

    @property
    def basis(self) -> Basis:
        """What it is counted by."""
        return _BASES[self.item]


@dataclass(frozen=True, slots=True)
class Uncovered:
    """One price that the list ought to have for a shipment and has not."""

    item: Item
    why: Why


def price(prices: Prices, currency: str, shipment: Chargeable) -> list[Charge | Uncovered]:
    """Every price of the list: what it comes to, or why that cannot be said.

    What is free is left out. Amounts are exact, and rounded half to even to the digits of the
    currency.
    """
    found: Iterator[Charge | Uncovered] = _all(prices, currency, shipment)
    return [one for one in found if isinstance(one, Uncovered) or one.amount > 0]


def _all(prices: Prices, currency: str, shipment: Chargeable) -> Iterator[Charge | Uncovered]:
    if prices.per_order is not None:
        yield Charge("per_order", 1, rounded(Decimal(prices.per_order), currency))
    if prices.per_item is not None:
        count = shipment.item_count
        yield Charge("per_item", count, times(Decimal(prices.per_item), count, currency))
    if prices.weight_bands is not None:
        yield _by_weight(prices, currency, shipment.weight_grams)
    by_carrier = _by_carrier(prices, currency, shipment)
    if by_carrier is not None:
        yield by_carrier


def _by_weight(prices: Prices, currency: str, grams: int | None) -> Charge | Uncovered:
    if grams is None:
        return Uncovered("weight", "weight_unknown")
    amount = prices.band_amount(grams)
    if amount is None:
        return Uncovered("weight", "over_last_band")
    return Charge("weight", grams, rounded(amount, currency))


def _by_carrier(prices: Prices, currency: str, shipment: Chargeable) -> Charge | Uncovered | None:
    """What the label costs: by the contract of the rules' owner, or by its carrier."""
    if shipment.own_contract:
        if prices.own_contract is not None:
            return Charge("own_contract", 1, rounded(Decimal(prices.own_contract), currency))
        return Uncovered("own_contract", "own_contract_not_listed") if prices.carriers else None
    if prices.carriers is None:
        return None
    if shipment.carrier is None:
        return Uncovered("carrier", "carrier_unknown")
    amount = prices.carriers.get(shipment.carrier)
    if amount is None:
        return Uncovered("carrier", "carrier_not_listed")
    return Charge("carrier", 1, rounded(Decimal(amount), currency))
