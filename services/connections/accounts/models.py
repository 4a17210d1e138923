"""An account as it is kept. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.connections.accounts.plans import Plan
from shared.contracts.accounts_changed import AccountKind
from shared.contracts.connections_changed import ConnectionState


@dataclass(frozen=True, slots=True)
class Account:
    """A tenant. One without people is a claim: nobody can act in it."""

    id: UUID
    kind: AccountKind
    name: str
    plan: Plan
    version: int
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class ListedAccount:
    """An account as the operator sees it: how many people work in it, and its connections."""

    id: UUID
    kind: AccountKind
    name: str
    plan: Plan
    created_at: datetime
    people: int
    connections: Mapping[ConnectionState, int]
