"""Send again: a delivery of its own, in its place, to the endpoint as it is now."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from shared.ids import delivery_id
from shared.kafka.topics import ACCOUNTS_CHANGED
from tests.integration.webhooks.conftest import MakeApp
from tests.kit.caller import Caller
from tests.kit.publishers import EventPublisher, erased
from tests.kit.receiver import Receiver
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
MakeToken = Callable[..., str]
Json = dict[str, Any]


async def settled(caller: Caller, order: UUID, *states: str) -> list[Json]:
    """The order's deliveries, by sequence and round, once they are in these states."""

    async def look() -> list[Json]:
        found = (await caller.get(f"/v1/deliveries?order={order}"))["data"]
        return sorted(found, key=lambda one: (one["sequence"], one["round"]))

    return await eventually(look, lambda all_: [one["state"] for one in all_] == list(states))


async def test_what_was_delivered_is_sent_once_more_under_the_same_id_and_can_be_seen(
    start: MakeApp, connection: EventPublisher, receiver: Receiver, make_token: MakeToken
) -> None:
    app = await start()
    three_pl = Caller(app, make_token(connection.three_pl_id, "three_pl"))
    brand = Caller(app, make_token(connection.brand_id, "brand"))
    stranger = Caller(app, make_token(uuid7(), "three_pl"))
    connection.url += "/tokens/0123456789abcdef0123456789abcdef?key=secret"
    await connection.publish_connection()
    order = uuid7()
    (event_id,) = await connection.publish_events(order, 1)
    (first,) = await settled(three_pl, order, "delivered")
    path = f"/v1/deliveries/{first['id']}/retry"
    again = await three_pl.ok("POST", path)
    assert again["id"] == str(delivery_id(event_id, connection.endpoint_id, 1))
    assert (again["state"], again["round"], again["attempts"]) == ("pending", 1, 0)
    await settled(three_pl, order, "delivered", "delivered")
    third = await three_pl.ok("POST", path)
    assert third["id"] == str(delivery_id(event_id, connection.endpoint_id, 2))
    got = await receiver.has(3)
    assert {(one.id, one.body) for one in got} == {(str(event_id), got[0].body)}
    for one in got:
        one.verified(connection.secrets[0])
    await settled(three_pl, order, "delivered", "delivered", "delivered")

    detail = await three_pl.get(f"/v1/deliveries/{third['id']}")
    (attempt,) = detail["attempts"]
    sent, shown = got[2].headers, attempt["request"]["headers"]
    assert shown.pop("webhook-signature") == "v1,…"
    assert shown == {name: sent[name] for name in shown}
    assert {"webhook-id", "webhook-timestamp", "content-type", "user-agent"} <= set(shown)
    assert attempt["request"]["url"].startswith("http://127.0.0.1")
    assert "secret" not in attempt["request"]["url"]
    assert "0123456789abcdef" not in attempt["request"]["url"]
    seen = await brand.get(f"/v1/deliveries/{third['id']}")
    assert seen["attempts"][0]["request"] is None
    assert await brand.refused("POST", path) == (403, "not_endpoint_owner")
    assert await stranger.refused("POST", path) == (404, "not_found")

    filters = {
        f"endpoint={connection.endpoint_id}": 3, f"endpoint={uuid7()}": 0,
        "type=order.created": 3, "type=order.updated": 0,
        f"created_after={first['created_at']}": 3, f"created_before={first['created_at']}": 0,
    }  # fmt: skip
    for query, count in filters.items():
        found = await three_pl.get("/v1/deliveries?" + query.replace("+", "%2B"))
        assert (query, len(found["data"])) == (query, count)


