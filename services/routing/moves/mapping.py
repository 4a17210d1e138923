"""What counts for another store and another brand since its store moved. Pure.

Records may carry the claim's ids long after the move: ingest has not heard of it yet, they waited
in Kafka, or they were parked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.routing.orders import Incoming, Move, Order, OrderKey

# By the id of the claim's store.
Moves = Mapping[UUID, Move]


def key_after(key: OrderKey, moves: Moves) -> OrderKey:
    """What the order is known by now."""
    move = moves.get(key.store_id)
    return key if move is None else OrderKey(move.store_id, key.external_id)


def message_after(incoming: Incoming, moves: Moves) -> Incoming:
    """The message as if it had come for the store and the brand that it counts for now."""
    move = moves.get(incoming.store_id)
    if move is None:
        return incoming
    return replace(incoming, store_id=move.store_id, brand_id=move.brand_id)


def order_after(order: Order, moves: Moves) -> Order:
    """A known order, the brand's already though its own chunk of the move may be to come."""
    move = moves.get(order.store_id)
    return order if move is None else replace(order, brand_id=move.brand_id)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A claim's order that is to move.

    `known_updated_at` is the source's time of the order that its new store has under the same
    external id already; None when there is none.
    """

    id: UUID
    source_updated_at: datetime
    tombstone: bool
    known_updated_at: datetime | None

    @property
    def is_copy(self) -> bool:
        """Whether the order is known there already; that one stays as it is."""
        return self.known_updated_at is not None

    @property
    def is_news(self) -> bool:
        """Whether a copy knows what the order does not: a newer state, or that it was deleted."""
        if self.known_updated_at is None:
            return False
        # A deletion counts whatever its time, as it does when a store sends it.
        return self.tombstone or self.source_updated_at > self.known_updated_at
