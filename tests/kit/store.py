"""What stores and connections say, for routing's tests."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.contracts.connections_changed import (
    ConnectionChanged,
    ConnectionEndpoint,
    ConnectionSettings,
    ConnectionState,
)
from shared.contracts.order import LineItem, Order
from shared.contracts.orders_received import OrderReceived
from shared.kafka.topics import CONNECTIONS_CHANGED, ORDERS_RECEIVED
from tests.kit.topics import Topics

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Shop:
    """One store with one connection, and the words both say."""

    def __init__(self, topics: Topics) -> None:
        self.topics = topics
        self.store_id, self.brand_id, self.three_pl_id = uuid7(), uuid7(), uuid7()
        self.connection_id, self.endpoint_id = uuid7(), uuid7()
        self.version, self.epoch = 0, 0
        self.state = ConnectionState.INACTIVE
        self.settings_version = 1

    def change(self, state: ConnectionState) -> ConnectionChanged:
        """The next state of the connection; going active begins an epoch."""
        self.version += 1
        self.epoch += state is ConnectionState.ACTIVE and self.state is not state
        self.state = state
        return ConnectionChanged(
            connection_id=self.connection_id,
            store_id=self.store_id,
            brand_id=self.brand_id,
            three_pl_id=self.three_pl_id,
            state=state,
            version=self.version,
            epoch=self.epoch,
            priority=100,
            settings=ConnectionSettings(
                version=self.settings_version, endpoint_id=self.endpoint_id
            ),
            endpoints=(
                ConnectionEndpoint(
                    id=self.endpoint_id, url="http://127.0.0.1:1/", sealed_secrets=("sealed",)
                ),
            ),
            changed_at=datetime.now(UTC),
        )

    async def set(self, state: ConnectionState) -> ConnectionChanged:
        """Change the connection and tell."""
        change = self.change(state)
        await self.tell(change)
        return change

    async def tell(self, change: ConnectionChanged) -> None:
        """Tell of a change, whatever its version."""
        await self.topics.say(CONNECTIONS_CHANGED.name, str(self.connection_id), change)

    def order(self, external_id: str, seconds: int = 0, **fields: Any) -> OrderReceived:
        """An order of this store as ingest puts it on the log."""
        at = NOON + timedelta(seconds=seconds)
        order = Order(
            external_id=external_id,
            number=f"#{external_id}",
            created_at=NOON,
            updated_at=at,
            currency="EUR",
            total=fields.pop("total", "10.00"),
            lines=(LineItem(sku="SKU-1", title="Mug", quantity=1, price="10.00"),),
            **fields,
        )
        return OrderReceived(
            store_id=self.store_id,
            brand_id=self.brand_id,
            external_id=external_id,
            action="upsert",
            updated_at=at,
            received_at=datetime.now(UTC),
            order=order,
        )

    async def send(self, *received: OrderReceived) -> None:
        """Put orders on the log, in order."""
        futures = [
            await self.topics.start_saying(ORDERS_RECEIVED.name, each.key, each)
            for each in received
        ]
        for future in futures:
            await future


def owner_of(row: Any) -> UUID | None:
    """The connection that owns an order row; None is the brand."""
    owner: UUID | None = row["connection_id"]
    return owner
