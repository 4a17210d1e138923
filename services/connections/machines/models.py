"""API clients as they are kept. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.contracts.accounts_changed import AccountKind

# One is in use while the other one takes its place.
MOST_SECRETS = 2
MOST_CLIENTS = 100


@dataclass(frozen=True, slots=True)
class ApiClient:
    """A machine of an account."""

    id: UUID
    account_id: UUID
    name: str
    scopes: Sequence[str]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that is valid now."""

    id: UUID
    client_id: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A client that has shown its secret, and the account that it acts in."""

    id: UUID
    account_id: UUID
    kind: AccountKind
    scopes: Sequence[str]
    version: int
