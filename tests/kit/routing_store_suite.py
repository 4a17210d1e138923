"""What routing's store has to do, on Postgres or in memory: one suite for both.

`FakeRoutingStore` has the functions of `services.routing.store` that the handlers call, so that a
handler can be tested without an engine.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from services.routing import assignment, handover
from services.routing.assignment import NOBODY, Assigned
from services.routing.moves import mapping
from services.routing.orders import (
    Connection,
    Decision,
    Move,
    Order,
    OrderKey,
    Outcome,
    SettingsVersion,
)
from services.routing.store import Parked, PendingHandover
from shared.contracts.connections_changed import ConnectionChanged, ConnectionState
from shared.contracts.order import OrderStatus
from shared.failures import Transient
from shared.kafka.batch import Record
from shared.kafka.message import Message
from shared.kafka.positions import Position, Step
from tests.kit.builders import NOON, a_connection, a_message, an_order

_UNWRITTEN = {Outcome.STALE, Outcome.DUPLICATE, Outcome.TOMBSTONED}
_ENTERING = {Outcome.ENTERED, Outcome.NEVER_SEEN}


@dataclass
class FakeRoutingStore:
    """Routing's tables in memory; a session is nothing."""

    connections: dict[UUID, Connection] = field(default_factory=dict)
    orders: dict[tuple[UUID, str], Order] = field(default_factory=dict)
    handovers: dict[tuple[UUID, int], PendingHandover] = field(default_factory=dict)
    settings: dict[UUID, list[SettingsVersion]] = field(default_factory=dict)
    # By the id of the claim's store.
    moves: dict[UUID, Move] = field(default_factory=dict)
    parked: list[Parked] = field(default_factory=list)
    told: list[Message] = field(default_factory=list)
    erased: set[UUID] = field(default_factory=set)
    # By partition.
    positions: dict[int, Position] = field(default_factory=dict)

    async def lock_connections_of_stores(
        self, _: Any, stores: Iterable[UUID]
    ) -> dict[UUID, list[Connection]]:
        wanted = set(stores)
        moves = [move for id_, move in self.moves.items() if id_ in wanted]
        wanted |= {id_ for move in moves for id_ in (move.store_id, move.brand_id)}
        found: dict[UUID, list[Connection]] = {store_id: [] for store_id in wanted}
        for connection in self.connections.values():
            if connection.store_id in wanted:
                found[connection.store_id].append(connection)
        return found

    async def moved_and_parked(
        self,
        _: Any,
        keys: Iterable[OrderKey],
        brands: Iterable[UUID],
        steps: Sequence[Step] = (),
    ) -> tuple[dict[UUID, Move], set[OrderKey], set[UUID]]:
        self.positions |= {step.partition: step.after for step in steps}
        wanted = set(keys)
        stores = {key.store_id for key in wanted}
        moves = {id_: move for id_, move in self.moves.items() if id_ in stores}
        parked = {one.key for one in self.parked}
        erased = self.erased & {*brands, *(move.brand_id for move in moves.values())}
        return moves, {mapping.key_after(key, moves) for key in wanted} & parked, erased

    async def park(self, _: Any, parked: Sequence[Parked]) -> None:
        # Postgres parks a record that is read twice once.
        self.parked += parked

    async def connection_versions(self, _: Any, ids: Iterable[UUID]) -> dict[UUID, int]:
        return {id_: self.connections[id_].version for id_ in ids if id_ in self.connections}

    async def lock_connections(
        self, _: Any, changes: Iterable[ConnectionChanged]
    ) -> dict[UUID, Connection]:
        ids = [change.connection_id for change in changes]
        return {id_: self.connections[id_] for id_ in ids if id_ in self.connections}

    async def apply_connections(self, _: Any, changes: Sequence[ConnectionChanged]) -> None:
        for change in changes:
            known = self.connections.get(change.connection_id)
            if known is None or known.version < change.version:
                self.connections[change.connection_id] = Connection.of(change)
            versions = self.settings.setdefault(change.connection_id, [])
            known_versions = {version.settings_version for version in versions}
            versions += [
                SettingsVersion.of_message(version)
                for version in change.settings_history
                if version.version not in known_versions
            ]

    async def settings_of(
        self, _: Any, connections: Iterable[UUID]
    ) -> dict[UUID, list[SettingsVersion]]:
        return {id_: self.settings[id_] for id_ in connections if id_ in self.settings}

    async def record_handovers(self, _: Any, pending: Sequence[PendingHandover]) -> None:
        for one in pending:
            self.handovers.setdefault((one.connection_id, one.epoch), one)

    async def claim_handover(self, _: Any) -> PendingHandover | None:
        return next(iter(self.handovers.values()), None)

    async def lock_orders(
        self, _: Any, keys: Iterable[tuple[UUID, str]]
    ) -> dict[tuple[UUID, str], Order]:
        return {key: self.orders[key] for key in keys if key in self.orders}

    async def write(
        self, _: Any, decisions: Sequence[Decision], told: Sequence[Message] = ()
    ) -> None:
        for made in decisions:
            if made.outcome in _ENTERING and self.key(made.order) in self.orders:
                raise Transient("another process entered the same order at the same moment")
        for made in decisions:
            if made.outcome not in _UNWRITTEN:
                self.orders[self.key(made.order)] = made.order
        self.told += told

    @staticmethod
    def key(order: Order) -> tuple[UUID, str]:
        return order.store_id, order.external_id


