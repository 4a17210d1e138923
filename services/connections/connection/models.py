"""A connection, its settings versions and its audit log as they are kept. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.connections.accounts.plans import Plan
from shared.contracts.connections_changed import ConnectionState, LogInAsBrand, Party


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection with all that is shown and published of it.

    `is_proven`: whether its store is.
    `delegation_since`: the version at which `delegation` changed last.
    `state_since`: when it came into its state.
    `waits_since`: when it came into a state that somebody has to end; the year 9999 in others.
    `link_is_usable`: whether the brand has a link, shared or mailed, that is still good.
    """

    id: UUID
    store_id: UUID
    brand_id: UUID
    three_pl_id: UUID
    state: ConnectionState
    version: int
    epoch: int
    priority: int
    settings_version: int
    created_at: datetime
    changed_at: datetime
    waits_since: datetime
    link_is_usable: bool
    platform: str
    domain: str
    brand_name: str
    three_pl_name: str
    three_pl_plan: Plan
    shipping_rules_owner: Party
    billing_owner: Party
    support_owner: Party
    endpoint_id: UUID | None
    is_proven: bool
    webhook_url: str | None = field(repr=False)
    delegation: LogInAsBrand
    delegation_since: int
    locked_settings: Sequence[str]
    state_since: datetime


@dataclass(frozen=True, slots=True)
class Owners:
    """Which party owns what of an order."""

    shipping_rules_owner: Party
    billing_owner: Party
    support_owner: Party


@dataclass(frozen=True, slots=True)
class SettingsVersion:
    """One settings version, as it was made; by nobody known: it was taken over from the log."""

    version: int
    shipping_rules_owner: Party
    billing_owner: Party
    support_owner: Party
    endpoint_id: UUID | None
    webhook_url: str | None = field(repr=False)
    created_at: datetime
    created_by: UUID | None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who changed a connection, when, from what to what; nobody: it was taken over from the log."""

    id: UUID
    at: datetime
    account_id: UUID | None
    actor_id: UUID | None
    action: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """What a connection becomes, and how its audit log puts it.

    `before` and `after` hold the fields that the change is about. `delegation` and
    `locked_settings` are None when they stay.
    """

    action: str
    state: ConnectionState
    epoch: int
    priority: int
    settings_version: int
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    delegation: LogInAsBrand | None = None
    locked_settings: Sequence[str] | None = None
