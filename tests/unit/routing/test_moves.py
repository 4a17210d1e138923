"""What counts for another store and another brand since its store moved."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.routing.moves import mapping, mover
from services.routing.moves.mapping import Candidate
from services.routing.orders import Move, OrderKey
from shared.contracts.stores_changed import StoreChanged
from tests.kit.builders import BRAND, NOON, ORDER, OTHER, STORE, a_message, the_brands

CLAIM, ACCOUNT = UUID(int=31), UUID(int=32)
ALIAS = {CLAIM: Move(STORE, BRAND)}
MOVED = {CLAIM: Move(CLAIM, BRAND)}


def a_change(**fields: Any) -> StoreChanged:
    return StoreChanged(
        **{
            "store_id": CLAIM, "brand_id": BRAND, "platform": "shopify", "domain": "a.example",
            "version": 2, "changed_at": datetime(2026, 3, 1, tzinfo=UTC), **fields,
        }
    )  # fmt: skip


def test_keys_and_messages_of_an_alias_are_those_of_its_store() -> None:
    assert mapping.key_after(OrderKey(CLAIM, "1"), ALIAS) == (STORE, "1")
    message = mapping.message_after(a_message(store_id=CLAIM, brand_id=ACCOUNT), ALIAS)
    assert message == a_message(store_id=STORE, brand_id=BRAND)


def test_what_never_moved_stays_as_it_is() -> None:
    assert mapping.key_after(OrderKey(OTHER, "1"), ALIAS) == (OTHER, "1")
    assert mapping.message_after(a_message(), ALIAS) == a_message()
    assert mapping.order_after(the_brands(), ALIAS) == the_brands()


def test_an_order_whose_chunk_is_to_come_is_the_brands_already() -> None:
    before = the_brands(store_id=CLAIM, brand_id=ACCOUNT)
    assert mapping.order_after(before, MOVED) == the_brands(store_id=CLAIM, brand_id=BRAND)


@pytest.mark.parametrize(
    ("seconds", "tombstone", "is_news"),
    [(1, False, True), (0, False, False), (-1, False, False), (-1, True, True)],
)
def test_a_copy_is_news_when_it_is_newer_or_deleted(
    seconds: int, *, tombstone: bool, is_news: bool
) -> None:
    copy = Candidate(ORDER, NOON + timedelta(seconds=seconds), tombstone, NOON)
    assert (copy.is_copy, copy.is_news) == (True, is_news)


def test_an_order_that_its_new_store_does_not_know_is_no_copy() -> None:
    order = Candidate(ORDER, NOON, tombstone=True, known_updated_at=None)
    assert (order.is_copy, order.is_news) == (False, False)


def test_a_store_that_has_no_former_account_does_not_move() -> None:
    assert mover.move_of(a_change()) is None
    assert mover.move_of(a_change(former_brand_id=BRAND)) is None
    moved = mover.move_of(a_change(former_brand_id=ACCOUNT))
    assert moved is not None
    assert (moved.former_brand_id, moved.store_id, moved.brand_id) == (ACCOUNT, CLAIM, BRAND)
    alias = mover.move_of(a_change(former_brand_id=ACCOUNT, alias_of=STORE))
    assert alias is not None
    assert (alias.claim_store_id, alias.store_id) == (CLAIM, STORE)
