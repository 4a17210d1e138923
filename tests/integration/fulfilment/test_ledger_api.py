"""The ledger over HTTP: each sees its own, and who charged may give back."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from services.fulfilment.ledger import charging
from services.fulfilment.ledger.entries import OPERATOR
from shared.contracts.accounts_changed import AccountChanged
from shared.kafka.topics import ACCOUNTS_CHANGED
from tests.kit.builders import BRAND, NOON, OTHER, THREE_PL
from tests.kit.leaks import tables_with
from tests.kit.ledger import Ask, a_list, a_shipment, a_version, pointers, refused
from tests.kit.publishers import Topics, erased
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
ENTRIES, BALANCES, UNPRICED = "/v1/ledger/entries", "/v1/ledger/balances", "/v1/ledger/unpriced"
AGAIN = "/v1/unpriced/price-again"
MARK = "Zoë Quux"


async def charged(database: asyncpg.Connection, **changes: Any) -> Any:
    """A posted shipment of the brand with its 3PL, which the platform and the 3PL charge for."""
    shipment = a_shipment(**changes)
    await charging.pend(database, [shipment])
    await charging.post(database, [shipment.shipment_id])
    return shipment


async def test_each_account_reads_its_own_entries_and_balances(
    ask: Ask, database: asyncpg.Connection
) -> None:
    await a_list(database, OPERATOR, {"per_order": "0.20"})
    await a_list(database, THREE_PL, {"per_order": "1"})
    another_three_pl = uuid7()
    await a_list(database, another_three_pl, {"per_order": "7"}, currency="USD")
    mine = await charged(database)
    await charged(database, three_pl_id=another_three_pl, billing_of=another_three_pl)
    waiting = a_shipment()
    await charging.pend(database, [waiting])

    async def seen(who: str, query: str = "") -> list[tuple[str, str]]:
        page = await ask(who, "GET", f"{ENTRIES}?{query}")
        return sorted((one["phase"], f"{one['amount']} {one['currency']}") for one in page["data"])

    fee, own = [("pending", "0.20 EUR"), ("posted", "0.20 EUR")], [
        ("pending", "1.00 EUR"), ("pending", "1.00 EUR"), ("posted", "1.00 EUR"),
    ]  # fmt: skip
    # The 3PL sees nothing of the brand's with the other one.
    assert await seen("three_pl") == sorted([*fee, ("pending", "0.20 EUR"), *own])
    assert await seen("brand") == sorted([*own, ("pending", "7.00 USD"), ("posted", "7.00 USD")])
    assert await seen("another brand") == await seen("another 3PL") == []
    first = (await ask("brand", "GET", ENTRIES))["data"][0]
    assert await ask("brand", "GET", f"{ENTRIES}/{first['id']}") == first
    for stranger in ("another brand", "another 3PL", "operator"):
        assert await refused(ask(stranger, "GET", f"{ENTRIES}/{first['id']}")) == (404, "not_found")
    assert len(await seen("operator")) == len("pp pp p") - 2
    posted = ("posted", "1.00 EUR")
    assert await seen("brand", "phase=posted&currency=EUR") == [posted]
    assert await seen("brand", f"shipment_id={mine.shipment_id}&phase=posted") == [posted]
    assert await seen("brand", f"order_id={mine.order_id}&phase=posted") == [posted]
    now = datetime.now(UTC)
    assert len(await seen("brand", f"month={now:%Y-%m}")) == 5
    assert await seen("brand", "month=2020-12") == []
    assert await pointers(ask("brand", "GET", f"{ENTRIES}?month=2026-13")) == ["/month"]
    pages, after = [], ""
    while after is not None:
        page = await ask("brand", "GET", f"{ENTRIES}?limit=2{after and '&after=' + after}")
        pages.append([one["id"] for one in page["data"]])
        after = page["next"]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert len({one for page in pages for one in page}) == 5

    balances = (await ask("brand", "GET", BALANCES))["data"]
    assert balances == [
        {"account_id": str(THREE_PL), "currency": "EUR", "pending": "-1.00", "posted": "-1.00"},
        {"account_id": str(another_three_pl), "currency": "USD", "pending": "0.00",
         "posted": "-7.00"},
    ]  # fmt: skip
    theirs = (await ask("three_pl", "GET", BALANCES))["data"]
    assert {one["account_id"]: one["posted"] for one in theirs} == {
        str(BRAND): "1.00", str(OPERATOR): "-0.20",
    }  # fmt: skip


async def test_who_charged_gives_back_up_to_what_is_left(
    ask: Ask, database: asyncpg.Connection
) -> None:
    await a_list(database, THREE_PL, {"per_order": "1"})
    await a_list(database, OPERATOR, {"per_order": "0.20"})
    shipment = await charged(database)
    entries = (await ask("three_pl", "GET", f"{ENTRIES}?phase=posted"))["data"]
    mine, fee = sorted(entries, key=lambda one: one["amount"], reverse=True)
    path = f"{ENTRIES}/{mine['id']}/correct"
    body = {"amount": "0.40", "reason": "late"}
    assert await refused(ask("brand", "POST", path, json=body)) == (403, "not_creditor")
    assert await refused(ask("operator", "POST", path, json=body)) == (404, "not_found")
    assert await refused(ask("another 3PL", "POST", path, json=body)) == (404, "not_found")
    assert await refused(ask("delegated", "POST", path, json=body)) == (403, "delegated")
    assert await refused(ask("viewer", "POST", path, json=body)) == (403, "role_required")
    once = {"headers": {"idempotency-key": "one"}}
    first = await ask("three_pl", "POST", path, json=body, **once)
    assert await ask("three_pl", "POST", path, json=body, **once) == first
    assert (first["phase"], first["basis"], first["reason"], first["debit_account"]) == (
        "corrected", "correction", "late", str(THREE_PL),
    )  # fmt: skip
    too_much = await refused(ask("three_pl", "POST", path, json={**body, "amount": "0.61"}))
    assert too_much == (409, "more_than_is_left")
    for amount in ("0.001", "0", "-1"):
        wrong = ask("three_pl", "POST", path, json={**body, "amount": amount})
        assert await pointers(wrong) == ["/amount"]
    corrected = f"{ENTRIES}/{first['id']}/correct"
    assert await refused(ask("brand", "POST", corrected, json=body)) == (409, "not_posted")
    # What follows from the shipment gives back the rest alone.
    of_operator = f"{ENTRIES}/{fee['id']}/correct"
    await ask("operator", "POST", of_operator, json={"amount": "0.20", "reason": "a gift"})
    await charging.void(database, [shipment.shipment_id], "moved back")
    assert {one["posted"] for one in (await ask("three_pl", "GET", BALANCES))["data"]} == {"0.00"}
    reasons = (await ask("brand", "GET", f"{ENTRIES}?phase=corrected"))["data"]
    assert [(one["amount"], one["reason"]) for one in reasons] == [
        ("0.60", "moved back"), ("0.40", "late"),
    ]  # fmt: skip


async def test_what_had_no_price_is_charged_when_it_has_one(
    ask: Ask, database: asyncpg.Connection
) -> None:
    list_id = await a_list(database, THREE_PL, {"per_order": "1", "carriers": {"correos": "1"}})
    posted = await charged(database)
    pending, unlisted, gone = a_shipment(), a_shipment(carrier="gls"), a_shipment()
    await charging.pend(database, [pending, unlisted, gone])
    listed = (await ask("three_pl", "GET", UNPRICED))["data"]
    assert {(one["shipment_id"], one["item"], one["why"]) for one in listed} == {
        (str(one.shipment_id), "carrier", "carrier_not_listed")
        for one in (posted, pending, unlisted, gone)
    }
    for who in ("brand", "another 3PL", "operator"):
        assert (await ask(who, "GET", UNPRICED))["data"] == []
    assert await refused(ask("brand", "POST", AGAIN)) == (403, "three_pl_only")
    assert await refused(ask("delegated", "POST", AGAIN)) == (403, "delegated")
    assert await ask("three_pl", "POST", AGAIN) == {"looked_at": 4, "priced": 0}
    await charging.void(database, [gone.shipment_id], "gone")
    # Its other prices were charged by the version of then.
    await a_version(database, list_id, 2, {"per_order": "9", "carriers": {"seur": "0.5"}}, NOON)
    assert await ask("another 3PL", "POST", AGAIN) == {"looked_at": 0, "priced": 0}
    assert await ask("three_pl", "POST", AGAIN) == {"looked_at": 3, "priced": 2}
    assert await ask("three_pl", "POST", AGAIN) == {"looked_at": 1, "priced": 0}
    rows = await database.fetch(
        "SELECT shipment_id, phase, amount::text FROM ledger_entries WHERE item = 'carrier'"
    )
    assert {tuple(row) for row in rows} == {
        (posted.shipment_id, "pending", "0.50"), (posted.shipment_id, "posted", "0.50"),
        (pending.shipment_id, "pending", "0.50"),
    }  # fmt: skip
    await charging.post(database, [pending.shipment_id])
    assert (await ask("three_pl", "GET", BALANCES))["data"][0]["posted"] == "3.00"


@pytest.mark.parametrize(("account", "who"), [(BRAND, "brand"), (THREE_PL, "three_pl")])
async def test_of_an_erased_account_amounts_stay_and_words_go(
    ask: Ask,
    database: asyncpg.Connection,
    topics: Topics,
    postgres_dsn: str,
    account: UUID,
    who: str,
) -> None:
    list_id = await a_list(database, THREE_PL, {"per_order": "1"}, charged=BRAND)
    await database.execute("UPDATE price_lists SET name = $1", MARK)
    shipment = await charged(database)
    await charged(database, brand_id=OTHER, three_pl_id=None, billing_of=OTHER)
    await charging.void(database, [shipment.shipment_id], MARK)
    before = await database.fetch("SELECT * FROM ledger_entries ORDER BY id")
    assert len(before) == 3
    gone: AccountChanged = erased(account)
    await topics.publish(ACCOUNTS_CHANGED.name, str(account), gone)
    marks = (MARK, MARK.casefold())
    await eventually(
        lambda: tables_with(postgres_dsn, "fulfilment", marks), lambda found: found == set()
    )
    assert await database.fetch("SELECT * FROM ledger_entries ORDER BY id") == before
    assert await database.fetchval("SELECT id FROM price_lists") == list_id
