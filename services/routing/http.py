"""Routing's commands: what the parties of an order may do with it."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from uuid_utils.compat import uuid7

from services.routing import commands, events, store
from services.routing.commands import Asked
from services.routing.lifecycle import Command
from services.routing.orders import Hold, Order
from shared.contracts.connections_changed import Party
from shared.contracts.fields import Text
from shared.contracts.order import OrderStatus
from shared.contracts.orders_events import HoldKind
from shared.failures import Refused
from shared.postgres import outbox
from shared.postgres.database import Database
from shared.runtime import Schema
from shared.web.access import DelegableAccount
from shared.web.auth import Principal
from shared.web.openapi import refuses
from shared.web.parameters import Form, only_known_parameters

OwnersCommand = Literal[
    Command.PROCESS,
    Command.MOVE_BACK,
    Command.SHIP,
    Command.DELIVER,
    Command.RETURN,
    Command.ACCEPT_CANCELLATION,
    Command.REJECT_CANCELLATION,
]


class CommandBody(Form):
    """The assignment version that the caller saw (compare-and-set)."""

    version: int = Field(ge=1, le=2**31 - 1)


class HoldBody(CommandBody):
    """Why the order must wait, and which party may lift that: the caller's own unless named."""

    kind: HoldKind = "other"
    note: Text | None = None
    release_by: Party | None = None


class ReleaseBody(CommandBody):
    """Which hold to lift; none named: every one that is the caller's to lift."""

    hold_id: UUID | None = None


class CommandResult(BaseModel):
    """The order after a command."""

    id: UUID
    status: OrderStatus
    owner: Party
    connection_id: UUID | None
    version: int
    sequence: int


router = APIRouter(prefix="/v1/orders", tags=["orders"], dependencies=[only_known_parameters])


_OF_COMMANDS = ("version_conflict", "invalid_transition", "connection_ended", "order_erased")


@router.post(
    "/{order_id}/hold",
    summary="Say why an order must not be worked yet",
    openapi_extra=refuses(*_OF_COMMANDS, "too_many_holds"),
)
async def hold_order(
    caller: DelegableAccount, database: Schema, order_id: UUID, body: HoldBody
) -> CommandResult:
    """For both parties of the order; several holds may stand at once."""
    own: Party = "three_pl" if caller.kind == "three_pl" else "brand"
    hold = Hold(
        id=uuid7(),
        kind=body.kind,
        note=body.note,
        release_by=body.release_by or own,
        placed_by=caller.account_id,
        placed_at=datetime.now(UTC),
    )
    asked = _asked(caller, Command.HOLD, body.version, hold=hold)
    return await _command(database, order_id, asked)


@router.post(
    "/{order_id}/release",
    summary="Lift a hold, or all that are the caller's to lift",
    openapi_extra=refuses(*_OF_COMMANDS, "not_hold_owner"),
)
async def release_order(
    caller: DelegableAccount, database: Schema, order_id: UUID, body: ReleaseBody
) -> CommandResult:
    """For whoever the hold names, owner or not; the brand may always lift `payment`."""
    asked = _asked(caller, Command.RELEASE, body.version, hold_id=body.hold_id)
    return await _command(database, order_id, asked)


@router.post(
    "/{order_id}/{command}",
    summary="Command an order",
    openapi_extra=refuses(*_OF_COMMANDS, "not_owner"),
)
async def command_order(
    caller: DelegableAccount,
    database: Schema,
    order_id: UUID,
    command: Annotated[OwnersCommand, Path(description="What to do.")],
    body: CommandBody,
) -> CommandResult:
    """Only the order's owner may, with the version it saw."""
    return await _command(database, order_id, _asked(caller, command, body.version))


def _asked(
    caller: Principal,
    command: Command,
    version: int,
    *,
    hold: Hold | None = None,
    hold_id: UUID | None = None,
) -> Asked:
    """A command of the account, or of who acts in its name."""
    return Asked(
        command, version, caller.account_id, caller.actor, caller.delegation, hold, hold_id
    )


async def _command(database: Database, order_id: UUID, asked: Asked) -> CommandResult:
    async with database.transaction() as session:
        # The connection before the order, as batches do, so that the two never deadlock.
        connection = await store.lock_connection_of_order(session, order_id)
        order = await store.lock_order(session, order_id)
        if order is None:
            raise Refused("not_found", what="order")
        if order.connection_id is None:
            connection = None
        decision = commands.command(order, connection, asked)
        await store.write(session, [decision])
        await outbox.write(session, events.messages([(decision, None)]))
    return _result(decision.order)


def _result(order: Order) -> CommandResult:
    return CommandResult(
        id=order.id,
        status=order.status,
        owner=order.owner,
        connection_id=order.connection_id,
        version=order.version,
        sequence=order.sequence,
    )
