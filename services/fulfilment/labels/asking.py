"""Labels are asked for: a durable claim for each, before any carrier hears of it."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from services.fulfilment.carrier_accounts.account import CarrierAccount
from services.fulfilment.carrier_accounts.owned import accounts_for
from services.fulfilment.labels import store
from services.fulfilment.labels.addresses import flaws
from services.fulfilment.shipments.changing import Command, change
from services.fulfilment.shipments.commands import replaced, require
from services.fulfilment.shipments.following import Shipments
from services.fulfilment.shipments.locked_order import LockedOrder
from services.fulfilment.shipments.reading import carriers_of
from services.fulfilment.shipments.shipment import Parcel, Shipment, Status, changed
from shared.failures import Refused
from shared.postgres.database import Session

_READY: frozenset[Status] = frozenset({"ready"})
_LABELLED: frozenset[Status] = frozenset({"labelled"})
Accounts = Mapping[tuple[UUID, str], CarrierAccount]


async def ask_for_labels(
    session: Session, account: UUID, wanted: Mapping[UUID, int], by: UUID
) -> dict[UUID, Shipment | Refused]:
    """Claim labels for shipments, each by itself; by shipment id.

    Args:
        session: in a transaction.
        account: who asks: it has the orders.
        wanted: the versions that the caller saw.
        by: the person or API client.
    """
    carriers = await carriers_of(session, wanted)
    accounts = await accounts_for(session, set(carriers.values()))
    commands = {
        shipment_id: _requested(account, version, accounts)
        for shipment_id, version in wanted.items()
    }
    results = await change(session, account, commands)
    claimed = [
        (one, accounts[one.rules_of, one.shipping.carrier].id)
        for one in results.values()
        if isinstance(one, Shipment) and one.shipping is not None
    ]
    if claimed:
        await store.add(session, claimed, by)
    return results


async def ask_back(
    session: Session, account: UUID, shipment_id: UUID, version: int
) -> Shipment | Refused:
    """Have a label given back before the parcel leaves; the shipment is ready again after that."""

    def command(order: LockedOrder, shipments: Shipments, one: Shipment) -> Shipments:
        require(one, version, _LABELLED, is_owner=order.owner == account)
        return replaced(shipments, changed(one, label="cancelling"))

    result = (await change(session, account, {shipment_id: command}))[shipment_id]
    if isinstance(result, Shipment):
        await store.give_back(session, [shipment_id])
    return result


def _requested(account: UUID, version: int, accounts: Accounts) -> Command:
    def command(order: LockedOrder, shipments: Shipments, one: Shipment) -> Shipments:
        require(one, version, _READY, is_owner=order.owner == account)
        carrier = one.shipping.carrier if one.shipping else ""
        found = accounts.get((one.rules_of, carrier))
        if found is None or found.kind == "manual":
            raise Refused("no_carrier_account")
        if one.consignee is None:
            raise Refused("order_erased", what="order", state=one.status)
        if errors := flaws(one.consignee.address):
            raise Refused("validation_failed", errors=list(errors))
        boxes = one.parcels or (Parcel(number=1, weight_grams=one.weight_grams or None),)
        return replaced(shipments, replace(changed(one, label="requested"), parcels=boxes))

    return command
