"""What may happen to a connection: `pending → inactive ⇄ active → disconnected`. Pure.

Never accepted, it goes `pending → expired`.

Each function takes where a connection stands and answers with a `Transition`, or with `Unchanged`
when it is there already; what its state does not allow is `Refused("invalid_transition")`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from services.connections.accounts import plans
from services.connections.accounts.plans import Plan
from shared.contracts.connections_changed import ConnectionState
from shared.failures import Refused

# The lowest number has an order; a brand that knows of no priorities has room on both sides.
FIRST_PRIORITY = 100
MOST_PRIORITY = 1_000_000


class ConnectionCommand(StrEnum):
    """What a party can ask of its connection; the value is the path segment of the API."""

    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"
    DISCONNECT = "disconnect"


@dataclass(frozen=True, slots=True)
class Transition:
    """The state and the epoch that the connection has afterwards."""

    state: ConnectionState
    epoch: int


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The connection is already where it is asked to be."""


Outcome = Transition | Unchanged


def accept(state: ConnectionState, epoch: int) -> Outcome:
    """The brand logged in through the link for the first time.

    Raises:
        Refused: `invalid_transition`.
    """
    match state:
        case ConnectionState.PENDING:
            return Transition(ConnectionState.INACTIVE, epoch)
        case ConnectionState.INACTIVE | ConnectionState.ACTIVE:
            return Unchanged()
        case ConnectionState.DISCONNECTED | ConnectionState.EXPIRED:
            raise _invalid(state)
        case _:
            assert_never(state)


def activate(
    state: ConnectionState,
    epoch: int,
    *,
    plan: Plan,
    is_proven_elsewhere: bool,
    priority: int,
    taken_priorities: Collection[int],
) -> Outcome:
    """Switch on: a new epoch begins.

    Args:
        state: of the connection.
        epoch: of the connection.
        plan: of the 3PL.
        is_proven_elsewhere: another account has proven that the shop is its own.
        priority: of the connection; lower wins.
        taken_priorities: of the other active connections of the store.

    Raises:
        Refused: `invalid_transition`, `plan_required`, `store_proven_elsewhere`, `priority_taken`.
    """
    match state:
        case ConnectionState.ACTIVE:
            return Unchanged()
        case ConnectionState.INACTIVE:
            plans.require_connections(plan)
            if is_proven_elsewhere:
                raise Refused("store_proven_elsewhere")
            _require_free(priority, taken_priorities)
            return Transition(ConnectionState.ACTIVE, epoch + 1)
        case ConnectionState.PENDING | ConnectionState.DISCONNECTED | ConnectionState.EXPIRED:
            raise _invalid(state)
        case _:
            assert_never(state)


def deactivate(state: ConnectionState, epoch: int) -> Outcome:
    """Switch off, keeping the settings; the epoch ends, the next activation begins another.

    Raises:
        Refused: `invalid_transition`.
    """
    match state:
        case ConnectionState.ACTIVE:
            return Transition(ConnectionState.INACTIVE, epoch)
        case ConnectionState.INACTIVE:
            return Unchanged()
        case ConnectionState.PENDING | ConnectionState.DISCONNECTED | ConnectionState.EXPIRED:
            raise _invalid(state)
        case _:
            assert_never(state)


def disconnect(state: ConnectionState, epoch: int) -> Outcome:
    """End it for good; a new connection needs a new handshake.

    Raises:
        Refused: `invalid_transition`.
    """
    match state:
        case ConnectionState.PENDING | ConnectionState.INACTIVE | ConnectionState.ACTIVE:
            return Transition(ConnectionState.DISCONNECTED, epoch)
        case ConnectionState.DISCONNECTED:
            return Unchanged()
        case ConnectionState.EXPIRED:
            raise _invalid(state)
        case _:
            assert_never(state)


def expire(state: ConnectionState, epoch: int) -> Outcome:
    """Nobody accepted it in time; a new connection needs a new claim.

    Raises:
        Refused: `invalid_transition`.
    """
    match state:
        case ConnectionState.PENDING:
            return Transition(ConnectionState.EXPIRED, epoch)
        case ConnectionState.EXPIRED:
            return Unchanged()
        case ConnectionState.INACTIVE | ConnectionState.ACTIVE | ConnectionState.DISCONNECTED:
            raise _invalid(state)
        case _:
            assert_never(state)


def change_settings(
    state: ConnectionState, epoch: int, *, priority: int, taken_priorities: Collection[int]
) -> Transition:
    """Change settings or priority: the state stays, as long as the connection is not over.

    `priority` is the one it has afterwards.

    Raises:
        Refused: `invalid_transition`, `priority_taken`.
    """
    match state:
        case ConnectionState.PENDING | ConnectionState.INACTIVE:
            return Transition(state, epoch)
        case ConnectionState.ACTIVE:
            _require_free(priority, taken_priorities)
            return Transition(state, epoch)
        case ConnectionState.DISCONNECTED | ConnectionState.EXPIRED:
            raise _invalid(state)
        case _:
            assert_never(state)


def next_priority(taken: Collection[int]) -> int:
    """The priority of a connection that was just accepted: behind all others of the store."""
    return min(max(taken, default=FIRST_PRIORITY - 1) + 1, MOST_PRIORITY)


def _require_free(priority: int, taken: Collection[int]) -> None:
    if priority in taken:
        raise Refused("priority_taken", priority=priority)


def _invalid(state: ConnectionState) -> Refused:
    return Refused("invalid_transition", what="connection", state=str(state))
