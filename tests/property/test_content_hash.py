"""What is hashed of an order is all of it but the source's clock, whatever its texts look like."""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.routing.received import read_order
from shared.contracts.order import Address, LineItem, Order
from shared.contracts.orders_received import OrderReceived
from shared.kafka.batch import Record

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLOCK = '"updated_at":"2026-03-01T12:00:00Z",'
TEXT = st.one_of(
    st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=30),
    st.sampled_from([CLOCK, '","updated_at":"x",', "\\", '\\"updated_at":"', "updated_at"]),
)


@given(number=TEXT, name=TEXT, note=TEXT, later=st.integers(0, 10**6))
def test_the_hash_is_of_the_order_without_its_clock(
    number: str, name: str, note: str, later: int
) -> None:
    order = Order(
        external_id="1",
        number=number,
        created_at=NOON,
        updated_at=NOON,
        currency="EUR",
        total="1.00",
        shipping_address=Address(name=name),
        lines=(LineItem(title=name, quantity=1, price="1.00", properties={number: note}),),
        note=note,
    )
    wanted = order.model_dump_json(exclude={"updated_at"}).encode()
    edited = order.model_copy(update={"updated_at": NOON + timedelta(seconds=later)})
    for sent in (order, edited):
        assert hash_of(sent) == hashlib.blake2b(wanted, digest_size=16).digest()
    other = order.model_copy(update={"note": f"{note}!"})
    assert hash_of(other) != hash_of(order)


def hash_of(order: Order) -> bytes:
    said = OrderReceived(
        store_id=UUID(int=1),
        brand_id=UUID(int=2),
        external_id="1",
        action="upsert",
        updated_at=order.updated_at,
        received_at=NOON,
        order=order,
    )
    record = Record("orders.received", 0, 0, said.key, {}, said.model_dump_json().encode(), None)
    incoming = read_order(record).incoming
    assert incoming is not None
    return incoming.content_hash
