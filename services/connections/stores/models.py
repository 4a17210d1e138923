"""Stores and their credentials as they are kept. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.contracts.stores_changed import PaymentRules, StoreCredential


@dataclass(frozen=True, slots=True)
class Store:
    """One sales channel of a brand.

    `former_brand_id` is the claim that it was in before its brand accepted. With `alias_of` it is
    no store of its own any more: its orders count for that one. `proven_at` is when its domain
    said that it is this brand's.
    """

    id: UUID
    brand_id: UUID
    former_brand_id: UUID | None
    alias_of: UUID | None
    platform: str
    domain: str
    version: int
    hold_unpaid: bool
    ship_unpaid_methods: Sequence[str]
    created_at: datetime
    changed_at: datetime
    proven_at: datetime | None

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
    has_people: bool

    @property
    def may_set_keys(self) -> bool:
        """The brand may; a 3PL only while the store is a claim."""
        return self.is_brand or not self.has_people


@dataclass(frozen=True, slots=True)
class ListedCredential:
    """A credential that is valid now, and which store id it is good for."""

    store_id: UUID
    credential: StoreCredential
    created_at: datetime
