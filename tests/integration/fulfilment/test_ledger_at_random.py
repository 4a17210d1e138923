"""Whatever happens to shipments, in whatever order and however often: nothing is charged twice."""

import random
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from services.fulfilment.ledger import charging
from services.fulfilment.ledger.charging import Chargeable
from services.fulfilment.ledger.entries import OPERATOR
from shared.ids import ledger_entry_id
from tests.kit.ledger import a_list, a_shipment, balances

pytestmark = pytest.mark.engines
Step = Callable[[asyncpg.Connection, Sequence[Chargeable]], Awaitable[None]]
BRANDS, THREE_PLS = [UUID(int=n) for n in range(101, 106)], [UUID(int=n) for n in range(201, 204)]
SHIPMENTS, ORDERS, SOME = 10_000, 6_000, 2_500


def ids(shipments: Sequence[Chargeable]) -> list[UUID]:
    return [shipment.shipment_id for shipment in shipments]


async def pend(database: asyncpg.Connection, some: Sequence[Chargeable]) -> None:
    await charging.pend(database, some)


async def post(database: asyncpg.Connection, some: Sequence[Chargeable]) -> None:
    await charging.post(database, ids(some))


async def void(database: asyncpg.Connection, some: Sequence[Chargeable]) -> None:
    await charging.void(database, ids(some), "void")


# What comes first decides; only what was posted has something to give back.
AFTER: dict[Step, dict[str, str]] = {
    pend: {"nothing": "pending"},
    post: {"pending": "posted"},
    void: {"pending": "voided", "posted": "given back"},
}


def made_up(chance: random.Random) -> list[Chargeable]:
    """Shipments of fewer orders, of brands with and without a 3PL."""
    orders = [uuid7() for _ in range(ORDERS)]
    found = []
    for _ in range(SHIPMENTS):
        order = chance.randrange(ORDERS)
        brand, three_pl = BRANDS[order % 5], [*THREE_PLS, None][order % 4]
        found.append(
            a_shipment(
                order_id=orders[order], brand_id=brand, three_pl_id=three_pl,
                billing_of=three_pl or brand, item_count=chance.randrange(4),
                weight_grams=chance.choice([None, 400, 950]),
                carrier=chance.choice(["seur", "gls"]),
            )
        )  # fmt: skip
    return found


async def played(
    database: asyncpg.Connection, shipments: Sequence[Chargeable], chance: random.Random
) -> dict[UUID, str]:
    """What became of each shipment, after steps at random; some twice, some rolled back."""
    states = dict.fromkeys(ids(shipments), "nothing")
    for step in [pend, *chance.choices([pend, post, void], k=6), pend, post]:
        some = chance.sample(shipments, SOME)
        for _ in range(chance.choice([1, 1, 2])):
            async with database.transaction():
                await step(database, some)
        for one in ids(some):
            states[one] = AFTER[step].get(states[one], states[one])
        rolled_back = database.transaction()
        await rolled_back.start()
        await chance.choice([post, void])(database, shipments[:500])
        await rolled_back.rollback()
    return states


async def test_10_000_shipments(database: asyncpg.Connection) -> None:
    chance = random.Random(7)  # noqa: S311  the same run each time
    bands = [{"up_to_grams": 900, "amount": "1"}]
    everybodys = {"per_order": "0.20", "per_item": "0.05", "weight_bands": bands}
    await a_list(database, OPERATOR, everybodys)
    await a_list(database, OPERATOR, {"per_item": "0.07"}, charged=BRANDS[0])
    theirs = {"per_order": "1", "carriers": {"seur": "0.5"}}
    await a_list(database, THREE_PLS[0], theirs)
    await a_list(database, THREE_PLS[1], theirs, currency="USD")
    shipments = made_up(chance)
    states = await played(database, shipments, chance)
    assert set(states.values()) == {"nothing", "pending", "posted", "voided", "given back"}

    for currency in ("EUR", "USD"):
        sums = list((await balances(database, currency)).values())
        assert len(sums) > 2
        assert (sum(pending for pending, _ in sums), sum(posted for _, posted in sums)) == (0, 0)
    rows = await database.fetch("SELECT * FROM ledger_entries")
    judge_rows(rows)
    given_back = {row["pending_id"] for row in rows if row["phase"] == "corrected"}
    standing = [row for row in rows if row["phase"] == "posted" and row["id"] not in given_back]
    judge_fees(standing)
    judge_states(rows, standing, shipments, states)


def has_fee(shipment: Chargeable) -> bool:
    """Whether a list has a price for its order."""
    return shipment.billing_of != BRANDS[0] or shipment.three_pl_id in THREE_PLS[:2]


def judge_rows(rows: Sequence[asyncpg.Record]) -> None:
    """Each is what its id says, and what has an end has one, of the same amount."""
    by_id = {row["id"]: row for row in rows}
    ended = [row["pending_id"] for row in rows if row["phase"] in ("posted", "voided")]
    assert len(ended) == len(set(ended)) > SOME
    for row in rows:
        phase = "corrected:1" if row["phase"] == "corrected" else row["phase"]
        named = ledger_entry_id(row["shipment_id"], row["price_list_id"], row["item"], phase)
        assert row["id"] == named
        assert row["phase"] == "pending" or row["amount"] == by_id[row["pending_id"]]["amount"]


def judge_fees(standing: Sequence[asyncpg.Record]) -> None:
    """Of an order at most one fee of a list stands."""
    fees = [(row["order_id"], row["price_list_id"]) for row in standing if row["basis"] == "order"]
    assert len(fees) == len(set(fees)) > 100


def judge_states(
    rows: Sequence[asyncpg.Record],
    standing: Sequence[asyncpg.Record],
    shipments: Sequence[Chargeable],
    states: dict[UUID, str],
) -> None:
    """What was posted stands, what waits is pending, and nothing else costs anything."""
    ended = {row["pending_id"] for row in rows if row["phase"] in ("posted", "voided")}
    waiting = {r["shipment_id"] for r in rows if r["phase"] == "pending" and r["id"] not in ended}
    assert waiting
    assert {states[one] for one in waiting} == {"pending"}
    of_orders = {s.order_id for s in shipments if states[s.shipment_id] == "posted"}
    for row in standing:
        fee_of_order = row["basis"] == "order" and row["order_id"] in of_orders
        assert states[row["shipment_id"]] == "posted" or fee_of_order
    charged = {(row["order_id"]) for row in standing if row["basis"] == "order"}
    assert charged == {s.order_id for s in shipments if s.order_id in of_orders and has_fee(s)}
    assert {row["shipment_id"] for row in standing if row["basis"] == "item"} == {
        shipment.shipment_id
        for shipment in shipments
        if states[shipment.shipment_id] == "posted" and shipment.item_count
    }
