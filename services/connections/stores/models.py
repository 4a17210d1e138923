"""Stores and their credentials as they are kept. Pure."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.contracts.stores_changed import StoreCredential


@dataclass(frozen=True, slots=True)
class Store:
    """One sales channel of a brand."""

    id: UUID
    brand_id: UUID
    platform: str
    domain: str
    version: int
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class StoreAccess:
    """A store, and how an account that may see it stands to it."""

    store: Store
    is_brand: bool
    brand_logged_in: bool


@dataclass(frozen=True, slots=True)
class ListedCredential:
    """A credential that is valid now."""

    credential: StoreCredential
    created_at: datetime
