"""The health of endpoints: what attempts came to, what waits, and how much a look costs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from tests.integration.webhooks.conftest import MakeApp
from tests.kit.caller import Caller
from tests.kit.publishers import EventPublisher
from tests.kit.receiver import Receiver
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
MakeToken = Callable[..., str]


async def test_attempts_and_what_waits_are_counted(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
    make_token: MakeToken,
) -> None:
    app = await start()
    three_pl = Caller(app, make_token(connection.three_pl_id, "three_pl"))
    brand = Caller(app, make_token(connection.brand_id, "brand"))
    stranger = Caller(app, make_token(uuid7(), "three_pl"))
    await connection.publish_connection()
    path = f"/v1/endpoints/{connection.endpoint_id}/health"
    for _ in range(3):
        await connection.publish_events(uuid7(), 1)
    await receiver.has(3)
    receiver.will(503)
    order = uuid7()
    await connection.publish_events(order, 1, 2)

    async def health() -> dict[str, Any]:
        return dict((await three_pl.call("GET", path)).json())

    seen = await eventually(
        health,
        lambda said: said.get("backlog") == 2 and said["hour"]["attempts"] == 4,
    )
    assert seen["state"] == "enabled"
    assert seen["hour"] == seen["day"]
    assert seen["hour"]["success_rate"] == 0.75
    assert 0 <= seen["hour"]["p50_ms"] <= seen["hour"]["p95_ms"]
    assert seen["last_failure"]["failure_class"] == "throttled"
    assert seen["last_failure"]["status"] == 503
    assert str(seen["last_success_at"]) < str(seen["last_failure"]["at"])
    waits_since = datetime.fromisoformat(str(seen["oldest_waiting"]))
    assert datetime.now(UTC) - waits_since < timedelta(minutes=1)
    assert (len(seen["hours"]), seen["is_sampled"]) == (24, False)
    hours = seen["hours"]
    assert sum(one["delivered"] for one in hours[-2:]) == 3
    assert sum(one["failed"] for one in hours[-2:]) == 1
    (listed,) = (await three_pl.get("/v1/endpoints/health"))["data"]
    assert listed == {name: value for name, value in seen.items() if name != "hours"}
    assert (await brand.get("/v1/endpoints/health"))["data"] == []
    for other in (brand, stranger):
        assert await other.refused("GET", path) == (404, "not_found")

    # What is older than the windows counts in none, and still says when it last went well.
    await database.execute("UPDATE attempts SET at = at - interval '61 minutes'")
    seen = await health()
    assert (seen["hour"]["attempts"], seen["day"]["attempts"]) == (0, 4)
    assert seen["hour"]["success_rate"] is None
    await database.execute("UPDATE attempts SET at = at - interval '24 hours'")
    seen = await health()
    assert seen["day"]["attempts"] == 0
    assert seen["last_success_at"] is not None
    assert {one["delivered"] for one in seen["hours"]} == {0}


async def test_a_look_at_many_attempts_is_bounded(
    start: MakeApp,
    connection: EventPublisher,
    database: asyncpg.Connection,
    make_token: MakeToken,
) -> None:
    app = await start()
    brand = Caller(app, make_token(connection.brand_id, "brand"))
    made = await brand.ok("POST", "/v1/endpoints", {"url": "http://127.0.0.1:9/"})
    await database.execute(
        """INSERT INTO attempts (delivery_id, number, at, duration_ms, status, endpoint_id)
        SELECT gen_random_uuid(), 1, now() - n * interval '500 ms', n % 1000,
               CASE WHEN n % 10 = 0 THEN 500 ELSE 200 END, $1
        FROM generate_series(1, 120000) n""",
        made["id"],
    )
    await database.execute("VACUUM ANALYZE attempts")
    began = perf_counter()
    seen = await brand.get(f"/v1/endpoints/{made['id']}/health")
    alone = perf_counter() - began
    assert (seen["day"]["attempts"], seen["is_sampled"]) == (100_000, True)
    assert 7_000 < seen["hour"]["attempts"] < 7_200
    assert round(seen["hour"]["success_rate"], 2) == 0.9
    assert (seen["day"]["p50_ms"], seen["day"]["p95_ms"]) == (499, 949)
    began = perf_counter()
    (listed,) = (await brand.get("/v1/endpoints/health"))["data"]
    assert listed["day"]["attempts"] == 5_000
    # Some 100 ms and 10 ms; slow machines are slow.
    assert alone < 2
    assert perf_counter() - began < 1
