"""The brand's order rules on a connection: who sets them, what is told of them, what is refused."""

from typing import Any

import asyncpg
import httpx
import pytest

from shared.contracts.connections_changed import ConnectionChanged
from shared.kafka.topics import CONNECTIONS_CHANGED
from tests.kit.client import Api, Json, Party
from tests.kit.publishers import Topics
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
LIGHT = {"kind": "weight_grams", "at_most": 2000}
SPAIN = {"kind": "country", "any_of": ["es", "PT"]}
RULES: Json = {
    "rules": [{"name": "Iberia", "if": {"kind": "all", "conditions": [SPAIN, LIGHT]},
               "then": "send"}],
    "default": "do_not_send",
}  # fmt: skip


def path(connection: str) -> str:
    return f"/v1/connections/{connection}/order-rules"


async def put(party: Party, connection: str, rules: Any, version: int = 0) -> httpx.Response:
    at = version or (await party.get(f"/v1/connections/{connection}"))["version"]
    return await party.call("PUT", path(connection), rules, {"if-match": f'"{at}"'})


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def told(topics: Topics, connection: str, version: int) -> list[ConnectionChanged]:
    """What the log says of the connection, once it says `version`."""

    async def look() -> list[ConnectionChanged]:
        records = await topics.all(CONNECTIONS_CHANGED.name)
        said = [ConnectionChanged.model_validate_json(record.value) for record in records]
        return [one for one in said if str(one.connection_id) == connection]

    return await eventually(look, lambda said: bool(said) and said[-1].version == version)


async def test_the_brand_sets_them_the_3pl_reads_them_and_the_log_tells_them(
    api: Api, topics: Topics, postgres_dsn: str
) -> None:
    three_pl, brand, added = await api.connected()
    stranger = await api.sign_up("brand")
    connection = added["connection"]["id"]
    none = await brand.get(path(connection))
    assert (none["version"], none["rules"], none["default"]) == (0, [], "send")
    at = none["connection_version"]
    # What counts already is no change.
    assert (await put(brand, connection, {})).json()["connection_version"] == at
    assert refused(await put(three_pl, connection, RULES)) == (403, "not_yours_to_set")
    assert refused(await put(stranger, connection, RULES, at)) == (404, "not_found")
    assert refused(await brand.call("PUT", path(connection), RULES)) == (
        428,
        "precondition_required",
    )

    answer = await put(brand, connection, RULES)
    assert answer.status_code == 200, answer.text
    first = answer.json()
    kept = {"kind": "country", "any_of": ["ES", "PT"]}
    assert first["rules"][0]["if"]["conditions"] == [kept, LIGHT]
    assert (first["version"], first["set_by"], first["connection_version"]) == (1, brand.id, at + 1)
    assert answer.headers["etag"] == f'"{at + 1}"'
    assert await three_pl.get(path(connection)) == await brand.get(path(connection)) == first
    assert refused(await put(brand, connection, {}, at)) == (412, "version_conflict")
    sent_again = {"rules": first["rules"], "default": first["default"]}
    assert (await put(brand, connection, sent_again)).json() == first
    second = (await put(brand, connection, {"default": "do_not_send"})).json()
    assert (second["version"], second["rules"]) == (2, [])

    for party in (brand, three_pl):
        page = await party.get(f"{path(connection)}/versions?limit=1")
        assert [one["version"] for one in page["data"]] == [2]
        page = await party.get(f"{path(connection)}/versions?after={page['next']}")
        assert [(one["version"], one["rules"]) for one in page["data"]] == [(1, first["rules"])]
    for what in ("", "/versions"):
        answer = await stranger.call("GET", path(connection) + what)
        assert refused(answer) == (404, "not_found")
    audit = (await three_pl.get(f"/v1/connections/{connection}/audit"))["data"]
    assert [(one["action"], one["account"]) for one in audit[:2]] == [
        ("order_rules_changed", brand.id)
    ] * 2
    assert audit[1]["from"] == {"order_rules_version": 0, "rules": 0, "default": "send"}
    assert audit[1]["to"] == {"order_rules_version": 1, "rules": 1, "default": "do_not_send"}

    newest = (await told(topics, connection, second["connection_version"]))[-1]
    assert [one.version for one in newest.order_rules] == [1, 2]
    assert newest.order_rules[0].model_dump(mode="json")["rules"] == first["rules"]
    assert newest.order_rules[0].effective_at.isoformat().startswith(first["effective_at"][:19])
    assert newest.settings.version == 1
    # Version 2 counted when the period began, the first is of before.
    session = await asyncpg.connect(postgres_dsn)
    await session.execute(
        "UPDATE connections.order_rules SET effective_at = effective_at - interval '30 days'"
    )
    await session.close()
    version = (await three_pl.set(connection, support_owner="three_pl")).json()["version"]
    newest = (await told(topics, connection, version))[-1]
    assert [one.version for one in newest.order_rules] == [2]

    kinds = (await three_pl.get("/v1/rule-conditions"))["data"]
    assert {"country", "all", "not"} < {one["kind"] for one in kinds}
    await brand.post(f"/v1/connections/{connection}/disconnect")
    assert refused(await put(brand, connection, RULES)) == (409, "invalid_transition")


