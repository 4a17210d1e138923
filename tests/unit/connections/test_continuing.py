"""What the log says that the database does not know."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from services.connections.continuing.differences import Difference, Differences, ended, settings_of
from shared.contracts.accounts_changed import AccountChanged
from shared.contracts.connections_changed import (
    ConnectionChanged,
    ConnectionSettings,
    ConnectionState,
    EffectiveSettings,
)
from shared.contracts.stores_changed import StoreChanged

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ONE, OTHER = uuid4(), uuid4()


def connection(
    connection_id: UUID,
    version: int,
    state: ConnectionState = ConnectionState.ACTIVE,
    settings_version: int = 1,
    history: tuple[EffectiveSettings, ...] = (),
) -> ConnectionChanged:
    return ConnectionChanged(
        connection_id=connection_id,
        store_id=uuid4(),
        brand_id=uuid4(),
        three_pl_id=uuid4(),
        state=state,
        version=version,
        epoch=1,
        priority=100,
        settings=ConnectionSettings(version=settings_version),
        settings_history=history,
        changed_at=NOON,
    )


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 2)])
def test_the_newest_counts_in_any_order(order: tuple[int, ...]) -> None:
    found: Difference[ConnectionChanged] = Difference()
    for version in order:
        found.add([connection(ONE, version), connection(OTHER, version)], {ONE: 1})
    assert (found.behind[ONE].version, found.unknown[OTHER].version) == (3, 3)
    assert (len(found.behind), len(found.unknown)) == (1, 1)


@pytest.mark.parametrize("here", [3, 4])
def test_a_row_at_the_log_or_ahead_of_it_is_ordinary(here: int) -> None:
    found = Differences()
    found.connections.add([connection(ONE, version) for version in (1, 2, 3)], {ONE: here})
    assert not found.is_behind()
    assert found.lost_connections() == []


@pytest.mark.parametrize("state", ConnectionState)
def test_a_connection_that_is_over_is_not_missed(state: ConnectionState) -> None:
    found = Differences()
    found.connections.add([connection(ONE, 1), connection(ONE, 2, state)], {})
    is_over = state in (ConnectionState.DISCONNECTED, ConnectionState.EXPIRED)
    assert len(found.lost_connections()) == (not is_over)


def test_who_was_erased_is_not_missed_and_nor_are_its_stores() -> None:
    found = Differences()
    for account, is_erased in ((ONE, True), (OTHER, False)):
        change = AccountChanged(
            account_id=account, kind="brand", plan="free", version=2, erased=is_erased,
            changed_at=NOON,
        )  # fmt: skip
        found.accounts.add([change], {})
        shop = StoreChanged(
            store_id=uuid4(), brand_id=account, platform="custom", domain="a.example", version=1,
            changed_at=NOON,
        )  # fmt: skip
        found.stores.add([shop], {})
    assert [one.account_id for one in found.lost_accounts()] == [OTHER]
    assert [one.brand_id for one in found.lost_stores()] == [OTHER]


def test_settings_are_those_of_the_history_and_the_current_ones_once() -> None:
    history = tuple(EffectiveSettings(version=n, effective_at=NOON) for n in (2, 3))
    told = settings_of(connection(ONE, 5, settings_version=3, history=history))
    assert sorted(one["version"] for one in told) == [2, 3]
    told = settings_of(connection(ONE, 5, settings_version=4, history=history))
    assert sorted(one["version"] for one in told) == [2, 3, 4]
    assert {one["connection_id"] for one in told} == {str(ONE)}


def test_an_end_is_above_the_log_and_changes_nothing_else() -> None:
    change = connection(ONE, 7)
    over = ended(change, NOON)
    assert (over.version, over.state, over.state_since) == (8, "disconnected", NOON)
    same = {"version": 7, "state": change.state, "state_since": change.state_since}
    assert over.model_copy(update=same) == change
