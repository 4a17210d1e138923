"""An account as it is kept. Pure."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.connections.accounts.plans import Plan
from shared.web.auth import AccountKind


@dataclass(frozen=True, slots=True)
class Account:
    """A tenant; `password_hash` is None until its first login."""

    id: UUID
    kind: AccountKind
    name: str
    email: str
    plan: Plan
    password_hash: str | None
    created_at: datetime
