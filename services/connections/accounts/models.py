"""An account as it is kept. Pure."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.connections.accounts.plans import Plan
from shared.contracts.accounts_changed import AccountKind


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
