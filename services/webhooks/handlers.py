"""What webhooks does with the records of its two topics."""

from collections.abc import Sequence
from uuid import UUID

from services.webhooks import store
from services.webhooks.dispatcher import Dispatcher
from services.webhooks.endpoints import Endpoints
from services.webhooks.store import Incoming
from shared.bus import Received, Record
from shared.contracts import ConnectionChanged, OrderEventAttributes
from shared.database import Database
from shared.telemetry import traceparent_of


def read_event(record: Record) -> Incoming | None:
    """The event in a record, its body untouched; None when nobody is to be told of it.

    Raises:
        KeyError, ValueError: an attribute is missing or malformed.
    """
    attributes = OrderEventAttributes.parse(record.headers)
    if attributes.sequence < 1:
        raise ValueError(f"ce_sequence: {attributes.sequence}, counts from 1")
    if attributes.endpoint_id is None:
        return None
    return Incoming(
        attributes, attributes.endpoint_id, record.value, traceparent_of(record.headers)
    )


def read_connection(record: Record) -> ConnectionChanged:
    """The connection in a record.

    Raises:
        ValueError: not a `ConnectionChanged`.
    """
    return ConnectionChanged.model_validate_json(record.value)


class Handlers:
    """The handlers of webhooks' topics.

    Args:
        database: webhooks' schema.
        endpoints: told when endpoints changed.
        dispatcher: takes events.
    """

    def __init__(self, database: Database, endpoints: Endpoints, dispatcher: Dispatcher) -> None:
        self._database = database
        self._endpoints = endpoints
        self._dispatcher = dispatcher

    async def on_order_events(self, batch: Sequence[Received[Incoming | None]]) -> None:
        """Make every event with an endpoint a delivery, durable before the batch is done."""
        incoming = [received.body for received in batch if received.body is not None]
        if incoming:
            await self._dispatcher.take(incoming)

    async def on_connections_changed(self, batch: Sequence[Received[ConnectionChanged]]) -> None:
        """Keep the endpoints of the newest state of each connection."""
        newest: dict[UUID, ConnectionChanged] = {}
        for received in batch:
            change = received.body
            seen = newest.get(change.connection_id)
            if seen is None or seen.version < change.version:
                newest[change.connection_id] = change
        ids = [endpoint.id for change in newest.values() for endpoint in change.endpoints]
        if not ids:
            return
        async with self._database.connection() as session:
            await store.upsert_endpoints(session, list(newest.values()))
        await self._endpoints.reload(ids)
        self._dispatcher.endpoints_changed(ids)
