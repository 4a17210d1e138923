"""A ping to a URL before it is saved."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook
from uuid_utils.compat import uuid7

from tests.integration.webhooks.conftest import MakeApp
from tests.kit.receiver import Receiver

pytestmark = pytest.mark.engines
MakeToken = Callable[..., str]


async def ask(app: Any, token: str, url: str) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://webhooks") as client:
        return await client.post(
            "/v1/endpoints/test", json={"url": url}, headers={"authorization": f"Bearer {token}"}
        )


async def test_the_receiver_gets_a_signed_ping_and_its_answer_is_shown(
    start: MakeApp, receiver: Receiver, make_token: MakeToken
) -> None:
    app, token = await start(), make_token(uuid7(), "three_pl")
    answer = (await ask(app, token, receiver.url)).json()
    assert (answer["ok"], answer["status"], answer["error"]) == (True, 200, None)
    [got] = receiver.got
    event = Webhook(answer["secret"]).verify(got.body, dict(got.headers))
    assert event["type"] == "ping"
    assert got.headers["webhook-id"] == answer["webhook_id"]
    receiver.will(503)
    answer = (await ask(app, token, receiver.url)).json()
    assert (answer["ok"], answer["status"]) == (False, 503)


async def test_it_goes_through_the_guard(start: MakeApp, make_token: MakeToken) -> None:
    app = await start(webhooks_allowed_networks=(), webhooks_allow_http=False)
    for url in (
        "http://127.0.0.1:1/",
        "https://127.0.0.1/",
        "https://169.254.169.254/x",
        "ftp://x",
    ):
        answer = await ask(app, make_token(uuid7(), "three_pl"), url)
        assert answer.status_code == 200, answer.text
        assert (answer.json()["ok"], answer.json()["error"]) == (False, "address_refused"), url


async def test_an_account_gets_ten_a_minute_and_a_viewer_none(
    start: MakeApp, receiver: Receiver, make_token: MakeToken
) -> None:
    app, account = await start(), uuid7()
    token = make_token(account, "three_pl")
    statuses = [(await ask(app, token, receiver.url)).status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    assert (await ask(app, make_token(uuid7(), "brand"), receiver.url)).status_code == 200
    viewer = await ask(app, make_token(uuid7(), "brand", "viewer"), receiver.url)
    assert (viewer.status_code, viewer.json()["code"]) == (403, "role_required")
