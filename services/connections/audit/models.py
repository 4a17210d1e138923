"""An entry of the audit log as an account may see it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.contracts.accounts_changed import AccountKind


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked for; None: all. `since` is the first moment, `until` the first one after."""

    connection_id: UUID | None = None
    store_id: UUID | None = None
    actor_id: UUID | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """Who did what, when, from what to what.

    `actor_id` is None when it is an account that those who read must not know of; `actor_name` is
    None, too, when the account was erased. `on_behalf_of` is the account that it acted for.
    """

    id: UUID
    at: datetime
    connection_id: UUID | None
    store_id: UUID
    three_pl_id: UUID | None
    actor_id: UUID | None
    actor_kind: AccountKind | None
    actor_name: str | None
    on_behalf_of: UUID | None
    action: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
