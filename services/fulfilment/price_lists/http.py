"""Price lists over HTTP: set by who charges, read by who is charged."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints
from uuid_utils.compat import uuid7

from services.fulfilment.dependencies import Asking, Party
from services.fulfilment.ledger.entries import OPERATOR
from services.fulfilment.ledger.pricing import Basis, Chargeable
from services.fulfilment.money import as_text
from services.fulfilment.price_lists import store
from services.fulfilment.price_lists.otherwise import Charged, Otherwise
from services.fulfilment.price_lists.prices import Prices
from services.fulfilment.price_lists.store import PriceList, Version
from shared.contracts.fields import DISPLAYABLE, Currency, Timestamp
from shared.failures import Refused
from shared.postgres.database import Session
from shared.runtime import Schema
from shared.web.if_match import IfMatch
from shared.web.openapi import refuses
from shared.web.pagination import After, Limit, Page, decode_cursor_part, page_of, row_number
from shared.web.parameters import Form, only_known_parameters

_MOST_CHARGES, _TOGETHER = 10_000, 200
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=DISPLAYABLE)]


class NewVersion(Form):
    """Prices that count from a time on; without one, from now on."""

    prices: Prices
    valid_from: Timestamp | None = Field(default=None, description="Not before now.")


class ChangedPriceList(NewVersion):
    """The list with other prices; without a name it keeps its own."""

    name: Name | None = None


class NewPriceList(NewVersion):
    """A list; without `charged_account`, for everybody who has none of their own."""

    name: Name
    currency: Currency
    charged_account: UUID | None = None


class ShownVersion(BaseModel):
    """One version. Of those that are valid at a time the newest counts."""

    version: int
    valid_from: datetime
    prices: Prices
    set_by: UUID | None = Field(description="Person or API client; null for who is charged.")
    set_at: datetime


class ShownPriceList(ShownVersion):
    """A list with its newest version. `account_id` charges; the operator is `of_operator`."""

    id: UUID
    account_id: UUID
    of_operator: bool
    charged_account: UUID | None
    name: str
    currency: str
    created_at: datetime


class PreviewBody(Form):
    """Prices to be tried."""

    prices: Prices


class Preview(BaseModel):
    """What the charges of the last 90 days, the newest 10,000, would have come to.

    Sums by basis, as they were charged (`now`) and as they would have been (`then`); `unpriced`:
    how many prices the list would have lacked, by why.
    """

    currency: str
    charges: int
    shipments: int
    now: dict[str, str]
    then: dict[str, str]
    now_total: str
    then_total: str
    unpriced: dict[str, int]


router = APIRouter(
    prefix="/v1/price-lists", tags=["price lists"], dependencies=[only_known_parameters]
)


@router.get("", summary="List price lists, newest first")
async def list_price_lists(
    party: Asking, database: Schema, limit: Limit = 50, after: After = None
) -> Page[ShownPriceList]:
    """The caller's own, and those that it is charged by."""
    before = decode_cursor_part(after, UUID)
    async with database.reading() as session:
        found = await store.shown(
            session, party.account_id, OPERATOR, before=before, limit=limit + 1
        )
    return page_of(found, limit, lambda one: _shown(one, party), lambda one: one.id)


@router.post(
    "",
    status_code=201,
    summary="Make a price list",
    openapi_extra=refuses("three_pl_only", "price_list_exists"),
)
async def make_price_list(party: Asking, database: Schema, body: NewPriceList) -> ShownPriceList:
    """For one account or for everybody; there is one of each. A 3PL's are for its brands."""
    party.may_charge()
    _check(body.prices, body.currency, body.valid_from)
    if body.charged_account == party.account_id:
        raise _wrong("/charged_account", "nobody charges themselves")
    list_id = uuid7()
    async with database.transaction() as session:
        if not await store.add(
            session, list_id, party.account_id, body.charged_account, body.name, body.currency
        ):
            raise Refused("price_list_exists")
        await store.add_version(session, list_id, 1, body.prices, body.valid_from, party.by)
        return _shown(await _get(session, party, list_id), party)


@router.get("/{list_id}", summary="A price list", openapi_extra=refuses("not_found"))
async def get_price_list(party: Asking, database: Schema, list_id: UUID) -> ShownPriceList:
    """With its newest version, which may be valid from a later time on."""
    async with database.reading() as session:
        return _shown(await _get(session, party, list_id), party)


@router.put(
    "/{list_id}",
    summary="Change prices",
    openapi_extra=refuses(
        "three_pl_only", "not_found", "precondition_required", "version_conflict"
    ),
)
async def set_prices(
    party: Asking, database: Schema, list_id: UUID, version: IfMatch, body: ChangedPriceList
) -> ShownPriceList:
    """Needs `If-Match`. A new version, never for the past; the same prices make none."""
    async with database.transaction() as session:
        now = await _own(session, party, list_id)
        if version is None:
            raise Refused("precondition_required")
        _check(body.prices, now.currency, body.valid_from)
        if now.version != version:
            raise Refused("version_conflict", what="price list", version=now.version)
        if body.name is not None:
            await store.rename(session, party.account_id, list_id, body.name)
        # From now on, unless they are valid already: those that are to come are not.
        since = body.valid_from or min(now.valid_from, datetime.now(UTC))
        if (now.prices, now.valid_from) != (body.prices, since):
            added = await store.add_version(
                session, list_id, version + 1, body.prices, body.valid_from, party.by
            )
            if added is None:
                raise Refused("version_conflict", what="price list", version=version + 1)
        return _shown(await _get(session, party, list_id), party)


