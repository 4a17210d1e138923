"""Brands as their 3PLs know them, and login links, as they are kept. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.connections.mail.kinds import Language
from shared.contracts.connections_changed import ConnectionState


@dataclass(frozen=True, slots=True)
class Warehouse:
    """Where the goods are; `country` in two letters.

    Of a form of before there were fields, all of it is `address1` and the rest None.
    """

    name: str | None
    address1: str
    address2: str | None
    city: str | None
    zip: str | None
    region: str | None
    country: str | None


@dataclass(frozen=True, slots=True)
class BrandProfile:
    """The Add Brand form, as one 3PL filled it in.

    `id` is what the 3PL knows the brand by. `account_id` is the claim, and from the acceptance on
    the account that the client accepted into.
    """

    id: UUID
    three_pl_id: UUID
    account_id: UUID
    contact_name: str
    contact_email: str
    contact_phone: str | None
    language: Language
    company_name: str
    warehouse: Warehouse | None
    monthly_order_range: str | None
    priorities: Sequence[str]
    priorities_note: str | None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Brand:
    """A brand as its 3PL sees it."""

    profile: BrandProfile
    has_accepted: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LoginLink:
    """The link that a 3PL shares; `is_over`: its time is over, or a newer one replaced it."""

    connection_id: UUID
    state: ConnectionState
    expires_at: datetime
    is_over: bool
