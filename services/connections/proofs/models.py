"""A challenge, and who else has a shop, as they are kept. Pure."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.connections.mail.kinds import Language

# Where a challenge is published; or nowhere, and a key of the platform's API is shown instead.
Published = Literal["well_known", "meta_tag", "dns_txt"]
Way = Literal["well_known", "meta_tag", "dns_txt", "admin_api"]
LIFETIME = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the domain of a store has to show for one account; the token is no secret."""

    store_id: UUID
    account_id: UUID
    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Proof:
    """A store that is proven: since when, and by what."""

    store_id: UUID
    proven_at: datetime
    proven_by: Way


@dataclass(frozen=True, slots=True)
class Claimant:
    """An owner of an account that has the shop: who is told.

    `has_active`: a connection of the store is switched on. `mails`: of this kind, in the last hour.
    """

    store_id: UUID
    person_id: UUID
    email: str = field(repr=False)
    language: Language
    is_proven: bool
    has_active: bool
    mails: int
