"""Is it arriving: the newest order and what was refused, of all processes together."""

from collections.abc import Callable
from uuid import uuid4

import orjson
import pytest

from services.ingest.main import create_app
from services.ingest.settings import Settings
from tests.integration.ingest.conftest import BEARER, StoreOwner, an_order, known, signed
from tests.kit.serving import ready, running
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
MakeToken = Callable[..., str]


async def test_whether_a_store_s_orders_arrive_is_written_now_and_then(
    service_settings: dict[str, str], shop: StoreOwner, make_token: MakeToken
) -> None:
    brand = {"authorization": f"Bearer {make_token(shop.brand_id, 'brand')}"}
    path = f"/v1/stores/{shop.id}/arrivals"
    settings = Settings(ingest_arrival_seconds=0.05)
    async with running(create_app(settings)) as client, running(create_app(settings)) as other:
        for one in (client, other):
            await ready(one)
        await shop.publish()
        for one in (client, other):
            await known(one, shop)
        empty = (await client.get(path, headers=brand)).json()
        assert (empty["last_order"], empty["refusals"]) == (None, [])

        orders = f"/v1/stores/{shop.id}/orders"
        await client.post(orders, content=orjson.dumps(an_order("7")), headers=BEARER)
        await client.post(f"/v1/stores/{shop.id}/test-order", headers=brand)
        for one in (client, other):
            wrong = {"authorization": "Bearer no", "content-type": "application/json"}
            await one.post(orders, content=b"{}", headers=wrong)
        await other.post(orders, content=b'{"external_id": 7}', headers=BEARER)
        await other.post(orders, content=b"{", headers=BEARER)
        hook = f"/webhooks/shopify/{shop.id}"
        await other.post(hook, content=b"{}", headers=signed(b"{}", secret="another"))

        async def said() -> dict[str, dict[str, object]]:
            found = (await client.get(path, headers=brand)).json()
            assert found["last_order"] is None or found["last_order"]["external_id"] == "7"
            if found["last_order"] is None:
                return {}
            return {one["code"]: one for one in found["refusals"]}

        codes = {"invalid_key", "validation_failed", "quarantined", "invalid_signature"}
        found = await eventually(
            said, lambda all_: set(all_) == codes and all_["invalid_key"]["requests"] == 2
        )
        assert found["invalid_key"]["status"] == 401
        assert found["quarantined"]["status"] == 202
        stranger = {"authorization": f"Bearer {make_token(uuid4(), 'brand')}"}
        assert (await client.get(path, headers=stranger)).status_code == 404
