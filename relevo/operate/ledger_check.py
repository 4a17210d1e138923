"""Whether the ledger holds: what its constraints promise, asked of the rows themselves."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg

from shared.ids import ledger_entry_id

_MOST_NAMED = 20
# What is wrong → the ids of entries with which it is.
_CHECKS = {
    "no debit and credit of one amount": """
        SELECT id FROM ledger_entries
        WHERE debit_account = credit_account OR NOT amount > 0 OR scale(amount) > digits""",
    "an end or a correction that is not of what it names": """
        SELECT e.id FROM ledger_entries e LEFT JOIN ledger_entries p ON p.id = e.pending_id
        WHERE e.phase <> 'pending' AND (
            p.id IS NULL
            OR p.phase <> CASE e.phase WHEN 'corrected' THEN 'posted' ELSE 'pending' END
            OR (e.shipment_id, e.order_id, e.price_list_id, e.item, e.currency)
                IS DISTINCT FROM (p.shipment_id, p.order_id, p.price_list_id, p.item, p.currency)
            OR (e.phase = 'corrected' AND (e.debit_account, e.credit_account)
                IS DISTINCT FROM (p.credit_account, p.debit_account))
            OR (e.phase <> 'corrected' AND (e.debit_account, e.credit_account, e.amount)
                IS DISTINCT FROM (p.debit_account, p.credit_account, p.amount)))""",
    "pending with more than one end": """
        SELECT pending_id AS id FROM ledger_entries WHERE phase IN ('posted', 'voided')
        GROUP BY pending_id HAVING count(*) > 1""",
    "more given back than was posted": """
        SELECT p.id FROM ledger_entries p JOIN ledger_entries c ON c.pending_id = p.id
        WHERE p.phase = 'posted' AND c.phase = 'corrected'
        GROUP BY p.id, p.amount HAVING sum(c.amount) > p.amount""",
    "an order's fee that is charged twice": """
        SELECT (array_agg(p.id ORDER BY p.id))[1] AS id FROM ledger_entries p
        WHERE p.phase = 'posted' AND p.basis = 'order' AND NOT EXISTS (
            SELECT FROM ledger_entries c WHERE c.shipment_id = p.shipment_id
              AND c.pending_id = p.id AND c.phase = 'corrected' AND c.entered_by IS NULL)
        GROUP BY p.order_id, p.price_list_id, p.item HAVING count(*) > 1""",
    "pending although its shipment is charged or voided": """
        SELECT p.id FROM ledger_entries p JOIN ledger_shipments s USING (shipment_id)
        WHERE p.phase = 'pending' AND (s.posted_at IS NOT NULL OR s.voided_at IS NOT NULL)
          AND NOT EXISTS (SELECT FROM ledger_entries e
            WHERE e.pending_id = p.id AND e.phase IN ('posted', 'voided'))""",
    "posted although its shipment is not charged": """
        SELECT p.id FROM ledger_entries p LEFT JOIN ledger_shipments s USING (shipment_id)
        WHERE p.phase = 'posted' AND s.posted_at IS NULL""",
    "balances that do not sum to zero": """
        SELECT (array_agg(e.id))[1] AS id FROM ledger_entries e CROSS JOIN LATERAL (
            VALUES (e.credit_account, e.amount), (e.debit_account, -e.amount)
        ) AS s (account, signed)
        WHERE s.account IS NOT NULL GROUP BY e.currency HAVING sum(s.signed) <> 0""",
}
_ROWS = "SELECT id, shipment_id, price_list_id, item, phase, pending_id FROM ledger_entries"


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong, with how many entries, and the first of them."""

    what: str
    count: int
    entries: list[str]


@dataclass(frozen=True, slots=True)
class Checked:
    """How many entries were looked at, and what is wrong."""

    entries: int
    flaws: list[Flaw]


async def check(session: asyncpg.Connection) -> Checked:
    """Look at all of it as it is at one moment."""
    async with session.transaction(isolation="repeatable_read", readonly=True):
        flaws = []
        for what, query in _CHECKS.items():
            rows = await session.fetch(query)
            if rows:
                named = [str(row["id"]) for row in rows[:_MOST_NAMED]]
                flaws.append(Flaw(what, len(rows), named))
        looked_at, misnamed = 0, []
        async for entry, is_named in _ids(session):
            looked_at += 1
            if not is_named:
                misnamed.append(entry)
    if misnamed:
        what = "an id that is not that of shipment, list, item and phase"
        flaws.append(Flaw(what, len(misnamed), misnamed[:_MOST_NAMED]))
    return Checked(looked_at, flaws)


async def _ids(session: asyncpg.Connection) -> AsyncIterator[tuple[str, bool]]:
    """Each entry, and whether its id is what it names; corrections of an entry are numbered."""
    corrections = {}
    for row in await session.fetch(
        "SELECT pending_id, count(*) AS number FROM ledger_entries WHERE phase = 'corrected'"
        " GROUP BY pending_id HAVING count(*) > 1"
    ):
        corrections[row["pending_id"]] = row["number"]
    async for row in session.cursor(_ROWS, prefetch=5_000):
        if row["phase"] != "corrected":
            phases = [row["phase"]]
        else:
            most = corrections.get(row["pending_id"], 1)
            phases = [f"corrected:{number}" for number in range(1, most + 1)]
        named = (
            ledger_entry_id(row["shipment_id"], row["price_list_id"], row["item"], phase)
            for phase in phases
        )
        yield str(row["id"]), row["id"] in named
