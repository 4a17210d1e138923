"""`orders.received`: ingest says what a store said."""

from datetime import timedelta
from typing import Literal
from uuid import UUID

from shared.contracts.fields import ExternalId, Timestamp, WireContract
from shared.contracts.order import Order
from shared.contracts.stores_changed import PaymentRules

# How far a source's clock may be ahead; beyond it the time of receipt counts instead of its own.
CLOCK_TOLERANCE = timedelta(minutes=5)

# The header of what waited in ingest's spool: later messages of its order may be before it.
SPOOLED = "ce_spooled"


class OrderReceived(WireContract):
    """`orders.received`, key `{store_id}:{external_id}`: a store sent the state of an order.

    `order` is None only for `delete`, where platforms send the id alone.
    `updated_at` is the source's own clock (one-second resolution at most platforms), but never more
    than `CLOCK_TOLERANCE` ahead of `received_at`.
    `brand_id` is the store's account, so that routing knows whose order it is without asking;
    `payment_rules` are the store's at that moment.
    """

    store_id: UUID
    brand_id: UUID
    external_id: ExternalId
    action: Literal["upsert", "delete"]
    updated_at: Timestamp
    received_at: Timestamp
    order: Order | None = None
    payment_rules: PaymentRules = PaymentRules()

    @property
    def key(self) -> str:
        """The order key: what must stay in order shares a partition."""
        return f"{self.store_id}:{self.external_id}"
