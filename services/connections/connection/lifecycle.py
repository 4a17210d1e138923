"""What may happen to a connection: `pending → inactive ⇄ active → disconnected`. Pure.

Each function takes where a connection stands and answers with a `Transition`, with `Unchanged`
when it is there already, or with the reason why not.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, assert_never

from shared.contracts.connections_changed import ConnectionState

Plan = Literal["free", "conquer"]


@dataclass(frozen=True, slots=True)
class Transition:
    """The state and the epoch that the connection has afterwards."""

    state: ConnectionState
    epoch: int


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The connection is already where it is asked to be."""


class Refusal(StrEnum):
    """Why a connection does not change; the values are the stable codes of the API."""

    INVALID_TRANSITION = "invalid_transition"
    PLAN_REQUIRED = "plan_required"
    PRIORITY_TAKEN = "priority_taken"


Outcome = Transition | Unchanged | Refusal


def may_hold_connections(plan: Plan) -> bool:
    """Whether a 3PL on this plan may add brands and activate connections."""
    match plan:
        case "conquer":
            return True
        case "free":
            return False
        case _:
            assert_never(plan)


def accept(state: ConnectionState, epoch: int) -> Outcome:
    """The brand logged in through the link for the first time."""
    match state:
        case ConnectionState.PENDING:
            return Transition(ConnectionState.INACTIVE, epoch)
        case ConnectionState.INACTIVE | ConnectionState.ACTIVE:
            return Unchanged()
        case ConnectionState.DISCONNECTED | ConnectionState.EXPIRED:
            return Refusal.INVALID_TRANSITION
        case _:
            assert_never(state)


def activate(
    state: ConnectionState,
    epoch: int,
    *,
    plan: Plan,
    priority: int,
    taken_priorities: Collection[int],
) -> Outcome:
    """Switch on: a new epoch begins.

    Args:
        state: of the connection.
        epoch: of the connection.
        plan: of the 3PL.
        priority: of the connection; lower wins.
        taken_priorities: of the other active connections of the store.
    """
    match state:
        case ConnectionState.ACTIVE:
            return Unchanged()
        case ConnectionState.INACTIVE:
            if not may_hold_connections(plan):
                return Refusal.PLAN_REQUIRED
            if priority in taken_priorities:
                return Refusal.PRIORITY_TAKEN
            return Transition(ConnectionState.ACTIVE, epoch + 1)
        case ConnectionState.PENDING | ConnectionState.DISCONNECTED | ConnectionState.EXPIRED:
            return Refusal.INVALID_TRANSITION
        case _:
            assert_never(state)


def deactivate(state: ConnectionState, epoch: int) -> Outcome:
    """Switch off, keeping the settings; the epoch ends, the next activation begins another."""
    match state:
        case ConnectionState.ACTIVE:
            return Transition(ConnectionState.INACTIVE, epoch)
        case ConnectionState.INACTIVE:
            return Unchanged()
        case ConnectionState.PENDING | ConnectionState.DISCONNECTED | ConnectionState.EXPIRED:
            return Refusal.INVALID_TRANSITION
        case _:
            assert_never(state)


def disconnect(state: ConnectionState, epoch: int) -> Outcome:
    """End it for good; a new connection needs a new handshake."""
    match state:
        case ConnectionState.PENDING | ConnectionState.INACTIVE | ConnectionState.ACTIVE:
            return Transition(ConnectionState.DISCONNECTED, epoch)
        case ConnectionState.DISCONNECTED:
            return Unchanged()
        case ConnectionState.EXPIRED:
            return Refusal.INVALID_TRANSITION
        case _:
            assert_never(state)


def change_settings(
    state: ConnectionState, epoch: int, *, priority: int, taken_priorities: Collection[int]
) -> Outcome:
    """Change settings or priority: the state stays, as long as the connection is not over.

    `priority` is the one it has afterwards.
    """
    match state:
        case ConnectionState.PENDING | ConnectionState.INACTIVE:
            return Transition(state, epoch)
        case ConnectionState.ACTIVE:
            if priority in taken_priorities:
                return Refusal.PRIORITY_TAKEN
            return Transition(state, epoch)
        case ConnectionState.DISCONNECTED | ConnectionState.EXPIRED:
            return Refusal.INVALID_TRANSITION
        case _:
            assert_never(state)
