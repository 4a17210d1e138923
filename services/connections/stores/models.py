"""Stores and their credentials as they are kept. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.contracts.stores_changed import PaymentRules, StoreCredential


@dataclass(frozen=True, slots=True)
class Store:
    """One sales channel of a brand."""

    id: UUID
    brand_id: UUID
    platform: str
    domain: str
    version: int
    hold_unpaid: bool
    ship_unpaid_methods: Sequence[str]
    created_at: datetime
    changed_at: datetime

    @property
    def payment_rules(self) -> PaymentRules:
        """What it says about orders that are not paid yet."""
        return PaymentRules(
            hold_unpaid=self.hold_unpaid, ship_unpaid_methods=tuple(self.ship_unpaid_methods)
        )


@dataclass(frozen=True, slots=True)
class StoreAccess:
    """A store, and how an account that may see it stands to it."""

    store: Store
    is_brand: bool
    brand_logged_in: bool

    @property
    def may_set_keys(self) -> bool:
        """The brand may; a 3PL only until the brand has logged in."""
        return self.is_brand or not self.brand_logged_in


@dataclass(frozen=True, slots=True)
class ListedCredential:
    """A credential that is valid now."""

    credential: StoreCredential
    created_at: datetime