async def test_a_retry_that_waits_is_replaced_and_goes_to_the_endpoint_as_it_is_now(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    other_receiver: Receiver,
    database: asyncpg.Connection,
    make_token: MakeToken,
) -> None:
    receiver.will(503)
    app = await start(webhooks_retry_schedule_seconds=(0.0, 3_600.0))
    three_pl = Caller(app, make_token(connection.three_pl_id, "three_pl"))
    await connection.publish_connection()
    order = uuid7()
    await connection.publish_events(order, 1, 2)
    first, second = await settled(three_pl, order, "retrying", "pending")
    # What waits behind it does not overtake it, nor does it when that one is asked for.
    asked = await three_pl.ok("POST", f"/v1/deliveries/{second['id']}/retry")
    assert (asked["id"], asked["round"]) == (second["id"], 0)
    again = await three_pl.ok("POST", f"/v1/deliveries/{first['id']}/retry")
    assert (again["round"], again["attempts"]) == (1, 0)
    await settled(three_pl, order, "cancelled", "retrying", "pending")
    assert [one.sequence for one in receiver.got] == [1, 1]
    # With the whole schedule: the last attempt of the first round was still to come.
    receiver.will(200)
    await three_pl.ok("POST", f"/v1/deliveries/{first['id']}/retry")
    await settled(three_pl, order, "cancelled", "cancelled", "delivered", "delivered")
    assert [one.sequence for one in receiver.got] == [1, 1, 1, 2]

    # One that an earlier one stands before waits for it.
    receiver.will(503)
    await connection.publish_events(order, 3, 4)
    states = ["cancelled", "cancelled", "delivered", "delivered", "retrying", "pending"]
    await settled(three_pl, order, *states)
    last = await three_pl.ok("POST", f"/v1/deliveries/{second['id']}/retry")
    # It comes before those of its order that are unsent, as its sequence says.
    states.insert(4, "retrying")
    await settled(three_pl, order, *states)
    assert last["sequence"] == 2
    assert [one.sequence for one in receiver.got][-2:] == [3, 2]


async def test_what_cannot_be_sent_again(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
    make_token: MakeToken,
) -> None:
    app = await start(webhooks_poll_seconds=0.05)
    three_pl = Caller(app, make_token(connection.three_pl_id, "three_pl"))
    brand = Caller(app, make_token(connection.brand_id, "brand"))
    made = await brand.ok("POST", "/v1/endpoints", {"url": receiver.url})
    await connection.publish_connection()
    order, went_back = uuid7(), uuid7()
    await connection.publish_events(order, 1)
    await receiver.has(2)
    await settled(brand, order, "delivered", "delivered")
    (of_three_pl,) = (await three_pl.get(f"/v1/deliveries?order={order}"))["data"]

    # An order that went back before its 3PL heard of it: never told, also not by hand.
    await database.execute(
        "UPDATE endpoints SET paused_until = now() + interval '1 hour', updated_at = now() "
        "WHERE id = $1", connection.endpoint_id,
    )  # fmt: skip
    paused = app.state.dependencies.endpoints

    async def is_paused() -> bool:
        return bool(paused.get(connection.endpoint_id).is_paused)

    await eventually(is_paused, bool)
    await connection.publish_events(went_back, 1)
    attributes, body = connection.event(went_back, 2)
    await connection.publish((replace(attributes, type="order.unassigned"), body))
    created, _ = await settled(three_pl, went_back, "superseded", "superseded")
    path = f"/v1/deliveries/{created['id']}/retry"
    assert await three_pl.refused("POST", path) == (409, "invalid_transition")

    path = f"/v1/deliveries/{of_three_pl['id']}/retry"
    receiver.will(410)
    await three_pl.ok("POST", f"/v1/endpoints/{connection.endpoint_id}/enable")
    await three_pl.ok("POST", path)
    await eventually(
        lambda: three_pl.refused("POST", path), lambda said: said == (409, "endpoint_disabled")
    )
    receiver.will(200)
    mine = (await brand.get(f"/v1/deliveries?endpoint={made['id']}&order={order}"))["data"]
    gone = connection.brand_id
    await connection.topics.publish(ACCOUNTS_CHANGED.name, str(gone), erased(gone))

    async def bodies() -> int:
        return int(
            await database.fetchval(
                "SELECT max(octet_length(body)) FROM events WHERE type <> 'order.unassigned'"
            )
        )

    await eventually(bodies, lambda size: size == 0)
    retry = f"/v1/deliveries/{mine[0]['id']}/retry"
    # The brand's tokens are over; the 3PL finds nothing to send.
    assert (await brand.refused("POST", retry))[0] == 401
    await database.execute("UPDATE endpoints SET state = 'enabled' WHERE three_pl_id IS NOT NULL")
    assert await three_pl.refused("POST", path) == (409, "body_erased")
