"""Sessions as they are kept. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

# Without a new token for so long, a session is over.
IDLE = timedelta(days=30)
# A client whose answer was lost asks again with the same token: no theft.
GRACE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Device:
    """Where a session was begun: what the browser says it is, and from which network."""

    name: str
    network: str


@dataclass(frozen=True, slots=True)
class Session:
    """A session of a person in one account."""

    id: UUID
    person_id: UUID
    account_id: UUID
    device: str
    network: str
    created_at: datetime
    seen_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token and its session, which are held until the transaction ends.

    `email` is its person's.
    `is_reused`: it was used before, and not just now by who lost the answer.
    """

    session: Session
    email: str
    is_reused: bool
    is_over: bool
