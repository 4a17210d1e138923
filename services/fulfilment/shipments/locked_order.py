"""The order that a shipment is of, as whoever changes the shipment holds it. Pure."""

from dataclasses import dataclass
from uuid import UUID

from shared.contracts.order import OrderStatus
from shared.rules.facts import Facts


@dataclass(frozen=True, slots=True)
class LockedOrder:
    """The row of an order; whoever holds it may change its shipments."""

    id: UUID
    sequence: int
    status: OrderStatus
    shipments_version: int
    brand_id: UUID
    three_pl_id: UUID | None
    connection_id: UUID | None
    facts: Facts | None

    @property
    def owner(self) -> UUID:
        """The account that has it now."""
        return self.three_pl_id if self.connection_id and self.three_pl_id else self.brand_id