def rule(condition: Any, **other: Any) -> Json:
    return {"name": "A", "if": condition, "then": "send", **other}


def nested(times: int) -> Json:
    condition: Json = SPAIN
    for _ in range(times):
        condition = {"kind": "not", "condition": condition}
    return condition


async def test_what_is_wrong_is_named_where_it_was_sent(api: Api) -> None:
    _, brand, added = await api.connected()
    connection = added["connection"]["id"]
    good = rule(SPAIN)
    wrong = {"kind": "weight_grams", "at_least": -1}
    for rules, pointer in (
        ([good, good, good, rule({"kind": "all", "conditions": [wrong]})],
         "/rules/3/if/conditions/0/at_least"),
        ([rule({"kind": "not", "condition": {"kind": "any", "conditions": [SPAIN, wrong]}})],
         "/rules/0/if/condition/conditions/1/at_least"),
        ([rule({"kind": "weight_grams"})], "/rules/0/if"),
        ([rule({"kind": "country", "any_of": ["ES", "Spain"]})], "/rules/0/if/any_of/1"),
        ([rule({"kind": "moon"})], "/rules/0/if"),
        ([rule({"kind": "payment_method", "any_of": ["cod"]})], "/rules/0/if"),
        ([rule(nested(5))], "/rules/0/if"),
        ([rule(SPAIN, name=" ")], "/rules/0/name"),
        ([rule(SPAIN, than="send")], "/rules/0/than"),
        ([rule(SPAIN, then="perhaps")], "/rules/0/then"),
        ([good] * 201, "/rules"),
    ):  # fmt: skip
        answer = await put(brand, connection, {"rules": rules}, 2)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer
    # However deep it is, it is an answer.
    for times, status in ((300, 422), (1500, 400)):
        deep = '{"kind":"not","condition":' * times + "{}" + "}" * times
        headers = {"authorization": f"Bearer {brand.token}", "if-match": '"2"'}
        body = f'{{"rules":[{{"name":"A","if":{deep},"then":"send"}}]}}'
        headers["content-type"] = "application/json"
        answer = await api.client.put(path(connection), content=body, headers=headers)
        assert answer.status_code == status, answer.text
    answer = await put(brand, connection, {"rules": [rule(SPAIN, name="x" * 70_000)]}, 2)
    assert refused(answer) == (413, "body_too_large")
    assert (await brand.get(path(connection)))["version"] == 0


def large(mark: int) -> Json:
    words = [f"{number:03}-{mark}-{'x' * 190}" for number in range(100)]
    tags = {"kind": "any", "conditions": [{"kind": "tag", "any_of": words}] * 3}
    return {"rules": [rule(tags)]}


async def test_versions_that_have_no_room_on_the_log_wait(
    api: Api, topics: Topics, postgres_dsn: str
) -> None:
    _, brand, added = await api.connected()
    connection = added["connection"]["id"]
    for mark in range(6):
        answer = await put(brand, connection, large(mark))
        assert answer.status_code == 200, answer.text
    before = await brand.get(path(connection))
    answer = await put(brand, connection, large(7))
    assert refused(answer) == (429, "order_rules_changed_too_often")
    assert 7 * 86_400 < int(answer.headers["retry-after"]) <= 8 * 86_400
    assert await brand.get(path(connection)) == before
    said = await told(topics, connection, before["connection_version"])
    assert max(len(one.model_dump_json()) for one in said) < 420_000
    # There is room again when the second has counted for the whole period.
    session = await asyncpg.connect(postgres_dsn)
    await session.execute(
        "UPDATE connections.order_rules SET effective_at = effective_at - interval '9 days'"
        " WHERE version <= 2"
    )
    await session.close()
    last = (await put(brand, connection, large(7))).json()
    newest = (await told(topics, connection, last["connection_version"]))[-1]
    assert last["version"] == 7
    assert [one.version for one in newest.order_rules] == [2, 3, 4, 5, 6, 7]
