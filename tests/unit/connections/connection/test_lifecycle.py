"""Every state of a connection with everything that can be asked of it."""

from collections.abc import Callable

import pytest

from services.connections.connection import lifecycle
from services.connections.connection.lifecycle import Outcome, Transition, Unchanged
from shared.contracts.connections_changed import ConnectionState
from shared.failures import Refused

PENDING, INACTIVE, ACTIVE, DISCONNECTED, EXPIRED = (
    ConnectionState.PENDING,
    ConnectionState.INACTIVE,
    ConnectionState.ACTIVE,
    ConnectionState.DISCONNECTED,
    ConnectionState.EXPIRED,
)
EPOCH = 7
# What a refusal is expected as: its code.
NO = "invalid_transition"
Ask = Callable[[ConnectionState, int], Outcome]


def answer(ask: Ask, state: ConnectionState) -> Outcome | str:
    """The outcome, or the code of the refusal."""
    try:
        return ask(state, EPOCH)
    except Refused as refused:
        return refused.code


def activate(state: ConnectionState, epoch: int) -> Outcome:
    return lifecycle.activate(
        state,
        epoch,
        plan="conquer",
        is_proven_elsewhere=False,
        priority=1,
        taken_priorities=[2],
    )


def change_settings(state: ConnectionState, epoch: int) -> Outcome:
    return lifecycle.change_settings(state, epoch, priority=1, taken_priorities=[2])


TABLE: dict[Ask, dict[ConnectionState, Outcome | str]] = {
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
    lifecycle.expire: {
        PENDING: Transition(EXPIRED, EPOCH),
        INACTIVE: NO,
        ACTIVE: NO,
        DISCONNECTED: NO,
        EXPIRED: Unchanged(),
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
    ask: Ask, state: ConnectionState, expected: Outcome | str
) -> None:
    assert answer(ask, state) == expected


def test_the_table_has_every_state() -> None:
    assert all(set(row) == set(ConnectionState) for row in TABLE.values())


@pytest.mark.parametrize("state", [PENDING, DISCONNECTED, EXPIRED])
def test_a_refusal_says_which_state_it_met(state: ConnectionState) -> None:
    with pytest.raises(Refused) as refused:
        lifecycle.deactivate(state, EPOCH)
    assert refused.value.facts == {"what": "connection", "state": state.value}


def test_activating_needs_the_plan_before_anything_else_is_looked_at() -> None:
    with pytest.raises(Refused, match="plan_required"):
        lifecycle.activate(
            INACTIVE,
            EPOCH,
            plan="free",
            is_proven_elsewhere=True,
            priority=1,
            taken_priorities=[1],
        )


@pytest.mark.parametrize("state", list(ConnectionState))
def test_a_store_that_another_account_has_proven_is_not_switched_on(
    state: ConnectionState,
) -> None:
    def activated(at: ConnectionState, epoch: int) -> Outcome:
        return lifecycle.activate(
            at,
            epoch,
            plan="conquer",
            is_proven_elsewhere=True,
            priority=1,
            taken_priorities=[2],
        )

    assert (answer(activated, state) == "store_proven_elsewhere") == (state is INACTIVE)
    # What is on stays on: orders are under way.
    assert (answer(activated, state) == Unchanged()) == (state is ACTIVE)


@pytest.mark.parametrize("state", list(ConnectionState))
def test_a_priority_is_held_by_one_active_connection_of_a_store(state: ConnectionState) -> None:
    def activated(at: ConnectionState, epoch: int) -> Outcome:
        return lifecycle.activate(
            at,
            epoch,
            plan="conquer",
            is_proven_elsewhere=False,
            priority=1,
            taken_priorities=[3, 1],
        )

    def changed(at: ConnectionState, epoch: int) -> Outcome:
        return lifecycle.change_settings(at, epoch, priority=1, taken_priorities=[3, 1])

    assert (answer(activated, state) == "priority_taken") == (state is INACTIVE)
    assert (answer(changed, state) == "priority_taken") == (state is ACTIVE)


def test_a_taken_priority_is_named_as_it_was_asked_for() -> None:
    with pytest.raises(Refused) as refused:
        lifecycle.change_settings(ACTIVE, EPOCH, priority=1, taken_priorities=[1])
    assert refused.value.facts == {"priority": 1}
