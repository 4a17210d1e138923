"""`relevo verify restore`: what a restored connections has lost, and an end to the dangerous."""

import asyncio
import subprocess
import sys

import orjson
import pytest

from shared.kafka.topics import CONNECTIONS_CHANGED
from tests.kit.client import Json, brand_form
from tests.kit.publishers import Topics
from tests.kit.restoring import Installation, again, newest
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines


def run(installation: Installation, settings: dict[str, str], *options: str) -> tuple[int, str]:
    """What the operator is told, and the exit code."""
    command = [
        sys.executable, "-m", "relevo", "verify", "restore",
        "--dsn", installation.dsn, "--kafka", settings["RELEVO_KAFKA"],
        "--prefix", settings["RELEVO_TOPIC_PREFIX"], *options,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.stdout, done.stderr
    return done.returncode, done.stdout


async def test_the_operator_sees_what_was_lost_and_ends_what_nobody_can_switch_off(  # noqa: PLR0915
    installation: Installation,
    topics: Topics,
    service_settings: dict[str, str],
    backup: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def look(*options: str) -> tuple[int, Json]:
        code, said = run(installation, service_settings, "--json", *options)
        told: Json = orjson.loads(said)
        return code, told

    async with installation.running() as api:
        three_pl, brand, added = await api.connected()
        contact = {"name": "Ada", "email": "late@brand.test"}
        claim = await three_pl.post("/v1/brands", brand_form(contact=contact))
        second = await api.three_pl()
    code, told = await asyncio.to_thread(look)
    assert (code, told["lost"], told["unreadable"]) == (0, [], [])
    await installation.back_up(backup)
    async with installation.running() as api:
        brand, second = again(api, brand), again(api, second)
        form = brand_form(
            contact={"name": "Ada", "email": brand.email}, store_url=added["store"]["domain"]
        )
        lost = await second.post("/v1/brands", form)
        assert (await api.accept(await api.mailed_token(lost), brand)).status_code == 201
        await second.post(f"/v1/connections/{lost['connection']['id']}/activate")
        late = await api.sign_up("brand", contact["email"])
        assert (await api.accept(await api.mailed_token(claim), late)).status_code == 201
        client = {"name": "erp", "scopes": ["connections:read"]}
        machine = await brand.post("/v1/api-clients", client)
        await brand.post(f"/v1/connections/{added['connection']['id']}/deactivate")
        await again(api, three_pl).post(f"/v1/connections/{added['connection']['id']}/activate")
        unknown = await again(api, three_pl).post("/v1/brands", brand_form())
        kept = unknown["store"]["id"]
    connections = {lost["connection"]["id"], unknown["connection"]["id"]}
    installation.restore(backup, monkeypatch)
    # Before connections has started, all of it is behind.
    code, told = await asyncio.to_thread(look)
    assert code == 1
    assert {"account, behind", "connection, behind"} <= {one["kind"] for one in told["lost"]}
    async with installation.running() as api:
        code, told = await asyncio.to_thread(look)
        assert code == 1
        kinds = {(one["kind"], one["id"]) for one in told["lost"]}
        assert {one for kind, one in kinds if kind == "connection"} == connections
        assert ("brand of connection", claim["connection"]["id"]) in kinds
        assert ("API client", machine["client_id"]) in kinds
        assert ("store", kept) in kinds
        assert not [kind for kind, _ in kinds if "behind" in kind]
        code, table = await asyncio.to_thread(run, installation, service_settings)
        assert code == 1
        assert all(one in table for one in connections)
        code, told = await asyncio.to_thread(look, "--end-unknown")
        assert (code, set(told["ended"])) == (1, connections)
        said = await eventually(
            lambda: newest(topics, CONNECTIONS_CHANGED.name),
            lambda now: all(now[one]["state"] == "disconnected" for one in connections),
        )
        entries = (await again(api, brand).get("/v1/audit"))["data"]
        line = next(one for one in entries if one["action"] == "unknown_connection_ended")
        assert (line["store_id"], line["actor"]) == (added["store"]["id"], None)
    records = await topics.all(CONNECTIONS_CHANGED.name)
    for one in connections:
        of_one = [orjson.loads(r.value)["version"] for r in records if r.key == one.encode()]
        assert said[one]["version"] == max(of_one) > sorted(of_one)[-2]
    # It is over, so nobody misses it any more.
    code, told = await asyncio.to_thread(look)
    assert not [one for one in told["lost"] if one["kind"] == "connection"]
    # A database without anything is not one by which connections are ended.
    await installation.look("TRUNCATE accounts CASCADE")
    with pytest.raises(AssertionError, match="knows no account at all"):
        await asyncio.to_thread(look, "--end-unknown")
