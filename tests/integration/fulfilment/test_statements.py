"""Statements: of a month, of one account, and the same in every form."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from services.fulfilment.ledger import charging
from services.fulfilment.ledger.entries import OPERATOR
from services.fulfilment.ledger.statements import store
from tests.kit.builders import BRAND, THREE_PL
from tests.kit.ledger import Ask, a_list, a_shipment, pointers, refused

pytestmark = pytest.mark.engines
OCTOBER = datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
async def database(database: asyncpg.Connection) -> asyncpg.Connection:
    """A database in which time can be chosen for what is entered."""
    await database.execute(
        "CREATE FUNCTION enter_at() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " NEW.entered_at := coalesce(nullif(current_setting('test.at', true), '')::timestamptz,"
        " now()); RETURN NEW; END $$;"
        "CREATE TRIGGER enter_at BEFORE INSERT ON ledger_entries"
        " FOR EACH ROW EXECUTE FUNCTION enter_at()"
    )
    return database


async def charged(database: asyncpg.Connection, at: datetime, count: int) -> list[Any]:
    await database.execute(f"SET test.at = '{at.isoformat()}'")
    shipments = [a_shipment() for _ in range(count)]
    await charging.pend(database, shipments)
    await charging.post(database, [one.shipment_id for one in shipments])
    return shipments


async def test_a_month_is_the_same_in_every_form(
    ask: Ask, database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_list(database, OPERATOR, {"per_order": "0.20"})
    await a_list(database, THREE_PL, {"per_order": "1", "per_item": "0.50"}, currency="USD")
    await charged(database, OCTOBER, 2)
    posted = await charged(database, NOVEMBER, 3)
    await charging.void(database, [posted[0].shipment_id], "=1+1")
    monkeypatch.setattr(store, "_PAGE", 4)
    path = "/v1/statements/2026-11"
    said = await ask("three_pl", "GET", path)
    assert said["currencies"] == [
        {"currency": "EUR", "opening": "-0.40", "closing": "-0.80", "sums": [
            {"account_id": str(OPERATOR), "basis": "correction", "amount": "0.20", "entries": 1},
            {"account_id": str(OPERATOR), "basis": "order", "amount": "-0.60", "entries": 3}]},
        {"currency": "USD", "opening": "4.00", "closing": "8.00", "sums": [
            {"account_id": str(BRAND), "basis": "correction", "amount": "-2.00", "entries": 2},
            {"account_id": str(BRAND), "basis": "item", "amount": "3.00", "entries": 3},
            {"account_id": str(BRAND), "basis": "order", "amount": "3.00", "entries": 3}]},
    ]  # fmt: skip
    file = await ask("three_pl", "GET", f"{path}.csv")
    lines = list(csv.DictReader(io.StringIO(file.decode())))
    assert len({line["entry_id"] for line in lines}) == len(lines) == 12
    assert {line["reason"] for line in lines} == {"", "'=1+1"}
    assert [Decimal(one["amount"]) for one in lines if one["currency"] == "USD"].count(
        Decimal(-1)
    ) == 2
    assert (await ask("three_pl", "GET", f"{path}.pdf")).startswith(b"%PDF-")
    # The other side has the same with the opposite sign, and strangers have nothing.
    assert (await ask("brand", "GET", path))["currencies"][0]["closing"] == "-8.00"
    assert (await ask("operator", "GET", path))["currencies"][0]["closing"] == "0.80"
    assert (await ask("another 3PL", "GET", path))["currencies"] == []
    assert (await ask("another brand", "GET", f"{path}.csv")).count(b"\n") == 1
    for form in ("", ".csv", ".pdf"):
        assert await refused(ask("delegated", "GET", path + form)) == (403, "delegated")
        assert await pointers(ask("brand", "GET", f"/v1/statements/2026-13{form}")) == ["/month"]
    october = await ask("three_pl", "GET", "/v1/statements/2026-10")
    assert [(one["opening"], one["closing"]) for one in october["currencies"]] == [
        ("0.00", "-0.40"), ("0.00", "4.00"),
    ]  # fmt: skip
