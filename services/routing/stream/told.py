"""What is told of an event of an order, and to whom. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

import orjson
from pydantic import BaseModel

from services.routing.lifecycle import TABS, Tab
from services.routing.lists.filter import Viewer
from shared.contracts.order import OrderStatus
from shared.contracts.orders_events import OrderEventAttributes


class OrderChange(BaseModel):
    """One event: ids and state, nothing of the buyer. `connection_id` is whose event it is."""

    order_id: UUID
    type: str
    sequence: int
    status: OrderStatus | None
    connection_id: UUID | None
    at: str


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it stands on the log; `data` is an `OrderChange` in JSON."""

    partition: int
    offset: int
    store_id: UUID
    brand_id: UUID
    three_pl_id: UUID | None
    connection_id: UUID | None
    status: str | None
    data: str

    @classmethod
    def of(cls, partition: int, offset: int, headers: Mapping[str, str]) -> Self:
        """From the headers of a record.

        Raises:
            KeyError, ValueError: it is no event of an order.
        """
        event = OrderEventAttributes.parse(headers)
        change: dict[str, Any] = {
            "order_id": str(event.order_id),
            "type": event.type,
            "sequence": event.sequence,
            "status": event.status,
            "connection_id": str(event.connection_id) if event.connection_id else None,
            "at": headers["ce_time"],
        }
        return cls(
            partition,
            offset,
            event.store_id,
            event.brand_id,
            event.three_pl_id,
            event.connection_id,
            event.status,
            orjson.dumps(change).decode(),
        )


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to hear of; None leaves a field open."""

    viewer: Viewer
    store: UUID | None = None
    connection: UUID | None = None
    tab: Tab | None = None

    def hears(self, told: Told) -> bool:
        """Whether it is told of this: the rights are those of lists."""
        return (
            self._may(told)
            and self.store in (None, told.store_id)
            and self.connection in (None, told.connection_id)
            and (self.tab is None or told.status in TABS[self.tab])
        )

    def _may(self, told: Told) -> bool:
        viewer = self.viewer
        if viewer.as_three_pl:
            return told.three_pl_id == viewer.account
        return told.brand_id == viewer.account and (
            viewer.in_store is None
            or (
                told.store_id == viewer.in_store
                and told.connection_id in (None, viewer.in_connection)
            )
        )
