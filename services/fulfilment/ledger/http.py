"""What people do about charges, over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, StringConstraints

from services.fulfilment.dependencies import Asking, Once
from services.fulfilment.ledger import correcting, store
from services.fulfilment.ledger.shown import Entry
from services.fulfilment.price_lists.prices import Price
from shared.contracts.fields import PRINTABLE
from shared.failures import Refused
from shared.postgres.database import Session
from shared.runtime import Schema
from shared.web.openapi import refuses
from shared.web.parameters import Form, only_known_parameters

router = APIRouter(prefix="/v1", tags=["ledger"], dependencies=[only_known_parameters])


class Correction(Form):
    """How much is given back, and why: the other side reads it."""

    amount: Price
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=PRINTABLE)]


class PricedAgain(BaseModel):
    """How many had no price, and how many of them have one now."""

    looked_at: int
    priced: int


@router.post(
    "/ledger/entries/{entry_id}/correct",
    status_code=201,
    summary="Give back some of a charge",
    openapi_extra=refuses(
        "not_found", "not_creditor", "not_posted", "more_than_is_left", idempotent=True
    ),
)
async def correct_entry(
    request: Request, party: Asking, keys: Once, entry_id: UUID, body: Correction
) -> Entry:
    """A counter-entry; what was posted stays as it is. Only who charged it may."""

    async def create(session: Session) -> Entry:
        made = await correcting.correct(
            session, party.account_id, entry_id, body.amount, body.reason, party.by
        )
        return await _shown(session, made)

    async def again(session: Session, answer: Entry) -> None:
        await _shown(session, answer.id)

    async def _shown(session: Session, made: UUID) -> Entry:
        row = await store.entry_shown(session, party.account_id, made)
        if row is None:
            raise Refused("not_found", what="entry")
        return Entry.of(row)

    return await keys.run_once(request, str(party.account_id), Entry, body, create, again)


@router.post(
    "/unpriced/price-again",
    summary="Charge what had no price",
    openapi_extra=refuses("three_pl_only"),
)
async def price_again(party: Asking, database: Schema) -> PricedAgain:
    """By the versions of the caller's lists that are valid now; posted if the shipment is."""
    party.may_charge()
    done = await correcting.price_again(database, party.account_id)
    return PricedAgain(looked_at=done.looked_at, priced=done.priced)
