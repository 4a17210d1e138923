"""The brand's regular order webhooks: endpoints of its own, told of what happens to its orders."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from standardwebhooks import Webhook, WebhookVerificationError
from uuid_utils.compat import uuid7

from shared.contracts.notices import EndpointDisabled
from shared.kafka.topics import ACCOUNTS_CHANGED
from tests.integration.webhooks.conftest import MakeApp
from tests.kit.caller import Caller, Json
from tests.kit.notices import notices
from tests.kit.publishers import EventPublisher, erased
from tests.kit.receiver import Receiver
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
MakeToken = Callable[..., str]


async def tell(
    shop: EventPublisher, order: UUID, sequence: int, type_: str, *, to_three_pl: bool = True
) -> tuple[UUID, bytes]:
    """One event of that type; its id and body."""
    attributes, body = shop.event(order, sequence, to_three_pl=to_three_pl)
    await shop.publish((replace(attributes, type=type_), body))
    return attributes.id, body


async def all_read(database: asyncpg.Connection, events: int) -> None:
    """Return once so many were read: what is changed then counts for those after them."""
    read = "SELECT coalesce(sum(next_offset), 0) FROM positions"
    await eventually(lambda: database.fetchval(read), lambda found: found == events)


async def states(database: asyncpg.Connection, endpoint_id: str) -> list[str]:
    rows = await database.fetch(
        "SELECT state FROM deliveries WHERE endpoint_id = $1 ORDER BY sequence", UUID(endpoint_id)
    )
    return [row["state"] for row in rows]


async def test_a_brand_is_told_of_all_its_orders_in_the_very_bytes_that_its_3pl_gets(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    other_receiver: Receiver,
    make_token: MakeToken,
) -> None:
    app = await start()
    brand = Caller(app, make_token(connection.brand_id, "brand"))
    three_pl = Caller(app, make_token(connection.three_pl_id, "three_pl"))
    made = await brand.ok("POST", "/v1/endpoints", {"url": other_receiver.url})
    await connection.publish_connection()
    order, own, of_nobody = uuid7(), uuid7(), uuid7()
    created, body = await tell(connection, order, 1, "order.created")
    await tell(connection, order, 2, "order.updated")
    # What waits when it goes back is not sent any more.
    await receiver.has(2)
    await tell(connection, order, 3, "order.unassigned")
    returned, _ = await tell(connection, order, 4, "order.returned", to_three_pl=False)
    await tell(connection, own, 1, "order.created", to_three_pl=False)
    stranger = EventPublisher(connection.topics, connection._sealer, receiver.url)
    await tell(stranger, of_nobody, 1, "order.created", to_three_pl=False)
    await tell(connection, own, 2, "order.cancelled", to_three_pl=False)

    got = await other_receiver.has(5)
    of_order = [one for one in got if one.order == str(order)]
    assert [one.sequence for one in of_order] == [1, 2, 4]
    assert [one.sequence for one in got if one.order == str(own)] == [1, 2]
    assert of_order[2].id == str(returned)
    to_three_pl = await receiver.has(3)
    assert [one.sequence for one in to_three_pl] == [1, 2, 3]
    assert of_order[0].body == to_three_pl[0].body == body
    assert of_order[0].id == to_three_pl[0].id == str(created)
    for one in got:
        one.verified(made["secret"])
    for one in to_three_pl:
        one.verified(connection.secrets[0])
    assert len(other_receiver.got) == 5

    # Each sees its own deliveries; the brand those of its 3PL too, without what that answered.
    mine = (await brand.get(f"/v1/deliveries?order={order}"))["data"]
    theirs = (await three_pl.get(f"/v1/deliveries?order={order}"))["data"]
    assert (len(mine), len(theirs)) == (6, 3)
    assert {one["endpoint_id"] for one in theirs} == {str(connection.endpoint_id)}
    (first,) = [one for one in mine if one["endpoint_id"] == made["id"] and one["sequence"] == 1]

    async def attempted(delivery: str) -> Json:
        # What was received is written down a little later.
        return await eventually(
            lambda: brand.get(f"/v1/deliveries/{delivery}"), lambda found: found["attempts"] != []
        )

    detail = await attempted(first["id"])
    assert detail["attempts"][0]["response_head"] == "thanks"
    assert detail["body"] == body.decode()
    assert (await three_pl.call("GET", f"/v1/deliveries/{first['id']}")).status_code == 404
    of_three_pl = await attempted(theirs[0]["id"])
    assert of_three_pl["attempts"][0]["response_head"] is None


async def test_an_endpoint_gets_the_types_and_the_stores_that_it_asks_for(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
    make_token: MakeToken,
) -> None:
    app = await start()
    brand = Caller(app, make_token(connection.brand_id, "brand"))
    wanted = {
        "url": receiver.url, "event_types": ["order.cancelled"], "description": "the ERP",
        "store_ids": [str(connection.store_id)],
    }  # fmt: skip
    made = await brand.ok("POST", "/v1/endpoints", wanted)
    order = uuid7()
    await tell(connection, order, 1, "order.created", to_three_pl=False)
    await tell(connection, order, 2, "order.cancelled", to_three_pl=False)
    assert [one.sequence for one in await receiver.has(1)] == [2]

    path, version = f"/v1/endpoints/{made['id']}", {"if-match": '"1"'}
    change = {"event_types": ["order.updated", "order.created"], "store_ids": [str(uuid7())]}
    changed = await brand.ok("PATCH", path, change, version)
    assert changed["event_types"] == ["order.created", "order.updated"]
    assert (changed["description"], changed["version"]) == ("the ERP", 2)
    await tell(connection, order, 3, "order.updated", to_three_pl=False)
    await all_read(database, 3)
    await brand.ok("PATCH", path, {"store_ids": None, "description": None}, {"if-match": '"2"'})
    await tell(connection, order, 4, "order.updated", to_three_pl=False)
    assert [one.sequence for one in await receiver.has(2)] == [2, 4]
    assert (await brand.get(path))["description"] is None


async def test_who_may_make_and_change_endpoints(
    start: MakeApp, connection: EventPublisher, receiver: Receiver, make_token: MakeToken
) -> None:
    app = await start()
    await connection.publish_connection()
    brand = Caller(app, make_token(connection.brand_id, "brand"))
    three_pl = Caller(app, make_token(connection.three_pl_id, "three_pl"))
    stranger = Caller(app, make_token(uuid7(), "brand"))
    viewer = Caller(app, make_token(connection.brand_id, "brand", "viewer"))
    form = {"url": receiver.url}
    key = {"idempotency-key": "one"}
    made = await brand.ok("POST", "/v1/endpoints", form, key)
    assert await brand.ok("POST", "/v1/endpoints", form, key) == made
    assert made["secret"].startswith("whsec_")
    assert await three_pl.refused("POST", "/v1/endpoints", form) == (403, "brand_only")
    assert await viewer.refused("POST", "/v1/endpoints", form) == (403, "role_required")
    bad = {"url": "http://169.254.169.254/latest"}
    assert await brand.refused("POST", "/v1/endpoints", bad) == (422, "validation_failed")
    never = {**form, "event_types": ["order.unassigned"]}
    assert await brand.refused("POST", "/v1/endpoints", never) == (422, "validation_failed")
    for _ in range(9):
        await brand.ok("POST", "/v1/endpoints", form)
    assert await brand.refused("POST", "/v1/endpoints", form) == (409, "too_many")
    listed = (await brand.get("/v1/endpoints"))["data"]
    assert (len(listed), "secret" in listed[0]) == (10, False)
    assert (await stranger.get("/v1/endpoints"))["data"] == []

    path = f"/v1/endpoints/{made['id']}"
    assert await brand.refused("PATCH", path, {}) == (428, "precondition_required")
    assert await brand.refused("PATCH", path, {}, {"if-match": '"7"'}) == (412, "version_conflict")
    version = {"if-match": '"1"'}
    assert await brand.refused("PATCH", path, bad, version) == (422, "validation_failed")
    calls: list[tuple[str, str, Any]] = [
        ("PATCH", "", {}), ("DELETE", "", None), ("POST", "/rotate-secret", {}),
        ("POST", "/test", None), ("POST", "/enable", None), ("GET", "", None),
    ]  # fmt: skip
    for method, end, body in calls:
        assert await stranger.refused(method, path + end, body, version) == (404, "not_found")

    # A connection's is its 3PL's to see and to test, and follows the connection's settings.
    async def known() -> int:
        return len((await three_pl.get("/v1/endpoints"))["data"])

    await eventually(known, lambda count: count == 1)
    path = f"/v1/endpoints/{connection.endpoint_id}"
    shown = await three_pl.get(path)
    assert (shown["event_types"], shown["version"]) == (None, None)
    assert shown["connection_id"] == str(connection.connection_id)
    for method, end, body in calls[:3]:
        refused = await three_pl.refused(method, path + end, body, version)
        assert refused == (409, "follows_connection")
    assert await brand.refused("GET", path) == (404, "not_found")
    assert (await three_pl.ok("POST", f"{path}/test"))["ok"]
    assert receiver.got[-1].verified(connection.secrets[0])["type"] == "ping"


async def test_a_rotated_secret_signs_with_the_one_before_until_the_overlap_is_over(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
    make_token: MakeToken,
) -> None:
    app = await start(webhooks_poll_seconds=0.05)
    brand = Caller(app, make_token(connection.brand_id, "brand"))
    made = await brand.ok("POST", "/v1/endpoints", {"url": receiver.url})
    path, key = f"/v1/endpoints/{made['id']}", {"idempotency-key": "again"}

    async def ping() -> tuple[bool, ...]:
        """Which of the three secrets verify it."""
        assert (await brand.ok("POST", f"{path}/test"))["ok"]
        got, verifies = receiver.got[-1], []
        for secret in secrets:
            try:
                Webhook(secret).verify(got.body.decode(), got.headers)
            except WebhookVerificationError:
                verifies.append(False)
            else:
                verifies.append(True)
        return tuple(verifies)

    second = await brand.ok("POST", f"{path}/rotate-secret", {}, key)
    assert await brand.ok("POST", f"{path}/rotate-secret", {}, key) == second
    third = await brand.ok("POST", f"{path}/rotate-secret", {"overlap_seconds": 604_800})
    assert (second["version"], third["version"]) == (2, 3)
    secrets = [made["secret"], second["secret"], third["secret"]]
    assert await ping() == (False, True, True)
    row = await database.fetchrow("SELECT former_secret_until - now() AS left FROM endpoints")
    assert row
    assert row["left"].days == 6
    await database.execute("UPDATE endpoints SET former_secret_until = now() - interval '1 s'")
    # Deliveries, too: what is in memory learns of it.
    order = uuid7()

    async def signatures() -> int:
        seen = len(receiver.got)
        await tell(connection, order, seen, "order.updated", to_three_pl=False)
        got = await receiver.has(seen + 1)
        return len(got[-1].headers["webhook-signature"].split())

    await eventually(signatures, lambda count: count == 1)
    assert await ping() == (False, False, True)
    ended = await brand.ok("POST", f"{path}/rotate-secret", {"overlap_seconds": 0})
    secrets = [second["secret"], third["secret"], ended["secret"]]
    assert await ping() == (False, False, True)


async def test_deleting_cancels_what_is_not_delivered_and_another_url_takes_it(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    other_receiver: Receiver,
    database: asyncpg.Connection,
    topics: object,
    make_token: MakeToken,
) -> None:
    app = await start(webhooks_poll_seconds=0.05)
    brand = Caller(app, make_token(connection.brand_id, "brand"))
    receiver.will(410)
    gone = await brand.ok("POST", "/v1/endpoints", {"url": receiver.url})
    order = uuid7()
    await tell(connection, order, 1, "order.created", to_three_pl=False)
    (told,) = await notices(connection.topics, 1)
    assert told.account_id == connection.brand_id
    assert isinstance(told.data, EndpointDisabled)
    assert (told.data.connection_id, told.data.parked) == (None, 1)
    await tell(connection, order, 2, "order.updated", to_three_pl=False)
    await eventually(lambda: states(database, gone["id"]), lambda all_: all_ == ["parked"] * 2)

    path = f"/v1/endpoints/{gone['id']}"
    assert (await brand.get(path))["state"] == "disabled"
    moved = await brand.ok("PATCH", path, {"url": other_receiver.url}, {"if-match": '"1"'})
    assert moved["state"] == "enabled"
    assert [one.sequence for one in await other_receiver.has(2)] == [1, 2]

    other_receiver.will(503)
    await tell(connection, order, 3, "order.updated", to_three_pl=False)
    await tell(connection, order, 4, "order.updated", to_three_pl=False)
    wanted = ["delivered", "delivered", "retrying", "pending"]
    await eventually(lambda: states(database, gone["id"]), lambda all_: all_ == wanted)
    await brand.ok("DELETE", path)
    assert (await states(database, gone["id"]))[2:] == ["cancelled"] * 2
    assert await brand.refused("GET", path) == (404, "not_found")
    assert await brand.refused("POST", f"{path}/enable") == (404, "not_found")
    assert (await brand.get("/v1/endpoints"))["data"] == []
    kept = await database.fetchrow("SELECT sealed_url, sealed_secrets FROM endpoints")
    assert kept
    assert (kept["sealed_url"], kept["sealed_secrets"]) == ("", [])
    await tell(connection, order, 5, "order.updated", to_three_pl=False)
    await all_read(database, 5)
    other = await brand.ok("POST", "/v1/endpoints", {"url": receiver.url})
    receiver.will(200)
    await tell(connection, order, 6, "order.updated", to_three_pl=False)
    await eventually(lambda: states(database, other["id"]), lambda all_: all_ == ["delivered"])
    assert len(await states(database, gone["id"])) == 4
    detail = (await brand.get("/v1/deliveries?state=cancelled"))["data"]
    assert {one["endpoint_id"] for one in detail} == {gone["id"]}


async def test_every_process_knows_of_it_before_it_reads_and_soon_after(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
    make_token: MakeToken,
) -> None:
    first = await start(webhooks_poll_seconds=0.05)
    brand = Caller(first, make_token(connection.brand_id, "brand"))
    second = await start(webhooks_poll_seconds=0.05)
    made = await brand.ok("POST", "/v1/endpoints", {"url": receiver.url})
    endpoint_id = UUID(made["id"])

    async def knows(app: object) -> bool:
        attributes, _ = connection.event(uuid7(), 1)
        endpoints = app.state.dependencies.endpoints  # type: ignore[attr-defined]
        return endpoint_id in endpoints.subscriptions.of(attributes)

    assert await knows(first)
    await eventually(lambda: knows(second), bool)
    third = await start(webhooks_poll_seconds=3_600.0)
    assert await knows(third)
    await brand.ok("DELETE", f"/v1/endpoints/{made['id']}")
    assert not await knows(first)
    await eventually(lambda: knows(second), lambda known: not known)
    # What the third stores for it meanwhile is cancelled.
    await database.execute(
        "INSERT INTO deliveries (id, event_id, endpoint_id, order_id, sequence, state, due_at) "
        "VALUES ($1, $1, $2, $1, 1, 'pending', now())",
        uuid7(), endpoint_id,
    )  # fmt: skip
    await eventually(lambda: states(database, made["id"]), lambda all_: all_ == ["cancelled"])


async def test_an_erased_brand_has_no_endpoints_and_an_erased_3pl_takes_none_of_the_brands(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    other_receiver: Receiver,
    database: asyncpg.Connection,
    make_token: MakeToken,
) -> None:
    app = await start(webhooks_poll_seconds=0.05)
    brand = Caller(app, make_token(connection.brand_id, "brand"))
    await connection.publish_connection()
    receiver.will(503)
    other_receiver.will(503)
    made = await brand.ok(
        "POST", "/v1/endpoints", {"url": other_receiver.url}, {"idempotency-key": "k"}
    )
    order = uuid7()
    await tell(connection, order, 1, "order.created")
    of_three_pl = str(connection.endpoint_id)
    for endpoint_id in (made["id"], of_three_pl):
        await eventually(lambda id_=endpoint_id: states(database, id_), lambda s: s == ["retrying"])  # type: ignore[misc]

    gone = connection.three_pl_id
    await connection.topics.publish(ACCOUNTS_CHANGED.name, str(gone), erased(gone, "three_pl"))
    await eventually(lambda: states(database, of_three_pl), lambda s: s == ["superseded"])
    assert await states(database, made["id"]) == ["retrying"]
    # An event that still names the 3PL is kept for the brand.
    await tell(connection, uuid7(), 1, "order.created")
    await eventually(lambda: states(database, made["id"]), lambda s: len(s) == 2)
    assert await states(database, of_three_pl) == ["superseded"]
    assert await database.fetchval("SELECT min(octet_length(body)) FROM events") > 0

    gone = connection.brand_id
    await connection.topics.publish(ACCOUNTS_CHANGED.name, str(gone), erased(gone))
    await eventually(lambda: states(database, made["id"]), lambda s: s == ["superseded"] * 2)
    kept = await database.fetch("SELECT sealed_url, sealed_secrets, description FROM endpoints")
    assert [tuple(row) for row in kept] == [("", [], None)] * 2
    assert await database.fetchval("SELECT count(*) FROM idempotency_keys") == 0
