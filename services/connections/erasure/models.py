"""What is erased together. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

# A refusal names some of the connections that are live, not all of thousands.
MOST_NAMED = 50


@dataclass(frozen=True, slots=True)
class Erased:
    """An account of which nothing personal is kept."""

    account_id: UUID
    erased_at: datetime


@dataclass(frozen=True, slots=True)
class Scope:
    """Accounts that end together, the people who work nowhere else, and their addresses."""

    accounts: Sequence[UUID]
    people: Sequence[UUID]
    addresses: Sequence[str]
