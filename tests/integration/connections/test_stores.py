"""Stores of a brand, and their credentials."""

import asyncpg
import pytest

from services.catalog import PLATFORM_NAMES
from shared.contracts.stores_changed import StoreChanged
from shared.kafka.topics import STORES_CHANGED
from tests.kit.client import Api, brand_form
from tests.kit.publishers import Topics


async def test_credentials_come_and_go_and_ingest_hears_of_each(api: Api, topics: Topics) -> None:
    _, brand, added = await api.connected()
    path = f"/v1/stores/{added['store']['id']}"
    first = await brand.post(f"{path}/credentials", {"kind": "api_key"})
    secret = {"kind": "shopify", "secret": "shpss_0123456789"}
    second = await brand.post(f"{path}/credentials", secret)
    assert first["secret"].startswith("rsk_")
    assert second["secret"] is None
    assert (await brand.call("DELETE", f"{path}/credentials/{first['id']}")).status_code == 204
    gone = await brand.call("DELETE", f"{path}/credentials/{first['id']}")
    assert gone.status_code == 404
    shown = await brand.get(path)
    assert [credential["id"] for credential in shown["credentials"]] == [second["id"]]
    assert "0123456789" not in str(shown)

    records = await topics.all(STORES_CHANGED.name, at_least=4)
    changes = [StoreChanged.model_validate_json(record.value) for record in records]
    assert [change.version for change in changes] == [1, 2, 3, 4]
    assert [[credential.kind for credential in change.credentials] for change in changes] == [
        [], ["api_key"], ["api_key", "shopify"], ["shopify"],
    ]  # fmt: skip
    assert "0123456789" not in str(records)
    assert first["secret"] not in str(records)


@pytest.mark.parametrize("platform", PLATFORM_NAMES)
async def test_a_store_may_run_on_every_platform_of_the_catalogue(api: Api, platform: str) -> None:
    three_pl = await api.three_pl()
    added = await three_pl.post("/v1/brands", brand_form(platform=platform))
    assert (await three_pl.get(f"/v1/stores/{added['store']['id']}"))["platform"] == platform


async def test_a_credential_with_the_wrong_secret_is_refused_and_not_repeated(
    api: Api,
) -> None:
    _, brand, added = await api.connected()
    path = f"/v1/stores/{added['store']['id']}/credentials"
    for body, pointer in (
        ({"kind": "api_key", "secret": "shpss_0123456789"}, "/secret"),
        ({"kind": "shopify"}, "/secret"),
        ({"kind": "carrier pigeon"}, "/kind"),
    ):
        answer = await brand.call("POST", path, body)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
        assert "0123456789" not in answer.text


async def test_a_key_made_with_idempotency_is_shown_again_and_sealed_at_rest(
    api: Api, postgres_dsn: str
) -> None:
    _, brand, added = await api.connected()
    path, key = f"/v1/stores/{added['store']['id']}/credentials", {"idempotency-key": "k"}
    first = await brand.call("POST", path, {"kind": "api_key"}, key)
    again = await brand.call("POST", path, {"kind": "api_key"}, key)
    assert first.json() == again.json()
    database = await asyncpg.connect(postgres_dsn)
    kept = await database.fetchval("SELECT sealed_answer FROM connections.idempotency_keys")
    await database.close()
    assert first.json()["secret"] not in kept


async def test_a_brand_adds_its_own_stores_and_finds_them_in_any_spelling(api: Api) -> None:
    brand = await api.sign_up("brand")
    form = {"store_url": "https://www.Bücher.example/", "platform": "shopify"}
    added = await brand.post("/v1/stores", form)
    assert added["domain"] == "xn--bcher-kva.example"
    for spelling in ("http://xn--bcher-kva.example.", "bücher.example:443/collections/all"):
        assert await brand.post("/v1/stores", {**form, "store_url": spelling}) == added
    assert (await brand.get("/v1/stores"))["data"] == [added]
    # Another brand may say the same: a URL that somebody typed proves nothing.
    other = await api.sign_up("brand")
    assert (await other.post("/v1/stores", form))["id"] != added["id"]
    three_pl = await api.three_pl()
    refused = await three_pl.call("POST", "/v1/stores", form)
    assert (refused.status_code, refused.json()["code"]) == (403, "brand_only")
