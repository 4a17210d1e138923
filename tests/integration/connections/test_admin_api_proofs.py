"""The platform's admin API proves a store, by a key that is asked with once and kept nowhere."""

import base64
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web

from tests.kit.client import Api, Json, Party
from tests.kit.leaks import tables_with
from tests.kit.receiver import ReceivedWebhook, Receiver

pytestmark = pytest.mark.engines
TOKEN, KEY, SECRET = "shpat_0123456789", "ck_0123456789", "cs_0123456789"
SHOPIFY = {"access_token": TOKEN}
WOOCOMMERCE = {"consumer_key": KEY, "consumer_secret": SECRET}
BASIC = "Basic " + base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()


def is_let_in(got: ReceivedWebhook) -> bool:
    """As the platforms do: by the key, at the path of their API."""
    headers = {name.lower(): value for name, value in got.headers.items()}
    if got.path.startswith("/admin/api/2025-10/shop.json"):
        return headers.get("x-shopify-access-token") == TOKEN
    if got.path.startswith("/wp-json/wc/v3/system_status"):
        return headers.get("authorization") == BASIC
    return False


@pytest.fixture
async def shop() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver


def answers(shop: Receiver, page: Callable[[], web.Response]) -> None:
    """What the shop says to whoever it lets in."""

    async def answer(got: ReceivedWebhook) -> web.Response:
        return page() if is_let_in(got) else web.Response(status=401, text="secret words")

    shop.answer = answer


async def add(brand: Party, shop: Receiver, platform: str) -> str:
    form = {"store_url": f"http://127.0.0.1:{shop.port}", "platform": platform}
    return str((await brand.post("/v1/stores", form))["id"])


async def check(brand: Party, store: str, key: Json | None) -> Any:
    body = {"way": "admin_api", **({} if key is None else {"admin_api": key})}
    return await brand.call("POST", f"/v1/stores/{store}/proofs/check", body)


@pytest.mark.parametrize(
    ("platform", "key", "body"),
    [
        ("shopify", SHOPIFY, {"shop": {"domain": "{domain}", "myshopify_domain": "a.example"}}),
        ("shopify", SHOPIFY, {"shop": {"domain": "a.example", "myshopify_domain": "{domain}"}}),
        ("woocommerce", WOOCOMMERCE, {"environment": {"site_url": "http://{domain}/shop"}}),
    ],
)
async def test_the_admin_api_at_the_domain_proves_the_store(
    api: Api,
    shop: Receiver,
    postgres_dsn: str,
    capfd: pytest.CaptureFixture[str],
    platform: str,
    key: Json,
    body: Json,
) -> None:
    brand = await api.sign_up("brand")
    store = await add(brand, shop, platform)
    domain = f"127.0.0.1:{shop.port}"

    def said(by: str) -> Json:
        return {
            one: {name: value.replace("{domain}", by) for name, value in fields.items()}
            for one, fields in body.items()
        }

    for page, seen in (
        (lambda: web.json_response(said("other.example")), "another shop"),
        (lambda: web.json_response([domain]), "another shop"),
        (lambda: web.Response(text=f"<p>{domain}</p>"), "another shop"),
        (lambda: web.Response(status=302, headers={"location": "/elsewhere"}), "status 302"),
        (lambda: web.Response(status=500), "status 500"),
    ):
        answers(shop, page)
        refused = await check(brand, store, key)
        assert (refused.status_code, refused.json()["code"]) == (422, "proof_not_found")
        assert seen in refused.json()["seen"]
    # Redirects are not followed: the key would go along.
    assert not [got for got in shop.got if "elsewhere" in got.path]
    wrong = await check(brand, store, dict.fromkeys(key, "wrong"))
    assert wrong.json()["seen"] == "status 401"
    assert "secret words" not in wrong.text

    answers(shop, lambda: web.json_response(said(domain)))
    proof = await check(brand, store, key)
    assert proof.status_code == 200, proof.text
    assert proof.json()["proven_by"] == "admin_api"
    assert (await brand.get(f"/v1/stores/{store}"))["proven"]
    assert await tables_with(postgres_dsn, "connections", list(key.values())) == set()
    printed = capfd.readouterr()
    assert not [one for one in key.values() if one in printed.out + printed.err + proof.text]


async def test_what_is_missing_is_named_and_nobody_is_asked(api: Api, shop: Receiver) -> None:
    brand = await api.sign_up("brand")
    for platform, key, pointer in (
        ("custom", SHOPIFY, "/way"),
        ("shopify", None, "/admin_api/access_token"),
        ("shopify", WOOCOMMERCE, "/admin_api/access_token"),
        ("woocommerce", {"consumer_key": KEY}, "/admin_api/consumer_secret"),
        ("woocommerce", {"consumer_secret": SECRET}, "/admin_api/consumer_key"),
        ("shopify", {"access_token": "two\r\nlines"}, "/admin_api/access_token"),
    ):
        answer = await check(brand, await add(brand, shop, platform), key)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
        assert "lines" not in answer.text
    stranger = await api.sign_up("brand")
    answer = await check(stranger, await add(brand, shop, "shopify"), SHOPIFY)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert shop.got == []
