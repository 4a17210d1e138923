"""`relevo verify ledger`: what constraints keep out is found where there were none."""

import asyncio
import subprocess
import sys

import asyncpg
import pytest

from relevo.operate.ledger_check import check
from services.fulfilment.ledger import charging
from services.fulfilment.ledger.entries import OPERATOR
from tests.kit.builders import THREE_PL
from tests.kit.ledger import a_list, a_shipment

pytestmark = pytest.mark.engines
_COPY = (
    "INSERT INTO ledger_entries SELECT r.* FROM ledger_entries e, jsonb_populate_record(e,"
    " to_jsonb(e) || jsonb_build_object('id', gen_random_uuid()) || $2::jsonb) r"
    " WHERE e.phase = $1"
)


async def exit_code(dsn: str) -> int:
    command = [sys.executable, "-m", "relevo", "verify", "ledger", "--dsn", dsn]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False)
    return done.returncode


async def flaws_of(database: asyncpg.Connection) -> set[str]:
    return {flaw.what for flaw in (await check(database)).flaws}


async def test_what_is_wrong_is_found_and_named(
    database: asyncpg.Connection, postgres_dsn: str
) -> None:
    await a_list(database, OPERATOR, {"per_order": "0.20", "carriers": {"seur": "1"}})
    await a_list(database, THREE_PL, {"per_order": "1"})
    one, two = a_shipment(), a_shipment()
    await charging.pend(database, [one, two, a_shipment()])
    await charging.post(database, [one.shipment_id, two.shipment_id])
    await charging.void(database, [two.shipment_id], "gone")
    assert (await flaws_of(database), await exit_code(postgres_dsn)) == (set(), 0)

    await database.execute(
        "ALTER TABLE ledger_entries ALTER debit_account DROP NOT NULL;"
        "ALTER TABLE ledger_entries DISABLE TRIGGER ALL; DROP INDEX ledger_ends, ledger_order_once;"
        "ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_pending_id_fkey"
    )
    checks = await database.fetch(
        "SELECT conname FROM pg_constraint WHERE contype = 'c'"
        " AND conrelid = 'ledger_entries'::regclass"
    )
    for row in checks:
        await database.execute(f"ALTER TABLE ledger_entries DROP CONSTRAINT {row['conname']}")
    named = "an id that is not that of shipment, list, item and phase"

    async def found(*changes: tuple[str, str]) -> set[str]:
        known = await database.fetchval("SELECT array_agg(id) FROM ledger_entries")
        for phase, change in changes:
            await database.execute(_COPY, phase, change)
        flaws = await flaws_of(database)
        await database.execute("DELETE FROM ledger_entries WHERE id <> ALL($1::uuid[])", known)
        return flaws - {named}

    not_of = "an end or a correction that is not of what it names"
    twice = "pending with more than one end"
    assert twice in await found(("voided", "{}"), ("posted", "{}"))
    assert "an order's fee that is charged twice" in await found(("posted", '{"round": 1}'))
    assert not_of in await found(("posted", '{"pending_id": null}'))
    assert await found(("posted", '{"amount": 5}')) >= {not_of}
    assert await found(("corrected", "{}")) == {"more given back than was posted"}
    assert await found(("pending", '{"amount": -1}')) >= {"no debit and credit of one amount"}
    assert "balances that do not sum to zero" in await found(("pending", '{"debit_account": null}'))

    async def after(change: str, undo: str) -> set[str]:
        await database.execute(change)
        flaws = await flaws_of(database)
        await database.execute(undo)
        return flaws

    marked = "UPDATE ledger_shipments SET posted_at = {} WHERE voided_at IS NULL AND shipment_id {}"
    waits = f"<> '{one.shipment_id}'"
    assert await after(marked.format("now()", waits), marked.format("NULL", waits)) == {
        "pending although its shipment is charged or voided"
    }
    its = f"= '{one.shipment_id}'"
    assert await after(marked.format("NULL", its), marked.format("now()", its)) == {
        "posted although its shipment is not charged"
    }
    assert await flaws_of(database) == set()
    renamed = "UPDATE ledger_entries SET item = 'x' WHERE shipment_id = '{}'"
    assert await after(renamed.format(one.shipment_id), "SELECT") == {named}
    assert await exit_code(postgres_dsn) == 1
