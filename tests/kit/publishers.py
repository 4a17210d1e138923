"""Publishers: what stores, connections and routing put on the log, as they would."""

import asyncio
import base64
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from pydantic import BaseModel
from uuid_utils.compat import uuid7

from shared.contracts.accounts_changed import AccountChanged, AccountKind
from shared.contracts.connections_changed import (
    ConnectionChanged,
    ConnectionEndpoint,
    ConnectionSettings,
    ConnectionState,
)
from shared.contracts.order import LineItem, Order
from shared.contracts.orders_events import OrderEventAttributes
from shared.contracts.orders_received import OrderReceived
from shared.kafka.cloudevents import cloud_event_headers
from shared.kafka.topics import CONNECTIONS_CHANGED, ORDERS_EVENTS, ORDERS_RECEIVED
from shared.sealing import Sealer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


# Spaces and order of keys as no serialiser would write them: bytes must arrive as they are.
_BODY = b'{"type": "%s",  "timestamp":"2026-03-01T12:00:00Z", "data": %s }'


class Topics:
    """The topics behind one prefix."""

    def __init__(self, kafka: str, prefix: str) -> None:
        self._kafka = kafka
        self._prefix = prefix
        self._producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", linger_ms=1)

    async def __aenter__(self) -> Self:
        await self._producer.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._producer.stop()

    async def publish(
        self,
        topic: str,
        key: str,
        body: BaseModel | bytes,
        headers: Mapping[str, str] | list[tuple[str, bytes]] | None = None,
    ) -> None:
        """Publish one message and wait for the broker."""
        await (await self.start_publishing(topic, key, body, headers))

    async def start_publishing(
        self,
        topic: str,
        key: str,
        body: BaseModel | bytes,
        headers: Mapping[str, str] | list[tuple[str, bytes]] | None = None,
    ) -> asyncio.Future[Any]:
        """Publish one message; the future is done when the broker has it."""
        if headers is None:
            headers = cloud_event_headers("test", "/test", key)
        if isinstance(headers, Mapping):
            headers = [(name, value.encode()) for name, value in headers.items()]
        value = body if isinstance(body, bytes) else body.model_dump_json().encode()
        future: asyncio.Future[Any] = await self._producer.send(
            self._prefix + topic, value=value, key=key.encode(), headers=headers
        )
        return future

    async def all(
        self, topic: str, at_least: int = 0, seconds: float = 20.0
    ) -> list[ConsumerRecord]:
        """Every record of `topic`, in partition order; waits until there are `at_least`.

        Raises:
            AssertionError: fewer in time.
        """
        name = self._prefix + topic
        consumer = AIOKafkaConsumer(
            name, bootstrap_servers=self._kafka, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            found: list[ConsumerRecord] = []
            deadline = time.monotonic() + seconds
            while not (partitions := list(consumer.assignment())):
                if time.monotonic() > deadline:
                    raise AssertionError(f"{topic}: no partitions in time")
                await asyncio.sleep(0.02)
            while True:
                ends = await consumer.end_offsets(partitions)
                while any(
                    [
                        await consumer.position(partition) < ends[partition]
                        for partition in partitions
                    ]
                ):
                    batch = await consumer.getmany(timeout_ms=100)
                    found += [record for records in batch.values() for record in records]
                if len(found) >= at_least:
                    return found
                if time.monotonic() > deadline:
                    raise AssertionError(f"{topic}: {len(found)} of {at_least} records in time")
                await asyncio.sleep(0.02)
        finally:
            await consumer.stop()


class OrderPublisher:
    """One store with one connection, and what is published of both."""

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
        """Change the connection, and say so."""
        change = self.change(state)
        await self.publish(change)
        return change

    async def publish(self, change: ConnectionChanged) -> None:
        """Say how the connection stands, whatever the version."""
        await self.topics.publish(CONNECTIONS_CHANGED.name, str(self.connection_id), change)

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
            await self.topics.start_publishing(ORDERS_RECEIVED.name, order.key, order)
            for order in received
        ]
        for future in futures:
            await future


class EventPublisher:
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

    async def publish_connection(self) -> None:
        """Say how the connection stands, as connections does."""
        await self.topics.publish(CONNECTIONS_CHANGED.name, str(self.connection_id), self.change())

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

    async def publish(self, event: tuple[OrderEventAttributes, bytes]) -> None:
        """Put an event on the log."""
        attributes, body = event
        await self.topics.publish(
            ORDERS_EVENTS.name, str(attributes.order_id), body, attributes.headers()
        )

    async def publish_events(self, order_id: UUID, *sequences: int) -> list[UUID]:
        """Events of an order, one after the other; their ids."""
        ids = []
        for sequence in sequences:
            event = self.event(order_id, sequence)
            await self.publish(event)
            ids.append(event[0].id)
        return ids


def erased(account_id: UUID, kind: AccountKind = "brand") -> AccountChanged:
    """The last that is said of an account: its data was erased."""
    return AccountChanged(
        account_id=account_id,
        kind=kind,
        plan="free",
        version=9,
        erased=True,
        changed_at=datetime.now(UTC),
    )


def new_secret() -> str:
    """A `whsec_…` signing secret."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
