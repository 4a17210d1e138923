"""Every state of a connection with everything that can be asked of it."""

from collections.abc import Callable

import pytest

from services.connections import lifecycle
from services.connections.lifecycle import Outcome, Refusal, Transition, Unchanged
from shared.contracts.connections_changed import ConnectionState

PENDING, INACTIVE, ACTIVE, DISCONNECTED, EXPIRED = (
    ConnectionState.PENDING,
    ConnectionState.INACTIVE,
    ConnectionState.ACTIVE,
    ConnectionState.DISCONNECTED,
    ConnectionState.EXPIRED,
)
EPOCH = 7
NO = Refusal.INVALID_TRANSITION


def activate(state: ConnectionState, epoch: int) -> Outcome:
    return lifecycle.activate(state, epoch, plan="conquer", priority=1, taken_priorities=[2])


def change_settings(state: ConnectionState, epoch: int) -> Outcome:
    return lifecycle.change_settings(state, epoch, priority=1, taken_priorities=[2])


TABLE: dict[Callable[[ConnectionState, int], Outcome], dict[ConnectionState, Outcome]] = {
    lifecycle.accept: {
        PENDING: Transition(INACTIVE, EPOCH),
        INACTIVE: Unchanged(),
        ACTIVE: Unchanged(),
        DISCONNECTED: NO,
        EXPIRED: NO,
    },
    activate: {
        PENDING: NO,
        INACTIVE: Transition(ACTIVE, EPOCH + 1),
        ACTIVE: Unchanged(),
        DISCONNECTED: NO,
        EXPIRED: NO,
    },
    lifecycle.deactivate: {
        PENDING: NO,
        INACTIVE: Unchanged(),
        ACTIVE: Transition(INACTIVE, EPOCH),
        DISCONNECTED: NO,
        EXPIRED: NO,
    },
    lifecycle.disconnect: {
        PENDING: Transition(DISCONNECTED, EPOCH),
        INACTIVE: Transition(DISCONNECTED, EPOCH),
        ACTIVE: Transition(DISCONNECTED, EPOCH),
        DISCONNECTED: Unchanged(),
        EXPIRED: NO,
    },
    change_settings: {
        PENDING: Transition(PENDING, EPOCH),
        INACTIVE: Transition(INACTIVE, EPOCH),
        ACTIVE: Transition(ACTIVE, EPOCH),
        DISCONNECTED: NO,
        EXPIRED: NO,
    },
}


@pytest.mark.parametrize(
    ("ask", "state", "expected"),
    [(ask, state, out) for ask, row in TABLE.items() for state, out in row.items()],
)
def test_every_state_and_question(
    ask: Callable[[ConnectionState, int], Outcome], state: ConnectionState, expected: Outcome
) -> None:
    assert ask(state, EPOCH) == expected


def test_the_table_has_every_state() -> None:
    assert all(set(row) == set(ConnectionState) for row in TABLE.values())


def test_activating_needs_the_plan_before_anything_else_is_looked_at() -> None:
    assert (
        lifecycle.activate(INACTIVE, EPOCH, plan="free", priority=1, taken_priorities=[1])
        is Refusal.PLAN_REQUIRED
    )


@pytest.mark.parametrize("state", list(ConnectionState))
def test_a_priority_is_held_by_one_active_connection_of_a_store(state: ConnectionState) -> None:
    activated = lifecycle.activate(
        state, EPOCH, plan="conquer", priority=1, taken_priorities=[3, 1]
    )
    changed = lifecycle.change_settings(state, EPOCH, priority=1, taken_priorities=[3, 1])
    assert (activated is Refusal.PRIORITY_TAKEN) == (state is INACTIVE)
    assert (changed is Refusal.PRIORITY_TAKEN) == (state is ACTIVE)
