"""What people do about charges: give some back, and charge what had no price."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from services.fulfilment.ledger import charging, store
from services.fulfilment.ledger.entries import Gap, Pending, priced
from services.fulfilment.money import as_text, digits_of
from shared.failures import Refused
from shared.postgres.database import Database, Session

_CHUNK = 500


@dataclass(slots=True)
class PricedAgain:
    """How many had no price, and how many have one now."""

    looked_at: int = 0
    priced: int = 0


async def correct(
    session: Session, account: UUID, entry: UUID, amount: str, reason: str, by: UUID
) -> UUID:
    """Give back some of what was posted; the id of the counter-entry.

    Raises:
        Refused: `not_found`, `not_creditor`, `not_posted`, `more_than_is_left`;
            `validation_failed`: no amount of this currency.
    """
    known = await store.posted_entry(session, account, entry)
    if known is None:
        raise Refused("not_found", what="entry")
    if known["credit_account"] != account:
        raise Refused("not_creditor")
    if known["phase"] != "posted":
        raise Refused("not_posted")
    currency = known["currency"]
    if len(amount.partition(".")[2]) > digits_of(currency) or Decimal(amount) == 0:
        message = f"more than nothing, with no more digits than {currency} has"
        raise Refused("validation_failed", errors=[{"pointer": "/amount", "message": message}])
    await store.lock_orders(session, [known["shipment_id"]])
    known = await store.posted_entry(session, account, entry)
    assert known is not None  # noqa: S101  entries stay
    if Decimal(amount) > known["left_over"]:
        left = as_text(known["left_over"], currency)
        raise Refused("more_than_is_left", left=left, currency=currency)
    corrected = charging.correction_id(known)
    await store.add_corrections(session, [(corrected, entry, Decimal(amount))], by)
    await store.add_reasons(session, [corrected], reason)
    return corrected


async def price_again(database: Database, account: UUID) -> PricedAgain:
    """Charge what lists of the account cover now, chunk by chunk, each a transaction."""
    done, place = PricedAgain(), None
    while True:
        async with database.transaction() as session:
            place = await _price_chunk(session, account, place, done)
        if place is None:
            return done


async def _price_chunk(
    session: Session, account: UUID, place: tuple[datetime, UUID] | None, done: PricedAgain
) -> tuple[datetime, UUID] | None:
    rows = await store.unpriced_ids(session, account, place, _CHUNK)
    # Whoever posts or voids these shipments meanwhile waits, or was waited for.
    await store.lock_orders(session, [row["shipment_id"] for row in rows])
    settled, pending, posted = [], [], []
    for unpriced, item, debt, valid, is_posted in await store.unpriced_now(
        session, [row["id"] for row in rows]
    ):
        found = [one for one in priced(debt, valid) if _item(one) == item]
        if any(isinstance(one, Gap) for one in found):
            continue
        # None at all: it is free by now.
        settled.append(unpriced)
        pending += found
        if is_posted:
            posted.append(debt.shipment.shipment_id)
    await charging.write(session, pending)
    await store.settle_unpriced(session, settled)
    await charging.post(session, posted)
    done.looked_at += len(rows)
    done.priced += len(settled)
    return (rows[-1]["noticed_at"], rows[-1]["id"]) if len(rows) == _CHUNK else None


def _item(one: Pending | Gap) -> str:
    return one.charge.item if isinstance(one, Pending) else one.uncovered.item
