"""Routing's commands: what the parties of an order may do with it, one by one or many at once."""

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field, field_validator, model_validator
from uuid_utils.compat import uuid7

from services.routing.commanding import command_orders
from services.routing.commands import Asked
from services.routing.lifecycle import Command
from services.routing.orders import Hold, Order
from shared.contracts.connections_changed import Party
from shared.contracts.fields import Text
from shared.contracts.order import OrderStatus
from shared.contracts.orders_events import HoldKind
from shared.failures import Refused
from shared.postgres.database import Database
from shared.runtime import Schema
from shared.web import problems
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


class HoldWish(Form):
    """Why an order must wait, and which party may lift that: the caller's own unless named."""

    kind: HoldKind = "other"
    note: Text | None = None
    release_by: Party | None = None


class HoldBody(HoldWish, CommandBody):
    """The same of one order."""


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


class OrderCommand(ReleaseBody):
    """One command of many: `hold` goes with `hold`, `hold_id` with `release`."""

    order_id: UUID
    command: Command
    hold: HoldWish | None = None

    @model_validator(mode="after")
    def _of_its_command(self) -> Self:
        if self.hold is not None and self.command is not Command.HOLD:
            raise ValueError("`hold` goes with the command `hold`")
        if self.hold_id is not None and self.command is not Command.RELEASE:
            raise ValueError("`hold_id` goes with the command `release`")
        return self


class CommandsBody(Form):
    """Up to 500 commands, each about another order."""

    commands: list[OrderCommand] = Field(min_length=1, max_length=500)

    @field_validator("commands")
    @classmethod
    def _once_each(cls, commands: list[OrderCommand]) -> list[OrderCommand]:
        times = Counter(one.order_id for one in commands)
        twice = [str(order_id) for order_id, count in times.items() if count > 1]
        if twice:
            raise ValueError(f"an order is commanded once at most, but not {twice[0]}")
        return commands


class CommandDone(BaseModel):
    """What was asked for is done."""

    order_id: UUID
    ok: Literal[True] = True
    order: CommandResult


class CommandRefused(BaseModel):
    """Nothing was changed about this order; `problem` is what a single command would answer."""

    order_id: UUID
    ok: Literal[False] = False
    problem: problems.Problem


class CommandResults(BaseModel):
    """One result for each command, in the order of the request."""

    results: list[CommandDone | CommandRefused]


router = APIRouter(prefix="/v1/orders", tags=["orders"], dependencies=[only_known_parameters])


_OF_COMMANDS = ("version_conflict", "invalid_transition", "connection_ended", "order_erased")


@router.post("/commands", summary="Command many orders at once")
async def command_many(
    caller: DelegableAccount, database: Schema, request: Request, body: CommandsBody
) -> CommandResults:
    """One transaction: each is done or refused by itself, and all that is done is done at once."""
    asked = {one.order_id: _asked_of(caller, one) for one in body.commands}
    async with database.transaction() as session:
        results = await command_orders(session, asked)
    return CommandResults(results=[_outcome(request, *result) for result in results.items()])


@router.post(
    "/{order_id}/hold",
    summary="Say why an order must not be worked yet",
    openapi_extra=refuses(*_OF_COMMANDS, "too_many_holds"),
)
async def hold_order(
    caller: DelegableAccount, database: Schema, order_id: UUID, body: HoldBody
) -> CommandResult:
    """For both parties of the order; several holds may stand at once."""
    asked = _asked(caller, Command.HOLD, body.version, hold=_hold(caller, body))
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


def _hold(caller: Principal, wish: HoldWish) -> Hold:
    own: Party = "three_pl" if caller.kind == "three_pl" else "brand"
    return Hold(
        id=uuid7(),
        kind=wish.kind,
        note=wish.note,
        release_by=wish.release_by or own,
        placed_by=caller.account_id,
        placed_at=datetime.now(UTC),
    )


def _asked_of(caller: Principal, one: OrderCommand) -> Asked:
    is_hold = one.command is Command.HOLD
    hold = _hold(caller, one.hold or HoldWish()) if is_hold else None
    return _asked(caller, one.command, one.version, hold=hold, hold_id=one.hold_id)


async def _command(database: Database, order_id: UUID, asked: Asked) -> CommandResult:
    async with database.transaction() as session:
        result = (await command_orders(session, {order_id: asked}))[order_id]
    if isinstance(result, Refused):
        raise result
    return _result(result)


def _outcome(
    request: Request, order_id: UUID, result: Order | Refused
) -> CommandDone | CommandRefused:
    if isinstance(result, Refused):
        problem = problems.Problem.model_validate(problems.document(request, result))
        return CommandRefused(order_id=order_id, problem=problem)
    return CommandDone(order_id=order_id, order=_result(result))


def _result(order: Order) -> CommandResult:
    return CommandResult(
        id=order.id,
        status=order.status,
        owner=order.owner,
        connection_id=order.connection_id,
        version=order.version,
        sequence=order.sequence,
    )
