"""Keys that a 3PL makes before the brand accepts, and answers that are asked for again."""

from uuid import uuid4

import pytest

from shared.contracts.stores_changed import StoreChanged
from shared.kafka.topics import STORES_CHANGED
from tests.kit.client import Api, brand_form
from tests.kit.publishers import Topics

pytestmark = pytest.mark.engines


async def keys_published(topics: Topics, at_least: int) -> list[int]:
    """How many keys of the only store were valid, message by message."""
    records = await topics.all(STORES_CHANGED.name, at_least=at_least)
    return [len(StoreChanged.model_validate_json(record.value).credentials) for record in records]


async def test_the_brand_adopts_keys_of_the_3pl_by_name_and_the_others_die(
    api: Api, topics: Topics
) -> None:
    three_pl = await api.three_pl()
    added = await three_pl.post("/v1/brands", brand_form())
    path = f"/v1/stores/{added['store']['id']}"
    adopted, other = [
        await three_pl.post(f"{path}/credentials", {"kind": "api_key"}) for _ in range(2)
    ]
    token = await api.mailed_token(added)
    shown = await api.client.post("/v1/acceptances/preview", json={"token": token})
    assert {key["id"] for key in shown.json()["credentials"]} == {adopted["id"], other["id"]}
    unknown = await api.accept(token, adopted_credentials=[str(uuid4())])
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    answer = await api.accept(token, adopted_credentials=[adopted["id"]])
    brand = api.party(answer, added["contact"]["email"])
    assert [key["id"] for key in (await brand.get(path))["credentials"]] == [adopted["id"]]
    assert (await three_pl.get(path))["credentials"] == []
    again = await three_pl.call("DELETE", f"{path}/credentials/{adopted['id']}")
    assert again.json()["code"] == "brand_only"
    assert await keys_published(topics, 4) == [0, 1, 2, 1]

    await brand.post(f"/v1/connections/{added['connection']['id']}/disconnect")
    assert [key["id"] for key in (await brand.get(path))["credentials"]] == [adopted["id"]]


async def test_the_keys_of_a_connection_that_nobody_accepted_end_with_it(
    api: Api, topics: Topics
) -> None:
    three_pl = await api.three_pl()
    added = await three_pl.post("/v1/brands", brand_form())
    path = f"/v1/stores/{added['store']['id']}/credentials"
    key = {"idempotency-key": "k"}
    made = await three_pl.call("POST", path, {"kind": "api_key"}, key)
    await three_pl.post(f"/v1/connections/{added['connection']['id']}/disconnect")
    assert await keys_published(topics, 3) == [0, 1, 0]
    shown = await three_pl.call("POST", path, {"kind": "api_key"}, key)
    assert (shown.status_code, made.json()["secret"] in shown.text) == (404, False)


async def test_a_repeated_request_shows_nothing_that_is_over(api: Api) -> None:
    three_pl, brand, added = await api.connected()
    path, key = f"/v1/stores/{added['store']['id']}/credentials", {"idempotency-key": "k"}
    made = (await brand.call("POST", path, {"kind": "api_key"}, key)).json()
    await brand.call("DELETE", f"{path}/{made['id']}")
    again = await brand.call("POST", path, {"kind": "api_key"}, key)
    assert (again.status_code, again.json()["code"]) == (409, "credential_revoked")

    form = brand_form()
    await three_pl.call("POST", "/v1/brands", form, key)
    await api.set_plan(three_pl.id, "free")
    again = await three_pl.call("POST", "/v1/brands", form, key)
    assert (again.status_code, again.json()["code"]) == (402, "plan_required")
