"""Durable before answered: onto the log, else into the spool, else not accepted."""

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from services.ingest.credentials import Store
from services.ingest.intake import Intake
from services.ingest.platforms import PlatformOrder
from shared.contracts.order import Order
from shared.contracts.orders_received import OrderReceived
from shared.failures import Refused, Transient
from shared.kafka.message import Message, MessageRefused

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SENDER = Store(UUID(int=1), UUID(int=2), version=1)


class Places:
    """The log and the spool; each may be away."""

    def __init__(self) -> None:
        self.log: list[Message] = []
        self.spooled: list[Message] = []
        self.log_fails: Exception | None = None
        self.spool_fails: Exception | None = None
        self.answers = asyncio.Event()
        self.answers.set()
        self.asked = 0

    async def send(self, message: Message) -> Awaitable[object]:
        self.asked += 1
        if self.log_fails is not None:
            raise self.log_fails
        return self._acknowledge(message)

    async def _acknowledge(self, message: Message) -> None:
        await self.answers.wait()
        self.log.append(message)

    async def spool(self, messages: Sequence[Message]) -> None:
        if self.spool_fails is not None:
            raise self.spool_fails
        self.spooled += messages

    def intake(self, probe_seconds: float = 60.0) -> Intake:
        return Intake(self.send, self.spool, acknowledge_seconds=0.05, probe_seconds=probe_seconds)


def an_order(external_id: str = "1001") -> PlatformOrder:
    order = Order(
        external_id=external_id, created_at=NOON, updated_at=NOON, currency="EUR", total="10.00"
    )
    return PlatformOrder("upsert", external_id, NOON, order)


async def accept(intake: Intake, *orders: PlatformOrder, sender: Store = SENDER) -> None:
    with capture_logs():
        await intake.accept(sender, orders, "00-a-b-01")


async def test_an_order_is_on_the_log_when_it_is_accepted() -> None:
    places = Places()
    await accept(places.intake(), an_order("1"), an_order("2"))
    assert [message.key for message in places.log] == [f"{SENDER.id}:1", f"{SENDER.id}:2"]
    (first, _) = places.log
    assert (first.topic, first.headers["traceparent"]) == ("orders.received", "00-a-b-01")
    received = OrderReceived.model_validate_json(first.value)
    assert (received.store_id, received.brand_id) == (SENDER.id, SENDER.brand_id)
    assert received.order == an_order("1").order
    assert places.spooled == []


async def test_what_an_alias_sends_is_an_order_of_the_store_that_it_counts_for() -> None:
    places, brand, canonical = Places(), UUID(int=3), UUID(int=4)
    alias = Store(SENDER.id, brand, version=2, alias_of=canonical)
    await accept(places.intake(), an_order("1"), sender=alias)
    (message,) = places.log
    received = OrderReceived.model_validate_json(message.value)
    assert (received.store_id, received.brand_id) == (canonical, brand)
    assert message.key == message.headers["ce_subject"] == f"{canonical}:1"


@pytest.mark.parametrize(("ahead", "counts"), [(4, True), (6, False), (600_000, False)])
async def test_a_clock_that_is_far_ahead_is_not_believed(ahead: int, *, counts: bool) -> None:
    places, at = Places(), datetime.now(UTC) + timedelta(minutes=ahead)
    order = an_order().order
    assert order is not None
    newer = order.model_copy(update={"updated_at": at})
    await accept(places.intake(), PlatformOrder("upsert", "1001", at, newer))
    received = OrderReceived.model_validate_json(places.log[0].value)
    assert received.order is not None
    assert received.order.updated_at == at, "what the store said is kept"
    assert received.updated_at == (at if counts else received.received_at)


async def test_a_deletion_carries_no_order() -> None:
    places = Places()
    await accept(places.intake(), PlatformOrder("delete", "7", NOON, None))
    (message,) = places.log
    received = OrderReceived.model_validate_json(message.value)
    assert (received.action, received.order, received.external_id) == ("delete", None, "7")


@pytest.mark.parametrize("slow", [True, False])
async def test_what_the_log_does_not_take_in_time_goes_to_the_spool(*, slow: bool) -> None:
    places = Places()
    if slow:
        places.answers.clear()
    else:
        places.log_fails = Transient("Kafka is not connected")
    await accept(places.intake(), an_order())
    assert len(places.spooled) == 1


async def test_while_the_log_is_away_nobody_waits_for_it_but_one_request_each_probe() -> None:
    places = Places()
    places.log_fails = Transient("Kafka is not connected")
    intake = places.intake()
    for _ in range(3):
        await accept(intake, an_order())
    assert (places.asked, len(places.spooled)) == (1, 3)


async def test_once_the_log_is_back_it_is_used_again() -> None:
    places = Places()
    places.log_fails = Transient("Kafka is not connected")
    intake = places.intake(probe_seconds=0.0)
    await accept(intake, an_order())
    places.log_fails = None
    await accept(intake, an_order())
    assert (len(places.log), len(places.spooled)) == (1, 1)


async def test_with_no_durable_place_nothing_is_accepted() -> None:
    places = Places()
    places.log_fails, places.spool_fails = Transient("away"), OSError("away")
    with pytest.raises(Refused, match="temporarily_unavailable"):
        await accept(places.intake(), an_order())


async def test_what_the_log_can_never_take_is_refused_and_not_spooled() -> None:
    places = Places()
    places.log_fails = MessageRefused("too large")
    with pytest.raises(Refused, match="body_too_large"):
        await accept(places.intake(), an_order())
    assert places.spooled == []
