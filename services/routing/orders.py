"""An order as routing knows it, and what a decision about it consists of. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Self
from uuid import UUID

from services.routing import order_rules
from shared.contracts import order as contract
from shared.contracts.connections_changed import (
    ConnectionChanged,
    ConnectionState,
    EffectiveSettings,
    Party,
)
from shared.contracts.order import OrderStatus
from shared.contracts.orders_events import HoldKind, OrderEventType


class OrderKey(NamedTuple):
    """What names an order before it has an id."""

    store_id: UUID
    external_id: str


class LogPosition(NamedTuple):
    """Where a record stands: later ones of one log are larger.

    `generation` counts the logs that the partition has had.
    """

    generation: int
    partition: int
    offset: int

    def is_before(self, other: "LogPosition") -> bool:
        """Whether it is the same record or an earlier one, where that can be said."""
        return self[:2] == other[:2] and self.offset <= other.offset


@dataclass(frozen=True, slots=True)
class Move:
    """Where the orders of a claim's store went: what they count for, and whose they are."""

    store_id: UUID
    brand_id: UUID


@dataclass(frozen=True, slots=True)
class SettingsVersion:
    """One settings version of a connection, and from when it counts for orders that enter."""

    settings_version: int
    shipping_rules_owner: Party
    billing_owner: Party
    support_owner: Party
    endpoint_id: UUID | None
    effective_at: datetime

    @staticmethod
    def of_message(settings: EffectiveSettings) -> "SettingsVersion":
        """One of the versions that a change tells of."""
        return SettingsVersion(
            settings_version=settings.version,
            shipping_rules_owner=settings.shipping_rules_owner,
            billing_owner=settings.billing_owner,
            support_owner=settings.support_owner,
            endpoint_id=settings.endpoint_id,
            effective_at=settings.effective_at,
        )


@dataclass(frozen=True, slots=True)
class Connection(SettingsVersion):
    """What routing keeps of a connection: enough to assign and to fence.

    The fields of `SettingsVersion` are those of the newest version. `state_since` is from when the
    state counts; None where nobody told.
    """

    id: UUID
    store_id: UUID
    brand_id: UUID
    three_pl_id: UUID
    state: ConnectionState
    version: int
    epoch: int
    priority: int
    state_since: datetime | None = None
    # See `services.routing.order_rules`.
    order_rules: str = "[]"

    @classmethod
    def of(cls, change: ConnectionChanged) -> Self:
        """What a change says of it."""
        settings = change.settings
        effective = {version.version: version.effective_at for version in change.settings_history}
        return cls(
            id=change.connection_id,
            store_id=change.store_id,
            brand_id=change.brand_id,
            three_pl_id=change.three_pl_id,
            state=change.state,
            version=change.version,
            epoch=change.epoch,
            priority=change.priority,
            settings_version=settings.version,
            shipping_rules_owner=settings.shipping_rules_owner,
            billing_owner=settings.billing_owner,
            support_owner=settings.support_owner,
            endpoint_id=settings.endpoint_id,
            # Without its history the change itself is the best that is known.
            effective_at=effective.get(settings.version, change.changed_at),
            state_since=change.state_since,
            order_rules=order_rules.as_stored(change.order_rules),
        )


@dataclass(frozen=True, slots=True)
class Hold:
    """Why an open order must not be worked yet, and which party may lift that.

    `placed_by` is the account that asked for it; None when the store's payment made it.
    """

    id: UUID
    kind: HoldKind
    note: str | None
    release_by: Party
    placed_by: UUID | None
    placed_at: datetime


@dataclass(frozen=True, slots=True)
class Order:
    """The state of one order.

    `connection_id` is the owner; None means that the brand owns it. `three_pl_id` is the 3PL that
    has it or had it last. `epoch`, `settings_version`, the three owners and `endpoint_id` are the
    snapshot bound when it entered; the brand's own orders have none. `version` counts changes of
    owner, status and holds (what a command compares), `sequence` counts events. `payload` is the
    store's order as canonical JSON, None when the store deleted an order that was never seen;
    `number`, `total`, `currency` and `source_created_at` are its own, for lists; `words` are what
    it is found by. `position` is that
    of the newest message that counted, `source_received_at` when that was accepted; `accepted_at`
    is when Relevo accepted it first. Since `erased_at` it is closed: the brand's data was erased.
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
    accepted_at: datetime
    number: str | None = None
    total: str | None = None
    currency: str | None = None
    source_created_at: datetime | None = None
    words: str | None = None
    shipping_rules_owner: Party | None = None
    billing_owner: Party | None = None
    support_owner: Party | None = None
    cancel_too_late: bool = False
    tombstone: bool = False
    holds: tuple[Hold, ...] = ()
    erased_at: datetime | None = None
    position: LogPosition | None = None
    source_received_at: datetime | None = None
    # As fulfilment told of them last: JSON, spliced into each event.
    shipments: str = "[]"
    shipments_version: int = 0

    def party(self, account: UUID) -> Party | None:
        """What the account is to it: its brand always, a 3PL only while it has it."""
        if account == self.brand_id:
            return "brand"
        has_it = self.connection_id is not None and account == self.three_pl_id
        return "three_pl" if has_it else None

    @property
    def owner(self) -> Party:
        """Who controls it now."""
        return "brand" if self.connection_id is None else "three_pl"


@dataclass(frozen=True, slots=True)
class Incoming:
    """What the store sent: one record of `orders.received`, canonical and hashed.

    `cancelled`, `fulfilled`, `voided` and `unpaid` are what the store says of it, by its own rules.
    """

    store_id: UUID
    brand_id: UUID
    external_id: str
    updated_at: datetime
    received_at: datetime
    payload: str | None
    content_hash: bytes
    cancelled: bool
    deleted: bool
    fulfilled: bool = False
    voided: bool = False
    unpaid: bool = False
    number: str | None = None
    total: str | None = None
    currency: str | None = None
    created_at: datetime | None = None
    words: str | None = None
    # What the store's own clock said, when it was too far ahead to be believed.
    store_clock: datetime | None = None
    position: LogPosition | None = None
    # It waited in ingest's spool: later messages may have overtaken it.
    spooled: bool = False
    # The order itself, for the rules that decide whose it is; None when the store deleted it.
    sent: contract.Order | None = field(default=None, compare=False, repr=False)


class Outcome(StrEnum):
    """What became of a message or command; also a metric label."""

    ENTERED = "entered"
    UPDATED = "updated"
    CANCELLED = "cancelled"
    UNCHANGED = "unchanged"
    STALE = "stale"
    DUPLICATE = "duplicate"
    TOMBSTONED = "tombstoned"
    NEVER_SEEN = "never_seen"
    COMMAND = "command"
    RETURNED = "returned"
    SHIPMENTS = "shipments"


@dataclass(frozen=True, slots=True)
class Event:
    """A fact about an order, for the owner that `order` names; its sequence is the event's."""

    type: OrderEventType
    order: Order
    changed_fields: tuple[str, ...] = ()
    reason: str | None = None


Why = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Decision:
    """What to write: the order as it is now, the events that follow, and why.

    `placed` are new holds, `lifted` the ids of those that stand no more. `at`: when it was made;
    None for now.
    """

    outcome: Outcome
    order: Order
    events: tuple[Event, ...] = ()
    why: Why = field(default_factory=dict)
    placed: tuple[Hold, ...] = ()
    lifted: tuple[UUID, ...] = ()
    at: datetime | None = None
