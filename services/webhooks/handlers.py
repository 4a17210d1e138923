"""What webhooks does with the records of its two topics."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from services.webhooks import endpoint_urls, store
from services.webhooks.claimer import Claimer
from services.webhooks.dispatcher import Dispatcher
from services.webhooks.endpoints import Endpoints
from services.webhooks.settings import Settings
from services.webhooks.store import Incoming
from services.webhooks.subscriptions import Subscriptions
from shared.contracts.connections_changed import ConnectionChanged
from shared.contracts.orders_events import OrderEventAttributes
from shared.kafka.batch import Record, newest_versions, read
from shared.kafka.positions import Step
from shared.kafka.subscriber import BatchRouter, Wait
from shared.kafka.topics import CONNECTIONS_CHANGED, ORDERS_EVENTS
from shared.postgres.database import Database
from shared.postgres.positions import PositionRows
from shared.sealing import Sealer
from shared.telemetry import traceparent_of


def subscribe(
    router: BatchRouter,
    database: Database,
    endpoints: Endpoints,
    dispatcher: Dispatcher,
    claimer: Claimer,
    settings: Settings,
    sealer: Sealer,
    before_events: Sequence[Wait],
) -> None:
    """Declare what webhooks reads.

    Args:
        router: FastStream's, of this process.
        database: webhooks' schema.
        endpoints: told when endpoints changed.
        dispatcher: accepts events.
        claimer: claims what waited for an endpoint to become known.
        settings: the size of batches.
        sealer: for URLs that messages of before carry in plain.
        before_events: awaited one after the other before events are read.
    """

    @router.whole_subscriber(CONNECTIONS_CHANGED, parse=read(ConnectionChanged))
    async def on_connections_changed(changes: Sequence[ConnectionChanged]) -> None:
        """Keep the endpoints of the newest state of each connection.

        The one that newer settings name gets another chance, should it be disabled; so do those
        that send somewhere else now.
        """
        found = newest_versions(changes, key=lambda change: change.connection_id)
        ids = [endpoint.id for change in found.values() for endpoint in change.endpoints]
        if not ids:
            return
        # A look without locks: each process reads all of it at each start, and knows most.
        async with database.session() as session:
            newer = await store.newer_endpoints(session, list(found.values()))
        # Another process may have stored what this one holds in memory.
        affected = [id_ for id_ in ids if id_ in newer or endpoints.get(id_) is not None]
        if newer:
            newest = [
                endpoint_urls.sealed(change, sealer)
                for change in found.values()
                if any(endpoint.id in newer for endpoint in change.endpoints)
            ]
            named = {change.settings.endpoint_id for change in newest}
            async with database.transaction() as session:
                changed, moved = await store.upsert_endpoints(session, newest)
                await store.enable_endpoints(
                    session, [one for one in ids if one in named & changed or one in moved]
                )
                if moved:
                    await store.redirect(session, moved)
            endpoints.forget_pauses(moved)
        if affected:
            await endpoints.reload(affected)
            claimer.endpoints_changed(affected)

    positions = PositionRows(database, ORDERS_EVENTS.name)

    @router.positioned_subscriber(
        ORDERS_EVENTS,
        group="webhooks",
        parse=read_event,
        rows=positions,
        max_records=settings.webhooks_batch_records,
        after=before_events,
    )
    async def on_order_events(events: Sequence[Arrived], steps: Sequence[Step]) -> None:
        """Make every event a delivery to each endpoint, durable before the batch is done."""
        incoming = [one for event in events for one in event.to_all(endpoints.subscriptions)]
        if incoming:
            await dispatcher.accept(incoming, steps)
        else:
            await positions.move(steps)


@dataclass(frozen=True, slots=True)
class Arrived:
    """An event as it came off the log, its body untouched."""

    attributes: OrderEventAttributes
    body: bytes
    traceparent: str | None
    at: datetime | None

    def to_all(self, subscriptions: Subscriptions) -> list[Incoming]:
        """For each endpoint that is told of it: its connection's, then those of its brand."""
        told = [self._to(id_, to_brand=True) for id_ in subscriptions.of(self.attributes)]
        if self.attributes.endpoint_id is not None:
            told.insert(0, self._to(self.attributes.endpoint_id, to_brand=False))
        return told

    def _to(self, endpoint_id: UUID, *, to_brand: bool) -> Incoming:
        return Incoming(
            self.attributes, endpoint_id, self.body, self.traceparent, self.at, to_brand
        )


def read_event(record: Record) -> Arrived:
    """The event in a record.

    Raises:
        KeyError, ValueError: an attribute is missing or malformed.
    """
    attributes = OrderEventAttributes.parse(record.headers)
    if attributes.sequence < 1:
        raise ValueError(f"ce_sequence: {attributes.sequence}, counts from 1")
    return Arrived(attributes, record.value, traceparent_of(record.headers), _time_of(record))


def _time_of(record: Record) -> datetime | None:
    """When it came about; only a metric needs it, so a malformed one stops nothing."""
    try:
        at = datetime.fromisoformat(record.headers["ce_time"])
    except (KeyError, ValueError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
