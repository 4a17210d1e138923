"""A statement: opening balance, sums, closing balance of each currency. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.fulfilment.ledger.entries import EntryBasis
from services.fulfilment.money import as_text
from shared import spreadsheets

COLUMNS = (
    "entered_at", "entry_id", "phase", "basis", "item", "quantity", "account_id", "amount",
    "currency", "order_id", "shipment_id", "price_list_id", "version", "reason",
)  # fmt: skip


class Sum(BaseModel):
    """What came of one basis with one other account; negative: it was charged."""

    account_id: UUID
    basis: EntryBasis
    amount: str
    entries: int


class OfCurrency(BaseModel):
    """One currency: what was posted before, in the month, and both."""

    currency: str
    opening: str
    sums: list[Sum]
    closing: str


class Statement(BaseModel):
    """What an account is owed, less what it owes, by what was posted; UTC.

    The same again once the month is over: entries are only ever added, with the time of then.
    """

    account_id: UUID
    month: str
    since: datetime
    until: datetime
    currencies: list[OfCurrency]

    @property
    def entries(self) -> int:
        """How many there are in the month."""
        return sum(one.entries for of in self.currencies for one in of.sums)


def currencies_of(opening: Mapping[str, Decimal], sums: Iterable[Any]) -> list[OfCurrency]:
    """Each currency that has a balance or entries.

    Args:
        opening: by currency.
        sums: rows with `currency`, `other`, `basis`, `amount`, `entries`.
    """
    rows = list(sums)
    found = []
    for currency in sorted({*opening, *(row["currency"] for row in rows)}):
        own = [row for row in rows if row["currency"] == currency]
        before = opening.get(currency, Decimal(0))
        after = before + sum((row["amount"] for row in own), Decimal(0))
        found.append(
            OfCurrency(
                currency=currency,
                opening=as_text(before, currency),
                sums=[
                    Sum(
                        account_id=row["other"],
                        basis=row["basis"],
                        amount=as_text(row["amount"], currency),
                        entries=row["entries"],
                    )
                    for row in own
                ],
                closing=as_text(after, currency),
            )
        )
    return found


def csv_header() -> str:
    """The first line."""
    return spreadsheets.csv_lines([COLUMNS])


def csv_lines(rows: Iterable[Any]) -> str:
    """A line for each entry; what was charged to the account is negative."""
    return spreadsheets.csv_lines(
        (
            row["entered_at"].isoformat(), str(row["id"]), row["phase"], row["basis"], row["item"],
            str(row["quantity"]), str(row["other"]), as_text(row["signed"], row["currency"]),
            row["currency"], str(row["order_id"]), str(row["shipment_id"]),
            str(row["price_list_id"]), str(row["version"]), row["reason"],
        )
        for row in rows
    )  # fmt: skip
