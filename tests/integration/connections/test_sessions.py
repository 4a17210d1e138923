"""Sessions: going on, logging out, and that every service hears of it."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from services.connections.main import create_app
from services.connections.settings import Settings
from services.routing.main import create_app as create_routing
from services.routing.settings import Settings as RoutingSettings
from shared.contracts.accounts_changed import AccountChanged
from shared.kafka.topics import ACCOUNTS_CHANGED
from tests.kit.client import PASSWORD, Api, Party
from tests.kit.publishers import Topics
from tests.kit.serving import ready, running
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines


async def log_in(api: Api, party: Party, **fields: Any) -> dict[str, Any]:
    answer = await api.client.post(
        "/v1/sessions", json={"email": party.email, "password": PASSWORD, **fields}
    )
    assert answer.status_code == 201
    session: dict[str, Any] = answer.json()
    return session


async def refreshed(api: Api, token: str) -> httpx.Response:
    return await api.client.post("/v1/sessions/refresh", json={"refresh_token": token})


def holder(api: Api, session: dict[str, Any]) -> Party:
    return Party(api.client, session["account_id"], "", session["access_token"])


async def test_a_refresh_token_is_good_once_and_the_answer_may_be_lost(api: Api) -> None:
    session = await log_in(api, await api.sign_up("brand"))
    first = await refreshed(api, session["refresh_token"])
    assert first.status_code == 200
    assert first.json()["session_id"] == session["session_id"]
    # The client did not see that answer, and asks again at once.
    again = await refreshed(api, session["refresh_token"])
    assert again.status_code == 200
    assert again.json()["refresh_token"] != first.json()["refresh_token"]
    await holder(api, again.json()).get("/v1/sessions")


async def test_a_stolen_refresh_token_ends_the_session_for_both(
    api: Api, postgres_dsn: str
) -> None:
    session = await log_in(api, await api.sign_up("brand"))
    thief = (await refreshed(api, session["refresh_token"])).json()
    database = await asyncpg.connect(postgres_dsn)
    await database.execute(
        "UPDATE connections.refresh_tokens SET used_at = used_at - interval '1 minute'"
    )
    await database.close()
    victim = await refreshed(api, session["refresh_token"])
    assert (victim.status_code, victim.json()["code"]) == (401, "invalid_grant")
    assert (await refreshed(api, thief["refresh_token"])).status_code == 401
    await refused_soon(api, holder(api, thief))
    await refused_soon(api, holder(api, session))


async def refused_soon(api: Api, party: Party) -> None:
    async def status() -> int:
        return (await party.call("GET", "/v1/sessions")).status_code

    await eventually(status, lambda seen: seen == 401)


async def test_nobody_goes_on_after_a_month_of_silence_or_with_an_invented_token(
    api: Api, postgres_dsn: str
) -> None:
    session = await log_in(api, await api.sign_up("brand"))
    assert (await refreshed(api, "rrt_invented")).status_code == 401
    database = await asyncpg.connect(postgres_dsn)
    await database.execute("UPDATE connections.sessions SET seen_at = now() - interval '31 days'")
    await database.close()
    assert (await refreshed(api, session["refresh_token"])).status_code == 401


async def test_one_sees_and_ends_ones_own_sessions_and_nobody_elses(api: Api) -> None:
    party = await api.sign_up("brand")
    answer = await api.client.post(
        "/v1/sessions",
        json={"email": party.email, "password": PASSWORD},
        headers={"user-agent": "Firefox \x1b[31m" + "x" * 300},
    )
    other = answer.json()
    listed = (await holder(api, other).get("/v1/sessions"))["data"]
    assert [one["is_current"] for one in listed] == [True, False]
    assert listed[0]["device"].startswith("Firefox [31mx")
    assert len(listed[0]["device"]) == 200
    stranger = await api.sign_up("brand")
    gone = await stranger.call("DELETE", f"/v1/sessions/{other['session_id']}")
    assert gone.status_code == 404
    assert (await party.call("DELETE", f"/v1/sessions/{other['session_id']}")).status_code == 204
    assert (await refreshed(api, other["refresh_token"])).status_code == 401
    await refused_soon(api, holder(api, other))
    assert len((await party.get("/v1/sessions"))["data"]) == 1


async def test_a_log_out_is_known_to_other_processes_and_services(
    api: Api, service_settings: dict[str, str], topics: Topics
) -> None:
    party = await api.sign_up("brand")
    stays = await log_in(api, party)
    async with (
        running(create_app(Settings())) as replica,
        running(create_routing(RoutingSettings())) as routing,
    ):
        await asyncio.gather(ready(replica), ready(routing))

        async def statuses(token: str) -> set[int]:
            headers = {"authorization": f"Bearer {token}"}
            answers = await asyncio.gather(
                replica.get("/v1/stores", headers=headers),
                routing.get("/v1/orders", headers=headers),
                api.client.get("/v1/stores", headers=headers),
            )
            return {answer.status_code for answer in answers}

        assert await statuses(party.token) == {200}
        assert (await party.call("DELETE", "/v1/sessions/current")).status_code == 204
        await eventually(lambda: statuses(party.token), lambda seen: seen == {401})
        assert await statuses(stays["access_token"]) == {200}

        # A new password ends every session, at once for all services.
        await api.client.post("/v1/password-resets", json={"email": party.email})
        token = (await api.mailbox.wait_for(party.email, 2))[-1].token
        answer = await api.client.post(
            "/v1/password-resets/redeem", json={"token": token, "password": "a new one of mine"}
        )
        await eventually(lambda: statuses(stays["access_token"]), lambda seen: seen == {401})
        assert await statuses(answer.json()["access_token"]) == {200}
    assert (await refreshed(api, stays["refresh_token"])).status_code == 401
    records = await topics.all(ACCOUNTS_CHANGED.name, at_least=3)
    said = [AccountChanged.model_validate_json(record.value) for record in records]
    assert [one.version for one in said] == sorted({one.version for one in said})
    assert {str(one.account_id) for one in said} == {party.id}


async def test_a_plan_is_told_of(api: Api, topics: Topics) -> None:
    three_pl = await api.three_pl()
    records = await topics.all(ACCOUNTS_CHANGED.name, at_least=2)
    said = AccountChanged.model_validate_json(records[-1].value)
    assert (str(said.account_id), said.plan, len(said.people)) == (three_pl.id, "conquer", 1)
    assert (await three_pl.call("DELETE", f"/v1/sessions/{uuid4()}")).status_code == 404
