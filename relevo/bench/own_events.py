"""Orders as routing's own log has them, for a start that has to take them over."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

from aiokafka import AIOKafkaProducer
from uuid_utils.compat import uuid7

from services.routing import events
from services.routing.orders import Decision, Event, LogPosition, Outcome
from services.routing.orders import Order as KnownOrder
from shared.contracts.order import Address, LineItem, Order, OrderStatus
from shared.ids import order_id
from shared.kafka.message import Message

_CHUNK = 1_000
_LINES = 3


async def publish(servers: str, count: int) -> None:
    """Put an `order.created` for each of so many orders on `orders.events`.

    Raises:
        KafkaError: it was not taken.
    """
    producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all", linger_ms=5)
    await producer.start()
    try:
        for first in range(0, count, _CHUNK):
            futures = [
                await producer.send(
                    message.topic,
                    message.value,
                    message.key.encode(),
                    headers=[(name, value.encode()) for name, value in message.headers.items()],
                )
                for message in _messages(min(_CHUNK, count - first))
            ]
            await asyncio.gather(*futures)
    finally:
        await producer.stop()


def _messages(count: int) -> Iterator[Message]:
    store, brand, three_pl, connection, endpoint = (uuid7() for _ in range(5))
    for number in range(count):
        order = _an_order(store, brand, three_pl, connection, endpoint, str(number))
        made = Decision(Outcome.ENTERED, order, (Event("order.created", order),))
        yield from events.messages([(made, None)])


def _an_order(
    store: UUID, brand: UUID, three_pl: UUID, connection: UUID, endpoint: UUID, external_id: str
) -> KnownOrder:
    now = datetime.now(UTC)
    line = LineItem(sku="SKU-1", title="A mug, white", quantity=1, price="10.00")
    order = Order(
        external_id=external_id,
        number=f"#{external_id}",
        created_at=now,
        updated_at=now,
        currency="EUR",
        total="30.00",
        shipping_address=Address(
            name="Ada Lovelace", address1="Calle Mayor 1", city="Madrid", zip="28013", country="ES"
        ),
        lines=(line,) * _LINES,
    )
    return KnownOrder(
        id=order_id(store, external_id),
        store_id=store,
        external_id=external_id,
        brand_id=brand,
        three_pl_id=three_pl,
        connection_id=connection,
        epoch=1,
        settings_version=1,
        endpoint_id=endpoint,
        shipping_rules_owner="brand",
        billing_owner="three_pl",
        support_owner="brand",
        status=OrderStatus.OPEN,
        version=1,
        sequence=1,
        source_updated_at=now,
        content_hash=b"0" * 16,
        payload=order.model_dump_json(),
        accepted_at=now,
        number=order.number,
        total=order.total,
        currency=order.currency,
        source_created_at=now,
        position=LogPosition(0, 0, 0),
        source_received_at=now,
    )
