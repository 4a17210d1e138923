"""Switching on and off, settings, the audit log; other services hear of every change."""

import asyncio
import random
from typing import Any

import pytest

from services.connections.main import create_app
from services.connections.settings import Settings
from shared.contracts.connections_changed import ConnectionChanged
from shared.kafka.topics import CONNECTIONS_CHANGED
from shared.sealing import Sealer
from tests.kit.client import Api, Party, brand_form
from tests.kit.publishers import Topics
from tests.kit.serving import ready, running

URL = "https://8.8.8.8/hooks"


async def changes_of(topics: Topics, connection: str, count: int) -> list[ConnectionChanged]:
    """The messages about one connection, in the order of the log."""
    records = await topics.all(CONNECTIONS_CHANGED.name, at_least=count)
    return [
        ConnectionChanged.model_validate_json(record.value)
        for record in records
        if record.key == connection.encode()
    ]


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_every_switch_is_published_with_version_and_epoch(api: Api, topics: Topics) -> None:
    three_pl, brand, added = await api.connected()
    path = f"/v1/connections/{added['connection']['id']}"
    for party, verb in (
        (three_pl, "activate"), (brand, "deactivate"), (brand, "activate"),
        (three_pl, "deactivate"), (brand, "disconnect"),
    ):  # fmt: skip
        await party.post(f"{path}/{verb}")
    changes = await changes_of(topics, added["connection"]["id"], 7)
    assert [(change.version, change.state, change.epoch) for change in changes] == [
        (1, "pending", 0), (2, "inactive", 0), (3, "active", 1), (4, "inactive", 1),
        (5, "active", 2), (6, "inactive", 2), (7, "disconnected", 2),
    ]  # fmt: skip


async def test_asking_for_what_is_so_already_changes_nothing(api: Api, topics: Topics) -> None:
    three_pl, _, added = await api.connected()
    path = f"/v1/connections/{added['connection']['id']}"
    on = [await three_pl.post(f"{path}/activate") for _ in range(3)]
    assert [(answer["version"], answer["epoch"]) for answer in on] == [(3, 1)] * 3
    off = [await three_pl.post(f"{path}/deactivate") for _ in range(2)]
    assert [answer["version"] for answer in off] == [4, 4]
    gone = [await three_pl.post(f"{path}/disconnect") for _ in range(2)]
    assert [answer["version"] for answer in gone] == [5, 5]
    audit = (await three_pl.get(f"{path}/audit"))["data"]
    assert [entry["action"] for entry in audit] == [
        "disconnected", "deactivated", "activated", "accepted", "created",
    ]  # fmt: skip
    assert len(await changes_of(topics, added["connection"]["id"], 5)) == 5


async def test_what_a_state_does_not_allow_is_409_with_the_state(api: Api) -> None:
    three_pl = await api.three_pl()
    added = await three_pl.post("/v1/brands", brand_form())
    path = f"/v1/connections/{added['connection']['id']}"
    for verb in ("activate", "deactivate"):
        answer = await three_pl.call("POST", f"{path}/{verb}")
        assert refused(answer) == (409, "invalid_transition")
        assert answer.json()["state"] == "pending"
    await three_pl.post(f"{path}/disconnect")
    for verb in ("activate", "deactivate"):
        answer = await three_pl.call("POST", f"{path}/{verb}")
        assert answer.json()["state"] == "disconnected"
    answer = await three_pl.set(added["connection"]["id"], billing_owner="three_pl")
    assert refused(answer) == (409, "invalid_transition")
    # The link of a connection that is over shows nothing.
    link = {"token": added["login_link"]["token"]}
    answer = await api.client.post("/v1/login-links/open", json=link)
    assert refused(answer) == (410, "login_link_expired")


async def test_a_downgraded_3pl_goes_on_but_does_not_activate(api: Api) -> None:
    three_pl, brand, added = await api.connected()
    path = f"/v1/connections/{added['connection']['id']}"
    await three_pl.post(f"{path}/activate")
    await api.set_plan(three_pl.id, "free")
    assert (await three_pl.get(path))["state"] == "active"
    assert (await three_pl.set(added["connection"]["id"], webhook_url=URL)).status_code == 200
    await brand.post(f"{path}/deactivate")
    for party in (three_pl, brand):
        answer = await party.call("POST", f"{path}/activate")
        assert refused(answer) == (402, "plan_required")


