"""`relevo bench lists`: what the API's lists of orders cost with very many orders."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import services.routing
from relevo.bench import measure
from relevo.bench.routing_database import routing_database
from shared.postgres.database import Session

Json = dict[str, Any]
_RUNS = 5
_PAGE = 51
_LATELY = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
_PARTY = "0198a000-0000-7000-8000-00000000000{}"
# Brand 1 has nearly all of them, the 3PL half; a handful are on hold, few changed lately.
_FILL = """
INSERT INTO orders (id, store_id, external_id, brand_id, three_pl_id, connection_id, epoch,
                    settings_version, status, version, sequence, source_updated_at, content_hash,
                    payload, payload_bytes, accepted_at, source_created_at, number, total, currency,
                    cancel_too_late, tombstone, created_at, updated_at)
SELECT gen_random_uuid(), $2, n::text,
       CASE WHEN n % 50 = 0 THEN $3::uuid ELSE $2::uuid END, $4,
       CASE WHEN n % 2 = 0 THEN $5::uuid END, CASE WHEN n % 2 = 0 THEN 1 END, 1,
       CASE WHEN n % 20000 = 0 THEN 'on_hold' WHEN n % 100 < 5 THEN 'open' ELSE 'delivered' END,
       1, 1, now(), '\\x00', json_build_object('note', repeat('x', 1500)), 1530,
       now() - interval '30 days' + n * interval '4 seconds', now(),
       '#' || n, '10.00', 'EUR', false, false, now() - interval '30 days',
       CASE WHEN n % 10000 = 1 THEN now() ELSE now() - interval '20 days' END
FROM generate_series(1, $1::int) n
"""
_HANDOVERS = """
INSERT INTO handovers (id, connection_id, brand_id, three_pl_id, epoch, reason, state)
SELECT uuidv7(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), n, 'x', 'done'
FROM generate_series(1, $1::int) n
"""
_ALL: dict[str, Any] = {
    "after": None, "after_at": None, "after_id": None, "statuses": None, "store": None,
    "connection": None, "updated_after": None, "in_store": None, "in_connection": None,
    "as_three_pl": False, "owner": None, "hold": None, "accepted_after": None,
    "accepted_before": None, "numbers": None, "words_of_numbers": None, "words": None,
    "whole": False, "few": False, "sort": "-accepted_at", "limit": _PAGE,
}  # fmt: skip
# A page in the middle of all of them.
SOMEWHERE = {
    "after_at": (datetime.now(UTC) - timedelta(days=15)).isoformat(),
    "after_id": "80000000-0000-0000-0000-000000000000",
}
AS_THREE_PL = {"as_three_pl": True}
_CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "brand, newest": ("list_orders", "1", {}),
    "brand, a page in the middle": ("list_orders", "1", SOMEWHERE),
    "brand, Orders tab": ("list_orders", "1", {"statuses": ["on_hold", "open"]}),
    "brand, a rare status": ("list_orders", "1", {"statuses": ["on_hold"]}),
    "brand, least recently changed": ("list_orders", "1", {"sort": "updated_at"}),
    "brand, changed lately": ("list_orders", "1", {"updated_after": _LATELY}),
    "3PL, newest": ("list_orders", "3", AS_THREE_PL),
    "3PL, a page in the middle": ("list_orders", "3", {**AS_THREE_PL, **SOMEWHERE}),
    "3PL, a rare status": ("list_orders", "3", {**AS_THREE_PL, "statuses": ["on_hold"]}),
    "3PL, changed lately": ("list_orders", "3", {**AS_THREE_PL, "updated_after": _LATELY}),
    "hand-overs of a brand": ("handovers_of_brand", "1", {}),
    "hand-overs of a 3PL": ("handovers_of_three_pl", "3", {}),
}


def lists(say: Callable[[str], None], progress: Callable[[int, int], None], orders: int) -> Json:
    """Milliseconds and pages read of each list, and the plan of each."""
    return asyncio.run(_lists(say, progress, orders))


async def _lists(
    say: Callable[[str], None], progress: Callable[[int, int], None], orders: int
) -> Json:
    say("PostgreSQL starts")
    async with routing_database(1) as pool, pool.acquire() as session:
        say(f"{orders} orders are made")
        parties = [_PARTY.format(n) for n in (1, 2, 3, 4)]
        await session.execute(_FILL, orders, *parties)
        await session.execute(_HANDOVERS, orders // 10)
        await session.execute("VACUUM ANALYZE")
        cases = {}
        for number, (name, (query, party, wanted)) in enumerate(_CASES.items()):
            cases[name] = await _measure(session, query, _PARTY.format(party), wanted)
            progress(number + 1, len(_CASES))
    return {"orders": orders, "cases": cases, "balances": True, "machine": measure.machine()}


async def _measure(session: Session, query: str, account: str, wanted: Mapping[str, Any]) -> Json:
    explained = statement(query, {**wanted, "account": account})
    plan: Json = {}
    times = []
    for _ in range(_RUNS):
        answer = await session.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {explained}")
        plan = json.loads(answer)[0]
        times.append(plan["Execution Time"] + plan["Planning Time"])
    node = plan["Plan"]
    return {
        "ms": round(sorted(times)[_RUNS // 2], 2),
        "rows": node["Actual Rows"],
        "pages": node["Shared Hit Blocks"] + node["Shared Read Blocks"],
        "by": ", ".join(sorted(_indexes(node))) or "no index",
    }


def _indexes(node: Json) -> set[str]:
    found = {node["Index Name"]} if "Index Name" in node else set()
    return found.union(*(_indexes(part) for part in node.get("Plans", ())))


def _query(name: str) -> str:
    files = Path(services.routing.__file__).parent.glob("*/queries.sql")
    text = "\n".join(file.read_text() for file in files)
    found = re.search(rf"-- name: {name}\^?\n(.*?)(?=\n-- name:|\Z)", text, re.DOTALL)
    if found is None:
        raise LookupError(f"there is no query {name}")
    return found[1].rstrip().rstrip(";")


def statement(name: str, wanted: Mapping[str, Any]) -> str:
    """The statement of a list with its values in it, as a custom plan sees them."""
    parameters = {**_ALL, **wanted}

    def value(match: re.Match[str]) -> str:
        name = match[1]
        wanted = parameters[name]
        if wanted is None:
            return "NULL"
        if isinstance(wanted, list):
            return f"ARRAY{wanted!r}::text[]"
        return f"'{wanted}'" if isinstance(wanted, str) else str(wanted)

    return re.sub(r"(?<!:):(\w+)", value, _query(name))
