"""The operator's view: which accounts there are, and what a plan changes."""

import asyncio
import json
import os
import socket
import sys
from asyncio.subprocess import PIPE

import httpx
import pytest
import uvicorn

from services.connections.main import create_app
from services.connections.settings import Settings
from tests.kit.client import Api, Json, brand_form
from tests.kit.serving import ready
from tests.kit.waiting import wait_until


async def listed(api: Api, query: str = "") -> list[Json]:
    answer = await api.client.get(
        f"/v1/accounts{query}", headers={"authorization": f"Bearer {api.operator_key}"}
    )
    assert answer.status_code == 200, answer.text
    rows: list[Json] = answer.json()["data"]
    return rows


async def test_the_operator_lists_accounts_with_people_plan_and_connections(api: Api) -> None:
    three_pl, brand, added = await api.connected()
    await three_pl.post(f"/v1/connections/{added['connection']['id']}/activate")
    claim = await three_pl.post("/v1/brands", brand_form(company_name="Café Zoë"))
    rows = await listed(api)
    assert [
        (row["id"], row["kind"], row["plan"], row["people"], row["connections"]) for row in rows
    ] == [
        (claim["id"], "brand", "free", 0, {"pending": 1}),
        (brand.id, "brand", "free", 1, {"active": 1}),
        (three_pl.id, "three_pl", "conquer", 1, {"active": 1, "pending": 1}),
    ]
    for query, expected in (
        ("?q=cafe", [claim["id"]]), ("?q=CAFÉ+zo", [claim["id"]]), ("?q=afe", []), ("?q=!", []),
        ("?kind=three_pl", [three_pl.id]), ("?plan=free", [claim["id"], brand.id]),
        ("?plan=free&q=acme", [brand.id]), ("?plan=conquer&kind=brand", []),
    ):  # fmt: skip
        assert [row["id"] for row in await listed(api, query)] == expected, query
    answer = await three_pl.call("GET", "/v1/accounts")
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_operator_key")


async def test_accounts_are_read_page_by_page(api: Api) -> None:
    made = [(await api.sign_up("brand")).id for _ in range(3)]
    headers = {"authorization": f"Bearer {api.operator_key}"}
    seen, after = [], ""
    while True:
        page = (await api.client.get(f"/v1/accounts?limit=1{after}", headers=headers)).json()
        seen += [row["id"] for row in page["data"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == made[::-1]


async def test_a_downgrade_says_how_many_connections_go_on(api: Api) -> None:
    three_pl, _, added = await api.connected()
    await three_pl.post(f"/v1/connections/{added['connection']['id']}/activate")
    answer = await api.set_plan(three_pl.id, "free")
    assert (answer.json()["plan"], answer.json()["active_connections"]) == ("free", 1)


@pytest.fixture
def url() -> str:
    """Where nothing listens yet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


async def test_the_command_lists_accounts_changes_plans_and_erases(api: Api, url: str) -> None:
    three_pl, _, added = await api.connected()
    await three_pl.post(f"/v1/connections/{added['connection']['id']}/activate")
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(Settings()), port=int(url.rsplit(":", 1)[1]), log_config=None, ws="none"
        )
    )
    serving = asyncio.create_task(server.serve())
    await wait_until(lambda: server.started)
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        await ready(client)
    environment = {
        "RELEVO_CONNECTIONS_OPERATOR_KEY": api.operator_key,
        "RELEVO_CONNECTIONS_PUBLIC_URL": url,
        "COLUMNS": "200",
    }

    async def run(*words: str, **more: str) -> tuple[int, str]:
        command = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "relevo", "accounts", *words,
            env={**os.environ, **environment, **more}, stdout=PIPE, stderr=PIPE,
        )  # fmt: skip
        said, _ = await command.communicate()
        return command.returncode or 0, said.decode()

    code, out = await run("list", "--kind", "three_pl", "--json")
    assert (code, [row["id"] for row in json.loads(out)]) == (0, [three_pl.id])
    code, out = await run("list")
    assert code == 0
    assert all(word in out for word in (three_pl.id, "conquer", "1 active"))
    code, out = await run("plan", three_pl.id, "free", "--json")
    assert (code, json.loads(out)["active_connections"]) == (0, 1)
    assert (await listed(api, "?kind=three_pl"))[0]["plan"] == "free"
    assert (await run("plan", three_pl.id, "conquer"))[0] == 0
    assert (await run("plan", added["connection"]["id"], "conquer"))[0] == 1
    # Nothing is erased without a word, nor while a connection is live.
    assert (await run("erase", three_pl.id))[0] == 2
    assert (await run("erase", three_pl.id, "--yes"))[0] == 1
    path = f"/v1/connections/{added['connection']['id']}/disconnect"
    assert (await three_pl.call("POST", path)).is_success
    code, out = await run("erase", three_pl.id, "--yes", "--json")
    assert (code, json.loads(out)["account_id"]) == (0, three_pl.id)
    assert await listed(api, "?kind=three_pl") == []
    assert (await run("list", RELEVO_CONNECTIONS_OPERATOR_KEY="wrong"))[0] == 1
    server.should_exit = True
    await serving
    assert (await run("list"))[0] == 1
