"""How many orders each choice of a filter would show. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel

from services.routing.lists.filter import OrderFilter
from shared.contracts.order import OrderStatus

Key = TypeVar("Key")
# What is counted exactly; whoever sees more sees "10,000+".
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Counted:
    """How many orders of a store are with a connection (None: with the brand) in a status."""

    connection_id: UUID | None
    store_id: UUID
    status: OrderStatus
    orders: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted; `is_cut` when there was more than is looked at."""

    counted: Collection[Counted]
    is_cut: bool


class Count(BaseModel):
    """How many there are; `is_capped`: at least so many."""

    count: int
    is_capped: bool


class ConnectionCount(Count):
    """Of a connected store; with both ids null: the orders that the brand owns itself."""

    connection_id: UUID | None
    store_id: UUID | None


class StatusCount(Count):
    """Of a status."""

    status: OrderStatus


class Facets(BaseModel):
    """The choices of a filter that would show something, each with its count."""

    connections: list[ConnectionCount]
    statuses: list[StatusCount]
    total: Count


def facets_of(counts: Counts, wanted: OrderFilter) -> Facets:
    """The facets, each counted as if nothing were chosen in it."""
    named = wanted.statuses
    of_statuses = [one for one in counts.counted if named is None or one.status in named]
    of_places = [one for one in counts.counted if _is_of_place(one, wanted)]
    connections = _sum((_place(one), one) for one in of_statuses)
    statuses = _sum((one.status, one) for one in of_places)
    total = sum(one.orders for one in of_places if named is None or one.status in named)

    def capped(count: int) -> Count:
        return Count(count=min(count, MOST), is_capped=counts.is_cut or count > MOST)

    return Facets(
        connections=[
            ConnectionCount(connection_id=place[0], store_id=place[1], **dict(capped(count)))
            for place, count in connections.most_common()
        ],
        statuses=[
            StatusCount(status=status, **dict(capped(statuses[status])))
            for status in OrderStatus
            if statuses[status]
        ],
        total=capped(total),
    )


def _is_of_place(one: Counted, wanted: OrderFilter) -> bool:
    owner = "brand" if one.connection_id is None else "three_pl"
    return (
        wanted.store in (None, one.store_id)
        and wanted.connection in (None, one.connection_id)
        and wanted.owner in (None, owner)
    )


def _place(one: Counted) -> tuple[UUID | None, UUID | None]:
    return (one.connection_id, one.store_id) if one.connection_id else (None, None)


def _sum(keyed: Iterable[tuple[Key, Counted]]) -> Counter[Key]:
    found: Counter[Key] = Counter()
    for key, one in keyed:
        found[key] += one.orders
    return found
