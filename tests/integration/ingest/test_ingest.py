"""Ingest on the real engines: every answer, and what is on the log behind it.

One long file: all of it goes through the same running service and its one store.
"""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import orjson
import pytest
from aiokafka import ConsumerRecord
from pydantic import SecretStr
from uuid_utils.compat import uuid7

from relevo.local.processes import free_port
from services.ingest.main import create_app
from services.ingest.settings import Settings
from shared.contracts.orders_received import OrderReceived
from shared.kafka.topics import ORDERS_RECEIVED, STORES_CHANGED
from tests.integration.ingest.conftest import (
    BEARER,
    KEY,
    SECRET,
    SHOPIFY_BODY,
    Client,
    StoreOwner,
    an_order,
    kept,
    known,
    signed,
)
from tests.kit.publishers import Topics
from tests.kit.serving import running
from tests.kit.waiting import eventually


def received(record: ConsumerRecord) -> OrderReceived:
    return OrderReceived.model_validate_json(record.value)


async def test_a_generic_order_is_on_the_log_before_the_answer(
    client: Client, shop: StoreOwner, topics: Topics
) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = await client.post(
        f"/v1/stores/{shop.id}/orders",
        json=an_order("9007199254740993"),
        headers={**BEARER, "traceparent": trace},
    )
    assert answer.status_code == 202
    assert answer.json() == {"results": [{"external_id": "9007199254740993", "status": "accepted"}]}
    (record,) = await topics.all(ORDERS_RECEIVED.name)
    assert record.key.decode() == f"{shop.id}:9007199254740993"
    headers = dict(record.headers)
    assert headers["ce_type"] == b"order.received"
    assert headers["ce_specversion"] == b"1.0"
    assert headers["traceparent"].decode() == trace
    body = received(record)
    assert (body.store_id, body.brand_id, body.action) == (shop.id, shop.brand_id, "upsert")
    assert body.order is not None
    assert body.order.total == "10.00"


@pytest.mark.parametrize("lines", [True, False])
async def test_several_orders_in_one_request(
    client: Client, shop: StoreOwner, topics: Topics, *, lines: bool
) -> None:
    orders = [an_order(str(n)) for n in range(50)]
    body = b"\n".join(map(orjson.dumps, orders)) if lines else orjson.dumps(orders)
    kind = "application/x-ndjson" if lines else "application/json"
    answer = await client.post(
        f"/v1/stores/{shop.id}/orders", content=body, headers={**BEARER, "content-type": kind}
    )
    assert answer.status_code == 202
    assert [found["external_id"] for found in answer.json()["results"]] == [
        str(n) for n in range(50)
    ]
    records = await topics.all(ORDERS_RECEIVED.name)
    assert {received(record).external_id for record in records} == {str(n) for n in range(50)}


async def test_a_wrong_field_is_named_and_nothing_of_the_request_is_accepted(
    client: Client, shop: StoreOwner, topics: Topics
) -> None:
    orders = [an_order("1"), an_order("2", total="ten", colour="red"), an_order("3", total="x")]
    answer = await client.post(f"/v1/stores/{shop.id}/orders", json=orders, headers=BEARER)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "validation_failed"
    assert [found["pointer"] for found in problem["errors"]] == ["/1/total", "/1/colour"]
    assert "ten" not in answer.text
    assert await topics.all(ORDERS_RECEIVED.name) == []


async def test_text_that_could_not_be_kept_is_named_before_it_is_accepted(
    client: Client, shop: StoreOwner, topics: Topics
) -> None:
    order = an_order("1\0", number="#\0", attributes={"a\0": ""})
    answer = await client.post(f"/v1/stores/{shop.id}/orders", json=order, headers=BEARER)
    assert answer.status_code == 422
    pointers = [found["pointer"] for found in answer.json()["errors"]]
    assert pointers[:2] == ["/external_id", "/number"]
    assert len(pointers) == 3
    assert await topics.all(ORDERS_RECEIVED.name) == []


async def test_a_shopify_order_and_its_deletion(
    client: Client, shop: StoreOwner, topics: Topics
) -> None:
    url = f"/webhooks/shopify/{shop.id}"
    created = await client.post(url, content=SHOPIFY_BODY, headers=signed(SHOPIFY_BODY))
    assert (created.status_code, created.json()) == (200, {"status": "accepted"})
    gone = b'{"id": 9007199254740993}'
    deleted = await client.post(url, content=gone, headers=signed(gone, "orders/delete"))
    assert deleted.status_code == 200
    first, second = [received(record) for record in await topics.all(ORDERS_RECEIVED.name)]
    assert first.order is not None
    assert first.order.number == "#1042"
    assert (second.action, second.external_id, second.order) == (
        "delete", "9007199254740993", None,
    )  # fmt: skip


async def test_credentials_that_do_not_fit(
    client: Client, shop: StoreOwner, topics: Topics
) -> None:
    orders, shopify = f"/v1/stores/{shop.id}/orders", f"/webhooks/shopify/{shop.id}"
    wrong = signed(SHOPIFY_BODY, secret="other")
    answers = {
        "key": await client.post(orders, json=an_order(), headers={"authorization": "Bearer no"}),
        "none": await client.post(orders, json=an_order()),
        "hmac": await client.post(shopify, content=SHOPIFY_BODY, headers=wrong),
        "no hmac": await client.post(shopify, content=SHOPIFY_BODY),
        "store": await client.post(f"/v1/stores/{uuid7()}/orders", json=an_order(), headers=BEARER),
        "shopify store": await client.post(
            f"/webhooks/shopify/{uuid7()}", content=SHOPIFY_BODY, headers=signed(SHOPIFY_BODY)
        ),
    }
    said = {name: (answer.status_code, answer.json()["code"]) for name, answer in answers.items()}
    assert said == {
        "key": (401, "invalid_key"),
        "none": (401, "missing_key"),
        "hmac": (401, "invalid_signature"),
        "no hmac": (401, "missing_signature"),
        "store": (404, "not_found"),
        "shopify store": (404, "not_found"),
    }
    assert await topics.all(ORDERS_RECEIVED.name) == []


