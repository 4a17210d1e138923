"""Ids that are functions of what they name."""

import doctest
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared import ids
from shared.ids import delivery_id, event_id, ledger_entry_id, order_id

ONE, TWO = UUID(int=1), UUID(int=2)
EXTERNAL = st.text(st.characters(codec="utf-8"), max_size=40)


def test_the_ids_are_those_of_ever() -> None:
    """These never change: what stands here is in databases, on logs and with receivers."""
    assert [
        str(one)
        for one in (
            order_id(ONE, "1001"),
            order_id(TWO, "1001"),
            order_id(ONE, "gid://shopify/Order/5678901234567"),
            order_id(ONE, "Nº 7/é"),
            event_id(ONE, 1),
            event_id(ONE, 2),
            delivery_id(ONE, TWO, 0),
            delivery_id(ONE, TWO, 1),
            ledger_entry_id(ONE, TWO, "per_order", "pending"),
            ledger_entry_id(ONE, TWO, "weight", "corrected:1"),
        )
    ] == [
        "d1f7374d-3e40-5b83-b011-dba579a57132",
        "cbf30a8c-1eee-5fa2-b093-1762f3c6f473",
        "be18cd6e-04ab-52d7-8e8b-051b0883fe1d",
        "7d0d8ef9-39d7-5636-b645-1227af0f945a",
        "9ed67135-a98e-5085-aa9f-6bf8f4685c60",
        "c30b35c9-cd1b-5ed6-a87b-57775e4b5a23",
        "a58e993f-c862-5ccc-96fd-7d4076ff5413",
        "a6e9bf9c-4fd0-5329-a397-7a4c87502f05",
        "d45c87c8-0685-529e-bc9d-d53700bce79e",
        "bc14d551-b8e1-50fb-82c7-70847a476c08",
    ]


def test_the_examples_are_right() -> None:
    assert doctest.testmod(ids).failed == 0


@given(st.lists(st.tuples(st.uuids(), EXTERNAL), unique=True, max_size=20))
def test_two_orders_never_share_an_id(keys: list[tuple[UUID, str]]) -> None:
    assert len({order_id(*key) for key in keys}) == len(keys)


@given(st.uuids(), st.integers(0, 9), st.integers(1, 1_000))
def test_each_kind_has_a_space_of_its_own(name: UUID, round_: int, sequence: int) -> None:
    made = {
        order_id(name, str(sequence)),
        event_id(name, sequence),
        delivery_id(name, name, round_),
        delivery_id(name, name, round_ + 1),
    }
    assert len(made) == 4
    assert {one.version for one in made} == {5}
