"""An entry of the ledger as the API shows it; money is a string. Pure."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, Field

from services.fulfilment.ledger.entries import EntryBasis, Phase
from services.fulfilment.money import as_text


class Entry(BaseModel):
    """One debit and one credit of one currency.

    `pending_id`: of what is posted or voided the pending entry, of a correction the posted one.
    `reason` is null where there is none, and since a party was erased.
    """

    id: UUID
    phase: Phase
    pending_id: UUID | None
    debit_account: UUID
    credit_account: UUID
    amount: str
    currency: str
    price_list_id: UUID
    version: int = Field(description="Of the price list.")
    item: str
    basis: EntryBasis
    quantity: int
    shipment_id: UUID
    order_id: UUID
    brand_id: UUID
    entered_at: datetime
    reason: str | None

    @classmethod
    def of(cls, row: Any) -> Self:
        """From a row of the database, with its reason."""
        known = {name: row[name] for name in cls.model_fields if name != "amount"}
        return cls(**known, amount=as_text(row["amount"], row["currency"]))
