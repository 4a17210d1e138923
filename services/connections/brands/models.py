"""Brands as their 3PLs know them, and login links, as they are kept. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.contracts.connections_changed import ConnectionState


@dataclass(frozen=True, slots=True)
class BrandProfile:
    """The Add Brand form, as one 3PL filled it in."""

    three_pl_id: UUID
    brand_id: UUID
    contact_name: str
    contact_email: str
    company_name: str
    warehouse: str | None
    monthly_order_range: str | None
    priorities: Sequence[str]


@dataclass(frozen=True, slots=True)
class Brand:
    """A brand as its 3PL sees it."""

    profile: BrandProfile
    logged_in: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LoginLink:
    """A login link and the brand it lets in.

    `is_over`: its time is over, or a newer one replaced it. `password_hash` is None until the
    brand's first login.
    """

    connection_id: UUID
    store_id: UUID
    brand_id: UUID
    state: ConnectionState
    password_hash: str | None
    is_redeemed: bool
    is_over: bool