class FakeDatabase:
    """Sessions and transactions of a database that is not there."""

    @asynccontextmanager
    async def session(self) -> AsyncIterator[None]:
        yield None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        yield None


class RoutingStoreSuite:
    """Inherited by a class with the fixtures `store` (module or fake) and `database`."""

    @pytest.fixture
    def store(self) -> FakeRoutingStore | ModuleType:
        """The functions under test."""
        raise NotImplementedError

    @pytest.fixture
    def database(self) -> Any:
        """Where sessions come from."""
        raise NotImplementedError

    async def test_an_order_is_read_back_as_it_was_written(self, store: Any, database: Any) -> None:
        entered = assignment.receive(None, a_message(), Assigned(a_connection()), uuid7())
        async with database.transaction() as session:
            await store.write(session, [entered])
            known = await store.lock_orders(session, [self.key(entered), (uuid7(), "other")])
        assert known == {self.key(entered): entered.order}

    async def test_of_several_decisions_about_an_order_the_last_is_kept(
        self, store: Any, database: Any
    ) -> None:
        entered = assignment.receive(None, a_message(), Assigned(a_connection()), uuid7())
        message = a_message(5, content_hash=b"two", payload='{"total":"9.00","note":null}')
        updated = assignment.receive(entered.order, message, NOBODY, uuid7())
        stale = assignment.receive(updated.order, a_message(1, content_hash=b"x"), NOBODY, uuid7())
        async with database.transaction() as session:
            await store.write(session, [entered, updated, stale])
            known = await store.lock_orders(session, [self.key(entered)])
        assert known == {self.key(entered): updated.order}
        assert updated.order.source_updated_at > NOON

    @pytest.mark.parametrize("has_an_id_of_before", [False, True])
    async def test_an_order_that_somebody_else_entered_is_decided_again(
        self, store: Any, database: Any, *, has_an_id_of_before: bool
    ) -> None:
        same = uuid7()
        entered = assignment.receive(None, a_message(), NOBODY, same)
        update = a_message(5, content_hash=b"two", payload='{"total":"9.00"}')
        updated = assignment.receive(entered.order, update, NOBODY, same)
        async with database.transaction() as session:
            await store.write(session, [entered, updated])
        again = assignment.receive(
            None, a_message(), NOBODY, uuid7() if has_an_id_of_before else same
        )
        with pytest.raises(Transient):
            async with database.transaction() as session:
                await store.write(session, [again])
        async with database.transaction() as session:
            known = await store.lock_orders(session, [self.key(entered)])
        assert known == {self.key(entered): updated.order}

    async def test_a_returned_order_has_no_snapshot(self, store: Any, database: Any) -> None:
        returned = handover.hand_back(an_order(id=uuid7()), "the connection is inactive")
        async with database.transaction() as session:
            await store.write(session, [returned])
            (order,) = (await store.lock_orders(session, [self.key(returned)])).values()
        assert order == returned.order
        assert (order.connection_id, order.epoch, order.settings_version) == (None, None, None)
        assert order.status is OrderStatus.OPEN

    async def test_the_newest_state_of_a_connection_is_kept(
        self, store: Any, database: Any
    ) -> None:
        active = a_connection(id=uuid7(), version=4)
        older = replace(active, version=3, state=ConnectionState.INACTIVE)
        async with database.transaction() as session:
            await store.apply_connections(session, [change_of(active)])
            await store.apply_connections(session, [change_of(older)])
            unknown = change_of(replace(active, id=uuid7()))
            known = await store.lock_connections(session, [change_of(active), unknown])
            of_store = await store.lock_connections_of_stores(session, [active.store_id])
        assert known == {active.id: active}
        assert of_store == {active.store_id: [active]}

    async def test_a_connection_moves_with_its_store(self, store: Any, database: Any) -> None:
        pending = a_connection(id=uuid7(), version=1, state=ConnectionState.PENDING, epoch=0)
        moved = replace(pending, version=2, store_id=uuid7(), brand_id=uuid7())
        async with database.transaction() as session:
            await store.apply_connections(session, [change_of(pending)])
            await store.apply_connections(session, [change_of(moved)])
            found = await store.lock_connections_of_stores(
                session, [pending.store_id, moved.store_id]
            )
        assert found == {pending.store_id: [], moved.store_id: [moved]}

    async def test_a_parked_record_is_found_by_its_order(self, store: Any, database: Any) -> None:
        record = Record("orders.received", 0, 7, "key", {}, b"{}", raw=None)
        key, other = OrderKey(uuid7(), "1"), OrderKey(uuid7(), "1")
        async with database.transaction() as session:
            await store.park(session, [Parked(key, record, "a flaw")])
            found = await store.moved_and_parked(session, [key, other], [uuid7()])
        assert found == ({}, {key}, set())

    async def test_every_settings_version_that_a_change_tells_of_is_kept(
        self, store: Any, database: Any
    ) -> None:
        newest = a_connection(id=uuid7(), settings_version=5)
        older = SettingsVersion(4, "brand", "brand", "three_pl", None, NOON - timedelta(hours=1))
        async with database.transaction() as session:
            await store.apply_connections(session, [change_of(newest, older)])
            await store.apply_connections(session, [change_of(replace(newest, version=9), older)])
            versions = await store.settings_of(session, [newest.id, uuid7()])
        assert [version.settings_version for version in versions[newest.id]] == [4, 5]
        assert versions[newest.id][0] == older

    async def test_holds_are_read_back_until_they_are_lifted(
        self, store: Any, database: Any
    ) -> None:
        unpaid = a_message(external_id="held", unpaid=True)
        entered = assignment.receive(None, unpaid, Assigned(a_connection()), uuid7())
        paid = a_message(5, external_id="held", content_hash=b"two", payload='{"total":"1.00"}')
        async with database.transaction() as session:
            await store.write(session, [entered])
            (known,) = (await store.lock_orders(session, [self.key(entered)])).values()
            assert known == entered.order
            assert len(known.holds) == 1
            lifted = assignment.receive(known, paid, NOBODY, uuid7())
            await store.write(session, [lifted])
            (known,) = (await store.lock_orders(session, [self.key(entered)])).values()
        assert known == lifted.order
        assert known.holds == ()

    async def test_a_hand_over_is_recorded_once_for_each_epoch(
        self, store: Any, database: Any
    ) -> None:
        connection = a_connection(id=uuid7())
        first = PendingHandover.of(connection, 1, "the connection is inactive")
        async with database.transaction() as session:
            await store.record_handovers(session, [first])
            again = PendingHandover.of(connection, 1, "once more")
            await store.record_handovers(session, [again])
            assert await store.claim_handover(session) == first

    @staticmethod
    def key(decision: Decision) -> tuple[UUID, str]:
        return decision.order.store_id, decision.order.external_id


def settings_of_message(version: SettingsVersion) -> dict[str, Any]:
    """A settings version as the message has it."""
    return {
        "version": version.settings_version,
        "shipping_rules_owner": version.shipping_rules_owner,
        "billing_owner": version.billing_owner,
        "support_owner": version.support_owner,
        "endpoint_id": version.endpoint_id,
    }


def change_of(connection: Connection, *older: SettingsVersion) -> ConnectionChanged:
    """The message that says how a connection stands, with older versions of its settings."""
    return ConnectionChanged.model_validate(
        {
            "connection_id": connection.id,
            "store_id": connection.store_id,
            "brand_id": connection.brand_id,
            "three_pl_id": connection.three_pl_id,
            "state": connection.state,
            "version": connection.version,
            "epoch": connection.epoch,
            "priority": connection.priority,
            "settings": settings_of_message(connection),
            "settings_history": [
                {**settings_of_message(version), "effective_at": version.effective_at}
                for version in (*older, connection)
            ],
            "changed_at": NOON,
        }
    )
