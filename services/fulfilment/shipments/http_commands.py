"""What is done with shipments, over HTTP: one by one, or many at once."""

from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter, Request

from services.fulfilment.shipments import commands
from services.fulfilment.shipments.changing import Command, change
from services.fulfilment.shipments.commands import require
from services.fulfilment.shipments.following import Shipments
from services.fulfilment.shipments.http_bodies import (
    ChooseBody,
    PackBody,
    ParcelSeen,
    ReapplyBody,
    ShipBody,
    ShipMany,
    ShipmentState,
    ShipResults,
    SplitBody,
    TrackBody,
    outcome_of,
    state_of,
)
from services.fulfilment.shipments.locked_order import LockedOrder
from services.fulfilment.shipments.reapplying import Reapplied, reapply
from services.fulfilment.shipments.shipment import (
    GONE,
    WAITING,
    Parcel,
    Shipment,
    Status,
)
from services.fulfilment.shipments.tracking import Sighting
from shared.failures import Refused
from shared.postgres.database import Database
from shared.runtime import Schema
from shared.web.access import Account
from shared.web.openapi import refuses
from shared.web.parameters import only_known_parameters

_OPEN: frozenset[Status] = frozenset({"needs_carrier", "ready"})
_SEEN: frozenset[Status] = WAITING | GONE
_OF_COMMANDS = (
    "not_found", "not_owner", "version_conflict", "invalid_transition", "label_under_way",
)  # fmt: skip
router = APIRouter(prefix="/v1/shipments", tags=["shipments"], dependencies=[only_known_parameters])


@router.post("/reapply", summary="Let the newest rules choose again")
async def reapply_rules(caller: Account, database: Schema, body: ReapplyBody) -> Reapplied:
    """For shipments whose carrier the caller's rules choose, 500 at a time.

    What a person chose stays, and what has a label. `next` is null when none is left.
    """
    async with database.transaction() as session:
        return await reapply(session, caller.account_id, body.after, preview=body.preview)


@router.post("/ship", summary="Many shipments have left")
async def ship_many(
    caller: Account, database: Schema, request: Request, body: ShipMany
) -> ShipResults:
    """One transaction: each is done or refused by itself, and all that is done is done at once."""
    asked = {one.shipment_id: _ship(caller.account_id, one) for one in body.shipments}
    async with database.transaction() as session:
        results = await change(session, caller.account_id, asked)
    return ShipResults(results=[outcome_of(request, *result) for result in results.items()])


@router.post(
    "/{shipment_id}/carrier",
    summary="Choose the carrier",
    openapi_extra=refuses(*_OF_COMMANDS, "not_rules_owner"),
)
async def choose_carrier(
    caller: Account, database: Schema, shipment_id: UUID, body: ChooseBody
) -> ShipmentState:
    """For the account whose shipping rules count; a person's choice always wins over rules."""

    def command(_: LockedOrder, shipments: Shipments, one: Shipment) -> Shipments:
        if one.rules_of != caller.account_id:
            raise Refused("not_rules_owner", state=one.status)
        require(one, body.version, _OPEN)
        return commands.replaced(shipments, commands.carried_by(one, body.shipping))

    return await _one(database, caller.account_id, shipment_id, command)


@router.post(
    "/{shipment_id}/split",
    summary="Make some pieces a shipment of their own",
    openapi_extra=refuses(*_OF_COMMANDS, "too_many_shipments"),
)
async def split_shipment(
    caller: Account, database: Schema, shipment_id: UUID, body: SplitBody
) -> ShipmentState:
    """For a partial shipment: what is named goes by itself, the rest stays."""
    pieces = {line.index: line.quantity for line in body.lines}

    def command(order: LockedOrder, shipments: Shipments, one: Shipment) -> Shipments:
        require(one, body.version, _OPEN, is_owner=order.owner == caller.account_id)
        return commands.split(shipments, one, pieces)

    return await _one(database, caller.account_id, shipment_id, command)


@router.put(
    "/{shipment_id}/parcels", summary="Say how it is packed", openapi_extra=refuses(*_OF_COMMANDS)
)
async def pack_shipment(
    caller: Account, database: Schema, shipment_id: UUID, body: PackBody
) -> ShipmentState:
    """All its boxes at once, before there is a label."""
    boxes = [Parcel(number=0, **box.model_dump()) for box in body.parcels]

    def command(order: LockedOrder, shipments: Shipments, one: Shipment) -> Shipments:
        require(one, body.version, _OPEN, is_owner=order.owner == caller.account_id)
        return commands.replaced(shipments, commands.packed(one, boxes))

    return await _one(database, caller.account_id, shipment_id, command)


@router.post(
    "/{shipment_id}/tracking",
    summary="Say what is known of its parcels",
    openapi_extra=refuses(*_OF_COMMANDS),
)
async def track_shipment(
    caller: Account, database: Schema, shipment_id: UUID, body: TrackBody
) -> ShipmentState:
    """Numbers and states, merged; once a parcel is on its way the shipment is shipped."""

    def command(order: LockedOrder, shipments: Shipments, one: Shipment) -> Shipments:
        require(one, body.version, _SEEN, is_owner=_works(order, one, caller.account_id))
        tracked = commands.tracked(one, _sightings(body.parcels), datetime.now(UTC))
        return commands.replaced(shipments, tracked)

    return await _one(database, caller.account_id, shipment_id, command)


@router.post(
    "/{shipment_id}/ship", summary="It has left the warehouse", openapi_extra=refuses(*_OF_COMMANDS)
)
async def ship_shipment(
    caller: Account, database: Schema, shipment_id: UUID, body: ShipBody
) -> ShipmentState:
    """For whoever has the order. When all of the order has left, the order is shipped."""
    command = _ship(caller.account_id, body)
    return await _one(database, caller.account_id, shipment_id, command)


def _ship(account: UUID, body: ShipBody) -> Command:
    def command(order: LockedOrder, shipments: Shipments, one: Shipment) -> Shipments:
        require(one, body.version, WAITING, is_owner=order.owner == account)
        left = commands.shipped(one, _sightings(body.parcels), datetime.now(UTC))
        return commands.replaced(shipments, left)

    return command


def _works(order: LockedOrder, shipment: Shipment, account: UUID) -> bool:
    """Whether it is the account's to say what became of its parcels, to their end."""
    works = shipment.three_pl_id if shipment.connection_id else shipment.brand_id
    return account in (order.owner, works)


def _sightings(parcels: list[ParcelSeen]) -> list[Sighting]:
    return [
        Sighting(one.number, one.tracking_number, one.tracking_url, one.status, one.at)
        for one in parcels
    ]


async def _one(
    database: Database, account: UUID, shipment_id: UUID, command: Command
) -> ShipmentState:
    async with database.transaction() as session:
        results = await change(session, account, {shipment_id: command})
    return state_of(results[shipment_id])
