"""What carries every order is found by an index, whatever a table was when the plan was made.

A service plans its statements once for a session, and the first sessions find empty tables.
"""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiosql
import asyncpg
import pytest

from shared.postgres.database import Database
from shared.settings import ProcessSettings

pytestmark = pytest.mark.engines
SERVICES = Path(__file__).parents[4] / "services"
# By schema and file: the statements of an order's path, and the tables that grow with orders.
HOT = {
    ("routing", "routing/sql/queries.sql"): (
        "lock_connections_of_stores", "moved_and_parked", "lock_orders", "lock_orders_by_id",
        "write_orders",
    ),
    ("webhooks", "webhooks/sql/queries.sql"): (
        "insert_events", "record_attempts", "let_followers_go", "release_deliveries",
        "claim_due_deliveries",
    ),
    ("fulfilment", "fulfilment/orders/queries.sql"): ("upsert_orders",),
    ("fulfilment", "fulfilment/shipments/queries.sql"): (
        "lock_orders", "lock_shipments", "orders_of_shipments", "upsert_shipments", "note_told",
    ),
}  # fmt: skip
GROW = {"orders", "order_history", "parked_records", "deliveries", "events", "attempts"} | {
    "shipments", "outbox",
}  # fmt: skip
# `EXPLAIN` takes a statement with its parameters as text alone.
EXPLAIN = """
CREATE FUNCTION pg_temp.plan_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE found text;
BEGIN
    EXECUTE 'EXPLAIN (GENERIC_PLAN, FORMAT JSON) ' || statement INTO found;
    RETURN found;
END $$
"""


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def scans(plan: dict[str, Any]) -> list[str]:
    """Where it goes through a whole table, or a whole index of one."""
    found = []
    for node in nodes(plan):
        kind, table = node["Node Type"], node.get("Relation Name")
        is_whole = kind == "Seq Scan" or (kind.startswith("Index") and "Index Cond" not in node)
        if table in GROW and is_whole:
            found.append(f"{kind} on {table}")
        if kind == "Bitmap Index Scan" and "Index Cond" not in node:
            found.append(f"{kind} of {node['Index Name']}")
    return found


@pytest.fixture(params=["routing", "webhooks", "fulfilment"])
async def session(
    request: pytest.FixtureRequest, service_settings: dict[str, str]
) -> AsyncIterator[tuple[str, asyncpg.Connection]]:
    """A session as a service has it, by the name of its schema."""
    schema: str = request.param
    database = Database(ProcessSettings(port=1), schema)
    session = await database.dedicated()
    await session.execute(EXPLAIN)
    yield schema, session
    await session.close()


async def test_no_plan_made_with_empty_tables_scans_one(
    session: tuple[str, asyncpg.Connection],
) -> None:
    schema, connection = session
    looked_at = 0
    for (of, file), names in HOT.items():
        if of != schema:
            continue
        queries = aiosql.from_path(SERVICES / file, "asyncpg", mandatory_parameters=False)
        for name in names:
            statement = getattr(queries, name).sql
            said = await connection.fetchval("SELECT pg_temp.plan_of($1)", statement)
            assert scans(json.loads(said)[0]["Plan"]) == [], f"{file}: {name}"
            looked_at += 1
    assert looked_at
