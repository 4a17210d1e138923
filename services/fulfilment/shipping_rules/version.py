"""One version of an account's shipping rules. Pure."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.rules.shipping_rules import ShippingRules


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an account's rules; 0 before it has any.

    `set_by` is unknown after an erasure.
    """

    number: int
    rules: ShippingRules
    set_by: UUID | None
    set_at: datetime | None


NONE = Version(0, ShippingRules(), None, None)
