"""What connections and routing say, for webhooks' tests."""

import base64
import secrets
from datetime import UTC, datetime
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from shared.contracts.connections_changed import (
    ConnectionChanged,
    ConnectionEndpoint,
    ConnectionSettings,
    ConnectionState,
)
from shared.contracts.orders_events import OrderEventAttributes
from shared.kafka.topics import CONNECTIONS_CHANGED, ORDERS_EVENTS
from shared.sealing import Sealer
from tests.kit.topics import Topics

# Spaces and order of keys as no serialiser would write them: bytes must arrive as they are.
_BODY = b'{"type": "%s",  "timestamp":"2026-03-01T12:00:00Z", "data": %s }'


class Tenant:
    """One connection with its endpoint, and the events of its orders."""

    def __init__(self, topics: Topics, sealer: Sealer, url: str) -> None:
        self.topics = topics
        self._sealer = sealer
        self.url = url
        self.connection_id, self.store_id = uuid7(), uuid7()
        self.brand_id, self.three_pl_id = uuid7(), uuid7()
        self.endpoint_id = uuid7()
        self.secrets = [new_secret()]
        self.version = 0

    def change(self) -> ConnectionChanged:
        """The next state of the connection."""
        self.version += 1
        sealed = tuple(self._sealer.seal(s, f"endpoint:{self.endpoint_id}") for s in self.secrets)
        return ConnectionChanged(
            connection_id=self.connection_id,
            store_id=self.store_id,
            brand_id=self.brand_id,
            three_pl_id=self.three_pl_id,
            state=ConnectionState.ACTIVE,
            version=self.version,
            epoch=1,
            priority=100,
            settings=ConnectionSettings(version=1, endpoint_id=self.endpoint_id),
            endpoints=(
                ConnectionEndpoint(id=self.endpoint_id, url=self.url, sealed_secrets=sealed),
            ),
            changed_at=datetime.now(UTC),
        )

    async def introduce(self) -> None:
        """Tell of the connection, as connections does."""
        await self.topics.say(CONNECTIONS_CHANGED.name, str(self.connection_id), self.change())

    def event(
        self, order_id: UUID, sequence: int, *, to_three_pl: bool = True
    ) -> tuple[OrderEventAttributes, bytes]:
        """An event of an order, as routing makes it."""
        kind = "order.created" if sequence == 1 else "order.updated"
        attributes = OrderEventAttributes(
            id=uuid7(),
            type=kind,
            order_id=order_id,
            sequence=sequence,
            store_id=self.store_id,
            brand_id=self.brand_id,
            three_pl_id=self.three_pl_id if to_three_pl else None,
            connection_id=self.connection_id if to_three_pl else None,
            endpoint_id=self.endpoint_id if to_three_pl else None,
        )
        data = {"id": str(order_id), "sequence": sequence, "name": "Zoë"}
        return attributes, _BODY % (kind.encode(), orjson.dumps(data))

    async def say(self, event: tuple[OrderEventAttributes, bytes]) -> None:
        """Put an event on the log."""
        attributes, body = event
        await self.topics.say(
            ORDERS_EVENTS.name, str(attributes.order_id), body, attributes.headers()
        )

    async def tell(self, order_id: UUID, *sequences: int) -> list[UUID]:
        """Events of an order, one after the other; their ids."""
        ids = []
        for sequence in sequences:
            event = self.event(order_id, sequence)
            await self.say(event)
            ids.append(event[0].id)
        return ids


def new_secret() -> str:
    """A `whsec_…` signing secret."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
