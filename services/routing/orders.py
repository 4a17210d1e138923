"""An order as routing knows it, and what a decision about it consists of. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

from shared.contracts.connections_changed import ConnectionChanged, ConnectionState
from shared.contracts.order import OrderStatus
from shared.contracts.orders_events import OrderEventType


@dataclass(frozen=True, slots=True)
class Connection:
    """What routing keeps of a connection: enough to assign and to fence."""

    id: UUID
    store_id: UUID
    brand_id: UUID
    three_pl_id: UUID
    state: ConnectionState
    version: int
    epoch: int
    priority: int
    settings_version: int
    endpoint_id: UUID | None

    @classmethod
    def of(cls, change: ConnectionChanged) -> Self:
        """What a change says of it."""
        return cls(
            id=change.connection_id,
            store_id=change.store_id,
            brand_id=change.brand_id,
            three_pl_id=change.three_pl_id,
            state=change.state,
            version=change.version,
            epoch=change.epoch,
            priority=change.priority,
            settings_version=change.settings.version,
            endpoint_id=change.settings.endpoint_id,
        )


@dataclass(frozen=True, slots=True)
class Order:
    """The state of one order.

    `connection_id` is the owner; None means that the brand owns it. `three_pl_id` is the 3PL that
    has it or had it last. `epoch`, `settings_version` and `endpoint_id` are the snapshot taken
    when it entered. `version` counts changes of owner and status (what a command compares),
    `sequence` counts events. `payload` is the store's order as canonical JSON, None when the
    store deleted an order that was never seen.
    """

    id: UUID
    store_id: UUID
    external_id: str
    brand_id: UUID
    three_pl_id: UUID | None
    connection_id: UUID | None
    epoch: int | None
    settings_version: int | None
    endpoint_id: UUID | None
    status: OrderStatus
    version: int
    sequence: int
    source_updated_at: datetime
    content_hash: bytes
    payload: str | None
    cancel_too_late: bool = False
    tombstone: bool = False

    def is_visible_to(self, account: UUID) -> bool:
        """Whether the account may see it: its brand always, a 3PL only while it has it."""
        has_it = self.connection_id is not None and account == self.three_pl_id
        return account == self.brand_id or has_it


@dataclass(frozen=True, slots=True)
class Incoming:
    """What the store sent: one record of `orders.received`, canonical and hashed."""

    store_id: UUID
    brand_id: UUID
    external_id: str
    updated_at: datetime
    received_at: datetime
    payload: str | None
    content_hash: bytes
    cancelled: bool
    deleted: bool
    # What the store's own clock said, when it was too far ahead to be believed.
    store_clock: datetime | None = None


class Outcome(StrEnum):
    """What became of a message or command; also a metric label."""

    ENTERED = "entered"
    UPDATED = "updated"
    CANCELLED = "cancelled"
    UNCHANGED = "unchanged"
    STALE = "stale"
    DUPLICATE = "duplicate"
    TOMBSTONED = "tombstoned"
    COMMAND = "command"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Event:
    """A fact about an order, for the connection that it names (None: the brand)."""

    type: OrderEventType
    connection_id: UUID | None
    three_pl_id: UUID | None
    endpoint_id: UUID | None
    changed_fields: tuple[str, ...] = ()


Why = dict[str, str | int | None]


@dataclass(frozen=True, slots=True)
class Decision:
    """What to write: the order as it is now, the event that follows (if any), and why."""

    outcome: Outcome
    order: Order
    event: Event | None = None
    why: Why = field(default_factory=dict)


def owner_event(
    order: Order, event_type: OrderEventType, changed_fields: tuple[str, ...] = ()
) -> Event:
    """An event for whoever owns the order, at the endpoint of its snapshot."""
    if order.connection_id is None:
        return Event(event_type, None, None, None, changed_fields)
    return Event(
        event_type, order.connection_id, order.three_pl_id, order.endpoint_id, changed_fields
    )