@router.get(
    "/{list_id}/versions",
    summary="Versions of a price list, newest first",
    openapi_extra=refuses("not_found"),
)
async def list_versions(
    party: Asking, database: Schema, list_id: UUID, limit: Limit = 50, after: After = None
) -> Page[ShownVersion]:
    """Every version that a charge may name, and those that are to come."""
    before = decode_cursor_part(after, row_number)
    async with database.reading() as session:
        known = await _get(session, party, list_id)
        found = await store.versions(session, list_id, before, limit + 1)
    is_own = known.account_id == party.account_id
    return page_of(
        found,
        limit,
        lambda one: ShownVersion(**_of_version(one, is_own=is_own)),
        lambda one: one.version,
    )


@router.post(
    "/{list_id}/preview",
    summary="What would other prices have come to?",
    openapi_extra=refuses("three_pl_only", "not_found"),
)
async def preview_prices(
    party: Asking, database: Schema, list_id: UUID, body: PreviewBody
) -> Preview:
    """Over what this list has charged. Nothing is changed."""
    async with database.reading() as session:
        known = await _own(session, party, list_id)
        _check(body.prices, known.currency, None)
        rows = await store.newest_charges(session, party.account_id, list_id, _MOST_CHARGES)
    otherwise = Otherwise(body.prices, known.currency)
    of_shipments = _by_shipment(rows)
    for number, charges in enumerate(of_shipments):
        if number % _TOGETHER == 0:
            await asyncio.sleep(0)
        otherwise.add(charges)
    return Preview(
        currency=known.currency,
        charges=otherwise.charges,
        shipments=otherwise.shipments,
        now=_texts(otherwise.now, known.currency),
        then=_texts(otherwise.then, known.currency),
        now_total=as_text(sum(otherwise.now.values(), Decimal(0)), known.currency),
        then_total=as_text(sum(otherwise.then.values(), Decimal(0)), known.currency),
        unpriced=dict(otherwise.uncovered),
    )


def _by_shipment(rows: Sequence[asyncpg.Record]) -> list[list[Charged]]:
    found: dict[UUID, list[Charged]] = defaultdict(list)
    names = [one.name for one in fields(Chargeable)]
    for row in rows:
        shipment = Chargeable(**{name: row[name] for name in names})
        found[shipment.shipment_id].append(Charged(row["basis"], row["amount"], shipment))
    # Of the oldest shipment some charges may be beyond the limit: it would look too cheap.
    if len(rows) == _MOST_CHARGES:
        found.pop(rows[-1]["shipment_id"])
    return list(found.values())


async def _get(session: Session, party: Party, list_id: UUID) -> PriceList:
    """A list that is shown to who asks.

    Raises:
        Refused: `not_found`.
    """
    found = await store.shown(session, party.account_id, OPERATOR, list_id=list_id)
    if not found:
        raise Refused("not_found", what="price list")
    return found[0]


async def _own(session: Session, party: Party, list_id: UUID) -> PriceList:
    """A list of who asks.

    Raises:
        Refused: `three_pl_only`, `not_found`.
    """
    known = await _get(session, party, list_id)
    party.may_charge()
    if known.account_id != party.account_id:
        raise Refused("not_found", what="price list")
    return known


def _check(prices: Prices, currency: str, valid_from: datetime | None) -> None:
    """Refuse what cannot be meant.

    Raises:
        Refused: `validation_failed`.
    """
    try:
        too_exact = prices.too_exact_for(currency)
    except ValueError as error:
        raise _wrong("/currency", str(error)) from error
    if too_exact:
        message = f"more digits than {currency} has"
        errors = [{"pointer": f"/prices{one}", "message": message} for one in too_exact]
        raise Refused("validation_failed", errors=errors)
    if valid_from is not None and valid_from < datetime.now(UTC):
        raise _wrong("/valid_from", "what was charged stays: not before now")


def _wrong(pointer: str, message: str) -> Refused:
    return Refused("validation_failed", errors=[{"pointer": pointer, "message": message}])


def _shown(one: PriceList, party: Party) -> ShownPriceList:
    return ShownPriceList(
        id=one.id,
        account_id=one.account_id,
        of_operator=one.account_id == OPERATOR,
        charged_account=one.charged_account,
        name=one.name,
        currency=one.currency,
        created_at=one.created_at,
        **_of_version(one, is_own=one.account_id == party.account_id),
    )


def _of_version(one: Version, *, is_own: bool) -> Mapping[str, object]:
    return {
        "version": one.version,
        "valid_from": one.valid_from,
        "prices": one.prices,
        "set_by": one.set_by if is_own else None,
        "set_at": one.set_at,
    }


def _texts(sums: Mapping[Basis, Decimal], currency: str) -> dict[str, str]:
    return {basis: as_text(amount, currency) for basis, amount in sums.items()}
