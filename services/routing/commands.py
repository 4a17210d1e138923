"""May this account do that with the order, and what becomes of it? Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from services.routing import handover, holds, lifecycle
from services.routing.lifecycle import Command
from services.routing.orders import Connection, Decision, Event, Hold, Order, Outcome, Why
from services.routing.shipments import effect
from shared.contracts.connections_changed import Party
from shared.contracts.order import OrderStatus
from shared.contracts.orders_events import OrderEventType
from shared.failures import Refused
from shared.web.auth import Delegation

# Both parties of an order may say that it must wait; whoever a hold names lifts it.
_OF_BOTH = frozenset({Command.HOLD, Command.RELEASE})
_MOST_HOLDS = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """A command of `account` that saw assignment `version` (compare-and-set).

    `hold` is what `hold` places; `hold_id` names what `release` lifts, None for all that the
    account may lift. `actor` is the 3PL that does it in the name of its brand, within a
    `delegation`.
    """

    command: Command
    version: int
    account: UUID
    actor: UUID | None = None
    delegation: Delegation | None = None
    hold: Hold | None = None
    hold_id: UUID | None = None


def command(order: Order, connection: Connection | None, asked: Asked) -> Decision:
    """Decide about a command.

    Args:
        order: as it is.
        connection: the order's owner, locked against change; None when the brand owns it.
        asked: what is wanted, and by whom.

    Raises:
        Refused: `not_found` for who may not see the order; `not_owner`, `not_hold_owner`,
            `version_conflict`, `connection_ended`, `invalid_transition`, `too_many_holds`,
            `order_erased`, each with the state of the order that it met.
    """
    party = order.party(asked.account)
    if party is None or not _is_within(order, asked.delegation):
        raise Refused("not_found", what="order")
    if (code := _refusal(order, connection, asked, party)) is not None:
        raise _refused(code, order, party)
    status = lifecycle.after(order.status, asked.command)
    if status is None:
        raise _refused("invalid_transition", order, party)
    match asked.command:
        case Command.HOLD:
            return _hold(order, asked, party)
        case Command.RELEASE:
            return _release(order, asked, party)
        case _:
            return _move(order, connection, status, asked)


def _refusal(order: Order, connection: Connection | None, asked: Asked, party: Party) -> str | None:
    """Why nothing is decided, whatever the status of the order."""
    if order.erased_at is not None:
        return "order_erased"
    # The owner before the version: who does not own it has no business with where it stands.
    if party != order.owner and asked.command not in _OF_BOTH:
        return "not_owner"
    if asked.version != order.version:
        return "version_conflict"
    if connection is not None and handover.goes_back(order, connection):
        return "connection_ended"
    return None


def _is_within(order: Order, delegation: Delegation | None) -> bool:
    """Whether who acts in the brand's name gets to see the order: not another 3PL's."""
    return delegation is None or (
        order.store_id == delegation.store_id
        and order.connection_id in (None, delegation.connection_id)
    )


def allowed(
    status: OrderStatus, standing: Iterable[Hold], owner: Party, party: Party
) -> list[Command]:
    """What a party may do with an order.

    Args:
        status: of the order.
        standing: its holds.
        owner: who controls it.
        party: who asks.
    """
    may_release = any(holds.may_lift(hold, party, owner) for hold in standing)
    return [
        command
        for command in lifecycle.allowed(status)
        if (party == owner or command in _OF_BOTH)
        and (may_release or command is not Command.RELEASE)
    ]


def _move(
    order: Order, connection: Connection | None, status: OrderStatus, asked: Asked
) -> Decision:
    if asked.command is Command.REJECT_CANCELLATION:
        status = effect.answered(order)
    why = _why(order, status, asked)
    moved = replace(order, status=status, version=order.version + 1, sequence=order.sequence + 1)
    if connection is not None and handover.goes_back(moved, connection):
        # Moved back after the connection ended: there is no Orders tab to return to but the
        # brand's. One change.
        undone = replace(order, status=status)
        back = handover.hand_back(undone, "moved back after the connection had ended")
        return replace(back, why={**back.why, **why})
    event_type: OrderEventType = (
        "order.cancelled" if status is OrderStatus.CANCELLED else "order.updated"
    )
    return Decision(Outcome.COMMAND, moved, (Event(event_type, moved, ("status",)),), why)


def _hold(order: Order, asked: Asked, party: Party) -> Decision:
    if asked.hold is None:
        raise ValueError("a command to hold carries the hold")
    if len(order.holds) >= _MOST_HOLDS:
        raise _refused("too_many_holds", order, party, most=_MOST_HOLDS)
    held = holds.placed(order, asked.hold)
    why = {**_why(order, held.status, asked), "hold": asked.hold.kind, "note": asked.hold.note}
    return _held(order, held, why, placed=(asked.hold,))


def _release(order: Order, asked: Asked, party: Party) -> Decision:
    wanted = {hold.id for hold in order.holds if asked.hold_id in (None, hold.id)}
    if not wanted and asked.hold_id is not None:
        raise Refused("not_found", what="hold")
    lifted = _liftable(order, party) & wanted
    # Named outright, or none of all: either way it is not the caller's to lift.
    if not lifted:
        raise _refused("not_hold_owner", order, party)
    released = holds.without(order, lifted)
    kinds = ", ".join(hold.kind for hold in order.holds if hold.id in lifted)
    why = {**_why(order, released.status, asked), "lifted": kinds}
    return _held(order, released, why, lifted=tuple(lifted))


def _held(
    before: Order,
    after: Order,
    why: Why,
    placed: tuple[Hold, ...] = (),
    lifted: tuple[UUID, ...] = (),
) -> Decision:
    order = replace(after, version=before.version + 1, sequence=before.sequence + 1)
    fields = ("holds",) if after.status is before.status else ("holds", "status")
    event = Event("order.updated", order, fields)
    return Decision(Outcome.COMMAND, order, (event,), why, placed, lifted)


def _liftable(order: Order, party: Party) -> set[UUID]:
    return {hold.id for hold in order.holds if holds.may_lift(hold, party, order.owner)}


def _why(order: Order, status: OrderStatus, asked: Asked) -> Why:
    why: Why = {
        "command": asked.command,
        "from": order.status,
        "to": status,
        "account": str(asked.account),
    }
    return why | {"actor": str(asked.actor)} if asked.actor else why


def _refused(code: str, order: Order, party: Party, **facts: Any) -> Refused:
    return Refused(
        code,
        what="order",
        state=order.status,
        version=order.version,
        order_status=order.status,
        allowed_commands=(
            [] if order.erased_at else allowed(order.status, order.holds, order.owner, party)
        ),
        **facts,
    )