async def test_each_answer_names_the_mistake(client: Client, shop: StoreOwner) -> None:
    orders = f"/v1/stores/{shop.id}/orders"
    form = {**BEARER, "content-type": "application/x-www-form-urlencoded"}
    cases = {
        "another header": (orders, {"x-api-key": KEY}, "`x-api-key` is not read"),
        "another scheme": (orders, {"authorization": "Basic abc"}, "and not with `Bearer`"),
        "a token": (orders, {"authorization": "Bearer a.b.c"}, "it is an access token"),
        "a slash too much": (f"{orders}/", BEARER, f"Is `{orders}` meant"),
        "no version": (orders[3:], BEARER, f"Is `{orders}` meant"),
        "unsigned": (f"/webhooks/shopify/{shop.id}", {}, "x-shopify-hmac-sha256"),
    }
    for name, (path, headers, said) in cases.items():
        answer = await client.post(path, content=b"{}", headers=headers)
        assert said in answer.json()["detail"], name
    # What cannot be read is kept, and its sender told why.
    kept_form = (await client.post(orders, content=b"external_id=1", headers=form)).json()
    assert (kept_form["status"], kept_form["results"]) == ("quarantined", [])
    assert "Invalid JSON" in kept_form["reason"]
    # A default of many clients, and JSON all the same.
    sent = await client.post(orders, content=orjson.dumps(an_order()), headers=form)
    assert sent.status_code == 202


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_body_over_the_limit_is_413(
    client: Client, shop: StoreOwner, *, chunked: bool
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 65_536

    content: Any = pieces() if chunked else b" " * 1_310_720
    answer = await client.post(f"/v1/stores/{shop.id}/orders", content=content, headers=BEARER)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_a_rotated_secret_works_beside_the_old_one_until_that_is_removed(
    client: Client, shop: StoreOwner
) -> None:
    async def with_secret(secret: str) -> int:
        headers = signed(SHOPIFY_BODY, secret=secret)
        url = f"/webhooks/shopify/{shop.id}"
        return (await client.post(url, content=SHOPIFY_BODY, headers=headers)).status_code

    await shop.publish(keys=(KEY, "rsk_two"), secrets=(SECRET, "new"))
    await known(client, shop, "rsk_two")
    assert (await with_secret(SECRET), await with_secret("new")) == (200, 200)
    await shop.publish(keys=(KEY, "rsk_three"), secrets=("new",))
    await known(client, shop, "rsk_three")
    assert (await with_secret(SECRET), await with_secret("new")) == (401, 200)


async def test_while_kafka_is_away_orders_are_spooled_and_drained_later(
    service_settings: dict[str, str],
    client: Client,
    shop: StoreOwner,
    topics: Topics,
    postgres_dsn: str,
) -> None:
    """A second process that never reaches Kafka: knows its stores from Postgres, spools."""
    database = await asyncpg.connect(postgres_dsn)
    await kept(database)
    away = Settings(kafka=f"127.0.0.1:{free_port()}", ingest_acknowledge_seconds=0.2)
    async with running(create_app(away)) as cut_off:
        await known(cut_off, shop)
        assert (await cut_off.get("/health/ready")).status_code == 503
        for n in range(5):
            answer = await cut_off.post(
                f"/v1/stores/{shop.id}/orders", json=an_order(str(n)), headers=BEARER
            )
            assert answer.status_code == 202
    # The relay of the first process drains the spool of the schema.
    records = await topics.all(ORDERS_RECEIVED.name, at_least=5)
    assert {received(record).external_id for record in records} == {"0", "1", "2", "3", "4"}

    async def spooled() -> int:
        count: int = await database.fetchval("SELECT count(*) FROM ingest.outbox")
        return count

    await eventually(spooled, lambda count: count == 0)
    await database.close()


async def test_with_neither_kafka_nor_postgres_nothing_is_accepted(
    service_settings: dict[str, str], client: Client, shop: StoreOwner
) -> None:
    nowhere = f"postgresql://x:y@127.0.0.1:{free_port()}/z"
    cut = Settings(
        kafka=f"127.0.0.1:{free_port()}",
        postgres_dsn=SecretStr(nowhere),
        ingest_acknowledge_seconds=0.2,
    )
    app = create_app(cut)
    async with running(app) as cut_off:
        unknown = await cut_off.post(
            f"/v1/stores/{shop.id}/orders", json=an_order(), headers=BEARER
        )
        assert (unknown.status_code, unknown.headers["retry-after"]) == (503, "2")


POISON: list[tuple[bytes, list[tuple[str, bytes]] | None]] = [
    (b"not json", None),
    (b'{"a": 1}', None),
    (b"{}", [("ce_id", b"\xff")]),
]


async def test_poison_about_stores_holds_nothing_up_and_stays_on_its_topic(
    client: Client, shop: StoreOwner, topics: Topics
) -> None:
    for value, headers in POISON:
        await topics.publish(STORES_CHANGED.name, str(shop.id), value, headers)
    await shop.publish(keys=("rsk_after",))
    await known(client, shop, "rsk_after")
    assert await topics.all(STORES_CHANGED.dead_letters) == []
