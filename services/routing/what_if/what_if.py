"""Who would have had an order under a draft of order rules and priorities. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.routing import assignment, order_rules
from services.routing.assignment import Assigned
from services.routing.orders import Connection
from shared.contracts.connections_changed import ConnectionState
from shared.contracts.order import Order
from shared.rules.order_rules import OrderRules


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be tried of a connection; None leaves it as it is."""

    rules: OrderRules | None = None
    priority: int | None = None


@dataclass(frozen=True, slots=True)
class Entered:
    """An order as it is known, with what its store sent last."""

    store_id: UUID
    accepted_at: datetime
    sent: Order


class WhatIf:
    """Two worlds: the connections as they are now, and with the drafts.

    Both are asked about each order as if it came now: whether a connection was on when the order
    entered, and which version counted then, is left out of account.

    Args:
        connections: of one store, whatever their state.
        drafts: by connection.
        now: the rules that count at this time are those of today.
    """

    def __init__(
        self, connections: Iterable[Connection], drafts: Mapping[UUID, Draft], now: datetime
    ) -> None:
        self._drafts = drafts
        self._now = now
        self._active = [one for one in connections if one.state is ConnectionState.ACTIVE]
        self._drafted = [_prioritised(one, drafts.get(one.id)) for one in self._active]

    def ask(self, entered: Entered) -> tuple[Assigned, Assigned]:
        """Who would have an order: as things are, and by the drafts.

        Raises:
            Permanent: rules of today have a condition that this release does not know.
        """
        order = (entered.store_id, entered.sent, entered.accepted_at)
        return (
            assignment.choose(self._active, self._todays, *order),
            assignment.choose(self._drafted, self._drafts_first, *order),
        )

    def _todays(self, connection: Connection) -> tuple[int, OrderRules]:
        return order_rules.counted(connection.order_rules, self._now)

    def _drafts_first(self, connection: Connection) -> tuple[int, OrderRules]:
        draft = self._drafts.get(connection.id)
        if draft is None or draft.rules is None:
            return self._todays(connection)
        return assignment.DRAFT, draft.rules


def _prioritised(connection: Connection, draft: Draft | None) -> Connection:
    if draft is None or draft.priority is None:
        return connection
    return replace(connection, priority=draft.priority)


def equal_priorities(
    connections: Iterable[Connection], drafts: Mapping[UUID, Draft]
) -> Sequence[int]:
    """Priorities that active connections of a store would share: it refuses to have such."""
    active = [one for one in connections if one.state is ConnectionState.ACTIVE]
    times = Counter(_prioritised(one, drafts.get(one.id)).priority for one in active)
    return sorted(priority for priority, count in times.items() if count > 1)