async def two_of_one_store(api: Api) -> tuple[Party, list[Party], list[str]]:
    first, brand, added = await api.connected()
    second = await api.three_pl()
    form = brand_form(
        contact={"name": "Bea", "email": brand.email}, store_url=added["store"]["domain"]
    )
    again = await second.post("/v1/brands", form)
    await api.accepted(again)
    ids = [added["connection"]["id"], again["connection"]["id"]]
    return brand, [first, second], ids


async def test_two_active_connections_of_a_store_need_different_priorities(
    api: Api,
) -> None:
    brand, parties, ids = await two_of_one_store(api)
    assert (await brand.set(ids[1], priority=100)).json()["priority"] == 100
    answers = await asyncio.gather(
        *(
            party.call("POST", f"/v1/connections/{connection}/activate")
            for party, connection in zip(parties, ids, strict=True)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    loser = [answer.status_code for answer in answers].index(409)
    assert answers[loser].json()["code"] == "priority_taken"
    assert (await brand.set(ids[loser], priority=5)).json()["priority"] == 5
    activated = await parties[loser].post(f"/v1/connections/{ids[loser]}/activate")
    assert activated["state"] == "active"
    back = await brand.set(ids[loser], priority=100)
    assert refused(back) == (409, "priority_taken")


async def test_the_priority_is_the_brands_and_a_new_connection_comes_last(api: Api) -> None:
    brand, parties, ids = await two_of_one_store(api)
    assert [(await brand.get(f"/v1/connections/{one}"))["priority"] for one in ids] == [100, 101]
    for party, connection in zip(parties, ids, strict=True):
        answer = await party.set(connection, priority=1)
        assert refused(answer) == (403, "not_yours_to_set")
        await party.post(f"/v1/connections/{connection}/activate")
    assert (await brand.set(ids[1], priority=1)).json()["priority"] == 1


async def test_a_change_needs_the_version_that_was_read(api: Api) -> None:
    three_pl, _, added = await api.connected()
    path = f"/v1/connections/{added['connection']['id']}/settings"
    change = {"shipping_rules_owner": "three_pl"}
    answer = await three_pl.call("PATCH", path, change)
    assert refused(answer) == (428, "precondition_required")
    answer = await three_pl.call("PATCH", path, change, {"if-match": '"1"'})
    assert refused(answer) == (412, "version_conflict")
    assert (answer.json()["version"], answer.headers["etag"]) == (2, '"2"')
    for nonsense in ('"two"', "*", '""', f'"{"9" * 5_000}"'):
        answer = await three_pl.call("PATCH", path, change, {"if-match": nonsense})
        assert refused(answer) == (422, "validation_failed"), nonsense
    read = await three_pl.call("GET", f"/v1/connections/{added['connection']['id']}")
    answer = await three_pl.call("PATCH", path, change, {"if-match": read.headers["etag"]})
    assert answer.json()["version"] == 3
    stale = await three_pl.call(
        "POST", f"/v1/connections/{added['connection']['id']}/activate", None, {"if-match": '"2"'}
    )
    assert refused(stale) == (412, "version_conflict")


async def test_of_changes_at_once_that_saw_the_same_version_one_wins(api: Api) -> None:
    three_pl, brand, added = await api.connected()
    path = f"/v1/connections/{added['connection']['id']}/settings"
    answers = await asyncio.gather(
        *(
            party.call("PATCH", path, {owner: "three_pl"}, {"if-match": '"2"'})
            for party, owner in [(three_pl, "billing_owner"), (brand, "support_owner")] * 4
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7


async def test_a_settings_change_is_a_new_version_and_the_old_ones_stay(
    api: Api, topics: Topics
) -> None:
    three_pl, brand, added = await api.connected()
    connection = added["connection"]["id"]
    await three_pl.set(connection, webhook_url=URL)
    await brand.set(connection, billing_owner="three_pl", support_owner="three_pl")
    nothing = await brand.set(connection, billing_owner="three_pl")
    assert nothing.json()["settings"]["version"] == 3
    path = f"/v1/connections/{connection}/settings/versions"
    versions = (await brand.get(path))["data"]
    assert [
        (version["version"], version["billing_owner"], (version["webhook"] or {}).get("url"))
        for version in versions
    ] == [(3, "three_pl", "https://8.8.8.8"), (2, "brand", "https://8.8.8.8"), (1, "brand", None)]
    assert [version["created_by"] for version in versions] == [brand.id, three_pl.id, three_pl.id]
    first = await brand.get(f"{path}?limit=1")
    second = await brand.get(f"{path}?limit=1&after={first['next']}")
    assert [page["data"][0]["version"] for page in (first, second)] == [3, 2]

    (newest,) = (await changes_of(topics, connection, 4))[-1:]
    assert newest.settings.version == 3
    assert newest.settings.endpoint_id == newest.endpoints[0].id
    audit = (await brand.get(f"/v1/connections/{connection}/audit"))["data"]
    assert (audit[0]["account"], audit[0]["from"], audit[0]["to"]) == (
        brand.id,
        {"billing_owner": "brand", "support_owner": "brand"},
        {"billing_owner": "three_pl", "support_owner": "three_pl"},
    )


async def test_only_the_3pl_sets_the_webhook(api: Api) -> None:
    _, brand, added = await api.connected()
    answer = await brand.set(added["connection"]["id"], webhook_url=URL)
    assert refused(answer) == (403, "not_yours_to_set")


async def test_a_url_is_one_endpoint_whose_secret_is_shown_once(
    api: Api, topics: Topics, service_settings: dict[str, str]
) -> None:
    three_pl, _, added = await api.connected()
    connection = added["connection"]["id"]
    shown = (await three_pl.set(connection, webhook_url=URL)).json()["settings"]["webhook"]
    assert shown["secret"].startswith("whsec_")
    other = (await three_pl.set(connection, webhook_url=f"{URL}/b")).json()["settings"]["webhook"]
    assert other["endpoint_id"] != shown["endpoint_id"]
    removed = await three_pl.set(connection, webhook_url=None)
    assert removed.json()["settings"]["webhook"] is None
    back = (await three_pl.set(connection, webhook_url=URL)).json()["settings"]["webhook"]
    assert back == {"endpoint_id": shown["endpoint_id"], "url": URL, "secret": None}
    read = await three_pl.get(f"/v1/connections/{connection}")
    assert read["settings"]["webhook"]["secret"] is None

    newest = (await changes_of(topics, connection, 6))[-1]
    sealer = Sealer.parse(service_settings["RELEVO_SEALING_KEYS"])
    assert [
        (sealer.open(endpoint.sealed_url or "", f"endpoint-url:{endpoint.id}"), endpoint.url)
        for endpoint in newest.endpoints
    ] == [(URL, None), (f"{URL}/b", None)]
    (sealed,) = newest.endpoints[0].sealed_secrets
    assert sealer.open(sealed, f"endpoint:{shown['endpoint_id']}") == shown["secret"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("webhook_url", "ftp://3pl.example/"),
        ("webhook_url", "https://user:secret@3pl.example/"),
        ("webhook_url", "/hooks"),
        ("priority", -1),
        ("billing_owner", "carrier"),
    ],
)
async def test_a_setting_that_cannot_be_is_named(api: Api, field: str, value: object) -> None:
    three_pl, _, added = await api.connected()
    answer = await three_pl.set(added["connection"]["id"], **{field: value})
    assert refused(answer) == (422, "validation_failed")
    assert answer.json()["errors"][0]["pointer"] == f"/{field}"
    assert "secret@" not in answer.text


@pytest.mark.parametrize("seed", [1, 2])
async def test_switches_from_two_processes_at_once_leave_one_history(
    api: Api, topics: Topics, service_settings: dict[str, str], seed: int
) -> None:
    """Versions without gaps or repeats, on the log as in the audit; epochs count activations."""
    three_pl, brand, added = await api.connected()
    connection = added["connection"]["id"]
    dice = random.Random(seed)  # noqa: S311  a seed, not a secret
    async with running(create_app(Settings())) as elsewhere:
        await ready(elsewhere)
        theirs = Party(elsewhere, brand.id, brand.email, brand.token)
        answers = await asyncio.gather(
            *(
                dice.choice([three_pl, theirs]).call(
                    "POST",
                    f"/v1/connections/{connection}/{dice.choice(['activate', 'deactivate'])}",
                )
                for _ in range(40)
            )
        )
        assert {answer.status_code for answer in answers} == {200}
        last = (await theirs.get(f"/v1/connections/{connection}"))["version"]
        changes = await changes_of(topics, connection, last)
    assert [change.version for change in changes] == list(range(1, last + 1))
    switches = [change.state for change in changes[1:]]
    assert switches == [("inactive", "active")[number % 2] for number in range(len(switches))]
    assert [change.epoch for change in changes] == [number // 2 for number in range(len(changes))]
