"""The ledger: what is charged, once, to whom; never changed, and always in balance."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from services.fulfilment.ledger import charging
from services.fulfilment.ledger.entries import ANOTHER_SHIPMENT, OPERATOR
from tests.kit.builders import BRAND, NOON, OTHER, THREE_PL
from tests.kit.ledger import a_list, a_shipment, a_version, balances

pytestmark = pytest.mark.engines
PER_ORDER, BOTH = {"per_order": "0.20"}, {"per_order": "0.20", "per_item": "0.05"}


async def entries(database: asyncpg.Connection) -> list[tuple[Any, ...]]:
    rows = await database.fetch(
        "SELECT phase, item, amount, debit_account, credit_account FROM ledger_entries"
        " ORDER BY entered_at, phase, item, shipment_id"
    )
    return [tuple(row) for row in rows]


async def reasons(database: asyncpg.Connection) -> set[tuple[str, str]]:
    rows = await database.fetch(
        "SELECT e.phase, r.reason FROM ledger_reasons r JOIN ledger_entries e ON e.id = r.entry_id"
    )
    return {tuple(row) for row in rows}


async def test_each_is_charged_by_the_list_that_was_valid_for_it(
    database: asyncpg.Connection,
) -> None:
    platform = await a_list(database, OPERATOR, BOTH)
    await a_version(database, platform, 2, {"per_order": "0.30"}, NOON + timedelta(days=1))
    await a_list(database, OPERATOR, {"per_order": "9"}, charged=OTHER)
    await a_list(database, THREE_PL, {"weight_bands": [{"up_to_grams": 999, "amount": "3"}]})
    await a_list(database, THREE_PL, {"per_order": "1"}, charged=OTHER, currency="USD")
    await a_list(database, uuid7(), {"per_order": "1"})
    first = a_shipment()
    later = a_shipment(at=NOON + timedelta(days=1), three_pl_id=None, billing_of=BRAND)
    own_lists = a_shipment(brand_id=OTHER, billing_of=OTHER)
    before = a_shipment(at=NOON - timedelta(days=2))
    for _ in "twice":
        await charging.pend(database, [first, later, own_lists, before])
    rows = await database.fetch("SELECT * FROM ledger_entries")
    assert {
        (row["shipment_id"], row["debit_account"], row["credit_account"], row["item"],
         f"{row['amount']} {row['currency']}", row["version"])
        for row in rows
    } == {
        (first.shipment_id, THREE_PL, OPERATOR, "per_order", "0.20 EUR", 1),
        (first.shipment_id, THREE_PL, OPERATOR, "per_item", "0.10 EUR", 1),
        (first.shipment_id, BRAND, THREE_PL, "weight", "3.00 EUR", 1),
        (later.shipment_id, BRAND, OPERATOR, "per_order", "0.30 EUR", 2),
        (own_lists.shipment_id, OTHER, OPERATOR, "per_order", "9.00 EUR", 1),
        (own_lists.shipment_id, OTHER, THREE_PL, "per_order", "1.00 USD", 1),
    }  # fmt: skip
    assert len(rows) == 6
    # Another price of a later day changes nothing of what is pending.
    await charging.pend(database, [replace(first, item_count=50)])
    assert len(await database.fetch("SELECT FROM ledger_entries")) == 6


async def test_a_charge_ends_once_and_an_orders_fee_falls_on_one_shipment(
    database: asyncpg.Connection,
) -> None:
    await a_list(database, OPERATOR, BOTH)
    order = uuid7()
    one, two, three = (a_shipment(order_id=order) for _ in range(3))
    ids = [one.shipment_id, two.shipment_id]
    await charging.pend(database, [one, two])
    for _ in "twice":
        await charging.post(database, ids)
    posted = [entry[:3] for entry in await entries(database) if entry[0] in ("posted", "voided")]
    assert sorted(posted) == [
        ("posted", "per_item", Decimal("0.10")),
        ("posted", "per_item", Decimal("0.10")),
        ("posted", "per_order", Decimal("0.20")),
        ("voided", "per_order", Decimal("0.20")),
    ]
    assert await reasons(database) == {("voided", ANOTHER_SHIPMENT)}
    assert (await balances(database))[OPERATOR] == (0, Decimal("0.40"))
    # The fee is the order's: it goes back with the last of its shipments.
    await charging.void(database, ids[:1], "moved back")
    assert (await balances(database))[OPERATOR] == (0, Decimal("0.30"))
    for _ in "twice":
        await charging.void(database, ids[1:], "moved back")
    await charging.post(database, ids)
    assert (await balances(database))[OPERATOR] == (0, 0)
    # Worked again, the order bears its fee again, once.
    await charging.pend(database, [three])
    await charging.post(database, [three.shipment_id])
    assert (await balances(database)) == {
        OPERATOR: (0, Decimal("0.30")), THREE_PL: (0, Decimal("-0.30")),
    }  # fmt: skip
    assert ("corrected", "moved back") in await reasons(database)
    # What never came about was never charged.
    never = a_shipment()
    await charging.pend(database, [never])
    assert (await balances(database))[OPERATOR] == (Decimal("0.30"), Decimal("0.30"))
    await charging.void(database, [never.shipment_id], "no label")
    await charging.post(database, [never.shipment_id])
    assert (await balances(database))[OPERATOR] == (0, Decimal("0.30"))


async def test_two_shipments_of_an_order_at_once_charge_it_once(
    database: asyncpg.Connection, postgres_dsn: str
) -> None:
    await a_list(database, OPERATOR, PER_ORDER)
    one = a_shipment()
    two = replace(one, shipment_id=uuid7())
    await charging.pend(database, [one, two])
    other = await asyncpg.connect(postgres_dsn, server_settings={"search_path": "fulfilment"})
    async with database.transaction():
        await charging.post(database, [one.shipment_id])
        waits = asyncio.create_task(charging.post(other, [two.shipment_id]))
        done, _ = await asyncio.wait({waits}, timeout=0.2)
        assert not done
    await waits
    await other.close()
    assert (await balances(database))[OPERATOR] == (0, Decimal("0.20"))


async def test_entries_are_only_ever_added_and_cannot_be_out_of_balance(
    database: asyncpg.Connection,
) -> None:
    await a_list(database, OPERATOR, PER_ORDER)
    await charging.pend(database, [a_shipment()])
    for table in ("ledger_entries", "price_list_versions"):
        for change in ("UPDATE {} SET version = 2", "DELETE FROM {}", "TRUNCATE {} CASCADE"):
            with pytest.raises(asyncpg.RestrictViolationError, match="only added to"):
                await database.execute(change.format(table))
    copied = (
        "INSERT INTO ledger_entries SELECT r.* FROM ledger_entries e, jsonb_populate_record(e,"
        " to_jsonb(e) || jsonb_build_object('id', gen_random_uuid()) || $1::jsonb) r"
    )
    wrong = [
        '{"debit_account": "' + str(OPERATOR) + '"}', '{"amount": 0}', '{"amount": -1}',
        '{"amount": 0.125}', '{"amount": null}', '{"currency": null}', '{"phase": "posted"}',
        '{"phase": "corrected"}', '{"pending_id": "' + str(uuid7()) + '"}',
    ]  # fmt: skip
    for change in wrong:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await database.execute(copied, change)
    await database.execute(copied, "{}")


async def test_what_no_price_covers_is_seen(database: asyncpg.Connection) -> None:
    await a_list(database, OPERATOR, {"per_order": "1", "carriers": {"correos": "1"}})
    shipment, gone = a_shipment(), a_shipment()
    for _ in "twice":
        await charging.pend(database, [shipment, gone])
    await charging.post(database, [shipment.shipment_id])
    await charging.void(database, [gone.shipment_id], "no label")
    rows = await database.fetch("SELECT * FROM unpriced")
    assert {(row["shipment_id"], row["item"], row["why"], row["outcome"]) for row in rows} == {
        (shipment.shipment_id, "carrier", "carrier_not_listed", None),
        (gone.shipment_id, "carrier", "carrier_not_listed", "voided"),
    }
    assert len(rows) == 2
    assert (await balances(database))[OPERATOR] == (0, Decimal("1.00"))
