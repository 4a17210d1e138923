"""Entries of the ledger, as they are first written. Pure.

An entry is one debit and one credit of one currency. A charge is `pending` until its shipment is
processed or not: then another entry ends it, `posted` or `voided`. What was posted is given back by
`corrected` entries, from the credit side to the debit side. No entry is ever changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from services.fulfilment.ledger.pricing import Charge, Chargeable, Uncovered, price
from services.fulfilment.price_lists.prices import Prices
from shared.ids import OPERATOR_ACCOUNT, ledger_entry_id

Phase = Literal["pending", "posted", "voided", "corrected"]
EntryBasis = Literal["order", "item", "weight", "carrier", "own_contract", "correction"]
# The account of whoever runs the platform: of none that anybody logs in to, and for ever.
OPERATOR = OPERATOR_ACCOUNT
ANOTHER_SHIPMENT = "charged with another shipment"


@dataclass(frozen=True, slots=True)
class Debt:
    """Who is charged by whom for a shipment, before it is known by which prices."""

    debit: UUID
    credit: UUID
    shipment: Chargeable


@dataclass(frozen=True, slots=True)
class ValidList:
    """A price list in the version that is valid for a debt."""

    id: UUID
    version: int
    currency: str
    prices: Prices


@dataclass(frozen=True, slots=True)
class Pending:
    """A charge that is about to be written."""

    id: UUID
    debt: Debt
    list: ValidList
    charge: Charge


@dataclass(frozen=True, slots=True)
class Gap:
    """A price that a list ought to have and has not."""

    id: UUID
    debt: Debt
    list: ValidList
    uncovered: Uncovered


def debts_of(shipment: Chargeable) -> Iterator[Debt]:
    """The platform's fee, and what a 3PL charges its brand."""
    yield Debt(shipment.billing_of, OPERATOR, shipment)
    if shipment.three_pl_id is not None:
        yield Debt(shipment.brand_id, shipment.three_pl_id, shipment)


def priced(debt: Debt, valid: ValidList) -> Iterator[Pending | Gap]:
    """What a debt comes to by a list, price by price."""
    shipment = debt.shipment.shipment_id
    for one in price(valid.prices, valid.currency, debt.shipment):
        if isinstance(one, Uncovered):
            yield Gap(ledger_entry_id(shipment, valid.id, one.item, "unpriced"), debt, valid, one)
        else:
            entry_id = ledger_entry_id(shipment, valid.id, one.item, "pending")
            yield Pending(entry_id, debt, valid, one)
