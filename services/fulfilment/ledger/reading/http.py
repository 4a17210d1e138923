"""The ledger over HTTP: what concerns the account that asks, and nothing else."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.fulfilment.dependencies import Asking
from services.fulfilment.ledger import months
from services.fulfilment.ledger.entries import Phase
from services.fulfilment.ledger.reading import store
from services.fulfilment.ledger.reading.store import Wanted
from services.fulfilment.ledger.shown import Entry
from services.fulfilment.ledger.store import entry_shown
from services.fulfilment.money import as_text
from shared.contracts.fields import Currency
from shared.failures import Refused
from shared.runtime import Schema
from shared.web.openapi import refuses
from shared.web.pagination import After, Limit, Page, decode_cursor, moment, page_of
from shared.web.parameters import only_known_parameters

Month = Annotated[str, Query(pattern=months.PATTERN, description="`2026-11`, UTC.")]


class Balance(BaseModel):
    """What one account is owed by another, less what it owes: negative when it owes more.

    `pending` may still come about or not; corrections are in `posted`.
    """

    account_id: UUID
    currency: str
    pending: str
    posted: str


class Balances(BaseModel):
    """One for each other party and currency."""

    data: list[Balance]


class Unpriced(BaseModel):
    """A price that a list of the caller ought to have for a shipment and has not."""

    id: UUID
    shipment_id: UUID
    order_id: UUID
    price_list_id: UUID
    charged_account: UUID
    item: str
    why: str
    weight_grams: int | None
    carrier: str | None
    noticed_at: datetime


router = APIRouter(prefix="/v1/ledger", tags=["ledger"], dependencies=[only_known_parameters])


@router.get("/entries", summary="Entries of the ledger, newest first")
async def list_entries(
    party: Asking,
    database: Schema,
    month: Month | None = None,
    shipment_id: UUID | None = None,
    order_id: UUID | None = None,
    phase: Phase | None = None,
    currency: Currency | None = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[Entry]:
    """Those that the caller's account is a side of."""
    place = decode_cursor(after, moment, UUID)
    period = months.period_of(month) if month else None
    wanted = Wanted(period, shipment_id, order_id, phase, currency)
    async with database.reading() as session:
        rows = await store.entries(session, party.account_id, wanted, place, limit + 1)
    return page_of(rows, limit, Entry.of, lambda row: row["entered_at"], lambda row: row["id"])


@router.get(
    "/entries/{entry_id}", summary="An entry of the ledger", openapi_extra=refuses("not_found")
)
async def get_entry(party: Asking, database: Schema, entry_id: UUID) -> Entry:
    """One that the caller's account is a side of."""
    async with database.reading() as session:
        row = await entry_shown(session, party.account_id, entry_id)
    if row is None:
        raise Refused("not_found", what="entry")
    return Entry.of(row)


@router.get("/balances", summary="Balances by currency and other party")
async def list_balances(party: Asking, database: Schema) -> Balances:
    """Sums of all entries that the caller's account is a side of."""
    async with database.reading() as session:
        rows = await store.balances(session, party.account_id)
    return Balances(
        data=[
            Balance(
                account_id=row["other"],
                currency=row["currency"],
                pending=as_text(row["pending"], row["currency"]),
                posted=as_text(row["posted"], row["currency"]),
            )
            for row in rows
        ]
    )


@router.get("/unpriced", summary="What no price covers, oldest first")
async def list_unpriced(
    party: Asking, database: Schema, limit: Limit = 50, after: After = None
) -> Page[Unpriced]:
    """Add the price to the list, then `POST /v1/unpriced/price-again`."""
    place = decode_cursor(after, moment, UUID)
    async with database.reading() as session:
        rows = await store.unpriced(session, party.account_id, place, limit + 1)
    return page_of(
        rows,
        limit,
        lambda row: Unpriced(**{**row, "charged_account": row["debit_account"]}),
        lambda row: row["noticed_at"],
        lambda row: row["id"],
    )
