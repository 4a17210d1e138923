"""Invitations as they are kept. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.connections.mail.kinds import Language
from services.connections.people.models import LIFETIMES

MOST_OF_BRAND = 20
PERIOD = timedelta(days=1)


class InvitationState(StrEnum):
    """How an invitation stands."""

    OPEN = "open"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class Invitation:
    """A brand asks whoever reads the mails to `email` to take over the orders of a store."""

    id: UUID
    brand_id: UUID
    store_id: UUID
    email: str
    own_words: str
    language: Language
    created_at: datetime
    mailed_at: datetime
    withdrawn_at: datetime | None
    accepted_at: datetime | None
    accepted_by: UUID | None
    connection_id: UUID | None

    @property
    def expires_at(self) -> datetime:
        """When the newest link is over."""
        return self.mailed_at + LIFETIMES["invite"]

    def state(self, now: datetime) -> InvitationState:
        """How it stands at a time."""
        if self.accepted_at is not None:
            return InvitationState.ACCEPTED
        if self.withdrawn_at is not None:
            return InvitationState.WITHDRAWN
        return InvitationState.EXPIRED if self.expires_at <= now else InvitationState.OPEN
