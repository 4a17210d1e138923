"""The Add Brand form: what it makes, and everything that may not pass."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from shared.contracts.connections_changed import ConnectionChanged
from shared.contracts.stores_changed import StoreChanged
from shared.kafka.topics import CONNECTIONS_CHANGED, STORES_CHANGED
from tests.kit.client import Api, brand_form
from tests.kit.publishers import Topics


async def test_wrong_fields_of_a_form_are_named(api: Api) -> None:
    three_pl = await api.three_pl()
    form = brand_form(
        store_url="not a store", contact={"name": "A", "email": "nobody"}, platform="a spreadsheet"
    )
    answer = await three_pl.call("POST", "/v1/brands", form)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert {error["pointer"] for error in answer.json()["errors"]} == {
        "/store_url",
        "/contact/email",
        "/platform",
    }


async def test_names_hold_no_control_characters(api: Api) -> None:
    three_pl = await api.three_pl()
    form = brand_form(company_name="A\0B", contact={"name": "A\nB", "email": "a@b.example"})
    answer = await three_pl.call("POST", "/v1/brands", form)
    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json()["errors"]} == {
        "/company_name",
        "/contact/name",
    }


async def test_a_3pl_adds_brands_on_plan_conquer_only_and_a_brand_never(
    api: Api,
) -> None:
    free = await api.sign_up("three_pl")
    answer = await free.call("POST", "/v1/brands", brand_form())
    assert (answer.status_code, answer.json()["code"]) == (402, "plan_required")
    brand = await api.sign_up("brand")
    answer = await brand.call("POST", "/v1/brands", brand_form())
    assert (answer.status_code, answer.json()["code"]) == (403, "three_pl_only")


async def test_adding_a_brand_makes_brand_store_pending_connection_and_link(
    api: Api, topics: Topics
) -> None:
    three_pl = await api.three_pl()
    form = brand_form(store_url="HTTPS://www.Acme-Shop.example:443/collections?x=1")
    added = await three_pl.post("/v1/brands", form)
    assert added["store"]["domain"] == "acme-shop.example"
    assert added["connection"]["state"] == "pending"
    expires = datetime.fromisoformat(added["login_link"]["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=47) < expires <= timedelta(hours=48)

    shown = await three_pl.get(f"/v1/brands/{added['id']}")
    assert (shown["warehouse"]["city"], shown["priorities"]) == ("Madrid", ["cost"])
    assert (shown["has_accepted"], shown["account_id"]) == (False, None)
    assert (await three_pl.get("/v1/brands"))["data"] == [shown]
    (listed,) = (await three_pl.get("/v1/connections?state=pending"))["data"]
    assert listed["id"] == added["connection"]["id"]
    assert listed["settings"] == {
        "version": 1, "shipping_rules_owner": "brand", "billing_owner": "brand",
        "support_owner": "brand", "webhook": None,
    }  # fmt: skip

    (record,) = await topics.all(CONNECTIONS_CHANGED.name, at_least=1)
    change = ConnectionChanged.model_validate_json(record.value)
    assert record.key == added["connection"]["id"].encode()
    assert (str(change.connection_id), change.state, change.version, change.epoch) == (
        added["connection"]["id"], "pending", 1, 0,
    )  # fmt: skip
    (record,) = await topics.all(STORES_CHANGED.name, at_least=1)
    store = StoreChanged.model_validate_json(record.value)
    assert (str(store.store_id), store.domain) == (added["store"]["id"], "acme-shop.example")


async def test_strangers_get_404_for_what_exists(api: Api) -> None:
    _, _, added = await api.connected()
    stranger = await api.three_pl()
    connection, store = added["connection"]["id"], added["store"]["id"]
    for method, path in (
        ("GET", f"/v1/brands/{added['id']}"),
        ("POST", f"/v1/brands/{added['id']}/login-link"),
        ("GET", f"/v1/connections/{connection}"),
        ("GET", f"/v1/connections/{connection}/audit"),
        ("GET", f"/v1/connections/{connection}/settings/versions"),
        ("POST", f"/v1/connections/{connection}/activate"),
        ("POST", f"/v1/connections/{connection}/disconnect"),
        ("GET", f"/v1/stores/{store}"),
        ("DELETE", f"/v1/stores/{store}/credentials/{uuid4()}"),
    ):
        assert (await stranger.call(method, path)).status_code == 404, path
    answer = await stranger.call("POST", f"/v1/stores/{store}/credentials", {"kind": "api_key"})
    assert answer.status_code == 404
    answer = await stranger.call(
        "PATCH",
        f"/v1/connections/{connection}/settings",
        {"priority": 1},
        {"if-match": '"1"'},
    )
    assert answer.status_code == 404
    assert (await stranger.get("/v1/connections"))["data"] == []


async def test_a_key_of_idempotency_creates_once_and_answers_the_same(api: Api) -> None:
    three_pl = await api.three_pl()
    form, key = brand_form(), {"idempotency-key": "form-1"}
    answers = await asyncio.gather(
        *(three_pl.call("POST", "/v1/brands", form, key) for _ in range(50))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len((await three_pl.get("/v1/connections"))["data"]) == 1

    other = await three_pl.call("POST", "/v1/brands", brand_form(), key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    of_another = await (await api.three_pl()).call("POST", "/v1/brands", brand_form(), key)
    assert of_another.status_code == 201
    too_long = await three_pl.call("POST", "/v1/brands", form, {"idempotency-key": "k" * 256})
    assert too_long.json()["code"] == "invalid_idempotency_key"


async def test_a_refused_request_does_not_use_up_its_key(api: Api) -> None:
    three_pl = await api.sign_up("three_pl")
    form, key = brand_form(), {"idempotency-key": "form-1"}
    assert (await three_pl.call("POST", "/v1/brands", form, key)).status_code == 402
    await api.set_plan(three_pl.id, "conquer")
    assert (await three_pl.call("POST", "/v1/brands", form, key)).status_code == 201


async def test_lists_are_read_page_by_page(api: Api) -> None:
    three_pl = await api.three_pl()
    added = [await three_pl.post("/v1/brands", brand_form()) for _ in range(5)]
    for path, ids in (
        ("/v1/brands", [brand["id"] for brand in added]),
        ("/v1/connections", [brand["connection"]["id"] for brand in added]),
    ):
        seen, after = [], ""
        while True:
            page = await three_pl.get(f"{path}?limit=2{after}")
            assert len(page["data"]) <= 2
            seen += [entry["id"] for entry in page["data"]]
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        assert seen == ids[::-1]


@pytest.mark.parametrize("cursor", ["x", "WyJ4Il0", "WzFd", "bnVsbA", "W10", "é"])
async def test_what_is_no_cursor_of_the_list_is_named(api: Api, cursor: str) -> None:
    three_pl = await api.sign_up("three_pl")
    answer = await three_pl.call("GET", f"/v1/connections?after={cursor}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")
    assert answer.json()["errors"][0]["pointer"] == "/after"
