"""Which endpoints of brands are told of an event. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from shared.contracts.orders_events import OrderEventAttributes


class OfBrand(Protocol):
    """An endpoint that a brand may have made; a connection's has no `brand_id`."""

    @property
    def id(self) -> UUID: ...  # noqa: D102  see the class

    @property
    def brand_id(self) -> UUID | None: ...  # noqa: D102

    @property
    def event_types(self) -> Sequence[str] | None: ...  # noqa: D102

    @property
    def store_ids(self) -> Sequence[UUID] | None: ...  # noqa: D102

    @property
    def version(self) -> int: ...  # noqa: D102

    @property
    def is_gone(self) -> bool: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class _Subscription:
    """`stores` is None: of all stores of the brand."""

    version: int
    types: frozenset[str]
    stores: frozenset[UUID] | None

    def wants(self, event: OrderEventAttributes) -> bool:
        return event.type in self.types and (self.stores is None or event.store_id in self.stores)


class Subscriptions:
    """What all brands want to be told, in memory; brands without an endpoint cost nothing."""

    def __init__(self) -> None:
        self._by_brand: dict[UUID, dict[UUID, _Subscription]] = {}

    def keep(self, endpoints: Iterable[OfBrand]) -> None:
        """Take these as they were read, unless newer is known; those of connections are none."""
        for endpoint in endpoints:
            if endpoint.brand_id is None:
                continue
            of_brand = self._by_brand.setdefault(endpoint.brand_id, {})
            known = of_brand.get(endpoint.id)
            if endpoint.is_gone:
                of_brand.pop(endpoint.id, None)
            elif known is None or known.version < endpoint.version:
                stores = endpoint.store_ids
                of_brand[endpoint.id] = _Subscription(
                    endpoint.version,
                    frozenset(endpoint.event_types or ()),
                    None if stores is None else frozenset(stores),
                )
            if not of_brand:
                del self._by_brand[endpoint.brand_id]

    def of(self, event: OrderEventAttributes) -> list[UUID]:
        """The endpoints that are told of the event."""
        of_brand = self._by_brand.get(event.brand_id)
        if of_brand is None:
            return []
        return [id_ for id_, wanted in of_brand.items() if wanted.wants(event)]
