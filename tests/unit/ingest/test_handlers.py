"""What ingest reads, without an engine."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from faststream.kafka import TestKafkaBroker

from services.ingest import handlers
from services.ingest.claims import Claims
from shared.contracts.stores_changed import StoreChanged
from tests.kit.kafka import FakeKafka


class Stores:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.applied: list[StoreChanged] = []

    async def apply(self, changes: Sequence[StoreChanged]) -> None:
        self.applied += changes


async def test_every_process_reads_every_store_and_a_field_of_tomorrow_is_no_obstacle() -> None:
    kafka, stores = FakeKafka(), Stores()
    handlers.subscribe(kafka.router, stores, Claims())  # type: ignore[arg-type]  # as much as handlers use
    kafka.router.subscribe_whole()
    change = StoreChanged(
        store_id=UUID(int=1), brand_id=UUID(int=2), platform="shopify", domain="a.example",
        version=1, changed_at=datetime(2026, 3, 1, tzinfo=UTC),
    )  # fmt: skip
    tomorrow = change.model_dump_json().replace("{", '{"color":"red",', 1).encode()
    async with TestKafkaBroker(kafka.broker) as broker:
        await broker.publish_batch(tomorrow, b"{}", topic="stores.changed")
    assert stores.applied == [change]
    assert kafka.handled == 0, "no group, no offsets"
    assert kafka.dead_letters == [], "it stays on its topic, and is tried again at each start"
