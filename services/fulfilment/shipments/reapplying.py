"""The newest shipping rules for shipments that nobody has fixed, with a look before it is done."""

from uuid import UUID

from pydantic import BaseModel

from services.fulfilment.shipments import applying, store
from services.fulfilment.shipments.applying import Change
from services.fulfilment.shipments.commands import chosen_again, replaced
from services.fulfilment.shipments.shipment import Shipment
from services.fulfilment.shipping_rules.newest import newest_rules
from shared.postgres.database import Session
from shared.rules.shipping_rules import Shipping

_AT_ONCE = 500
_MOST_SHOWN = 100


class ChosenOtherwise(BaseModel):
    """A shipment that is carried otherwise; null: it needs a carrier, or none is chosen here.

    `number` is what the store calls its order.
    """

    shipment_id: UUID
    order_id: UUID
    number: str
    before: Shipping | None
    now: Shipping | None


class Reapplied(BaseModel):
    """How many shipments were looked at and changed, and the first 100 of them.

    `next`: what to send as `after` for those that follow; null when none do.
    """

    looked_at: int
    changed: int
    needs_carrier: int
    shipments: list[ChosenOtherwise]
    next: UUID | None


async def reapply(
    session: Session, account: UUID, after: UUID | None, *, preview: bool
) -> Reapplied:
    """Let the account's newest rules choose for the next 500 shipments that they count for.

    Args:
        session: in a transaction.
        account: whose rules.
        after: the last shipment that was looked at.
        preview: whether nothing is to be changed.
    """
    found = await store.to_choose(session, account, after, _AT_ONCE)
    wanted = {shipment_id for shipment_id, _ in found}
    order_ids = sorted({order_id for _, order_id in found})
    orders = await store.lock_orders(session, order_ids)
    shipments = await store.lock_shipments(session, order_ids)
    rules = (await newest_rules(session, [account]))[account]
    answer = Reapplied(looked_at=0, changed=0, needs_carrier=0, shipments=[], next=None)
    changes = []
    for order in orders.values():
        before = after_it = shipments.get(order.id, ())
        for one in before:
            # Of an order that was erased nobody knows what rules look at.
            if one.id in wanted and one.rules_of == account and order.facts is not None:
                again = chosen_again(one, order.facts, rules)
                _count(answer, one, again)
                after_it = replaced(after_it, again)
        changes.append(Change(order.id, before, after_it, order.shipments_version))
    shown = [one.shipment_id for one in answer.shipments]
    numbers = await store.with_numbers(session, shown) if shown else {}
    for otherwise in answer.shipments:
        otherwise.number = numbers[otherwise.shipment_id][1]
    if not preview:
        await applying.write(session, changes)
    if len(found) == _AT_ONCE:
        answer.next = found[-1][0]
    return answer


def _count(answer: Reapplied, before: Shipment, now: Shipment) -> None:
    answer.looked_at += 1
    answer.needs_carrier += now.status == "needs_carrier"
    if now is before:
        return
    answer.changed += 1
    if len(answer.shipments) < _MOST_SHOWN:
        answer.shipments.append(
            ChosenOtherwise(
                shipment_id=now.id,
                order_id=now.order_id,
                number="",
                before=before.shipping,
                now=now.shipping,
            )
        )
