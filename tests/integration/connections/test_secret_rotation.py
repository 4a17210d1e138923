"""Webhooks of a connection: secrets rotated without a gap, re-pointed, shown again if lost."""

import httpx
import pytest

from shared.contracts.connections_changed import ConnectionChanged
from shared.kafka.topics import CONNECTIONS_CHANGED
from shared.sealing import Sealer
from tests.kit.client import Api, Party
from tests.kit.publishers import Topics

pytestmark = pytest.mark.engines
URL = "https://127.0.0.1:9/hooks"


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def published(topics: Topics, sealing_keys: str, version: int) -> list[str]:
    """The secrets that sign, as the newest message has them."""
    records = await topics.all(CONNECTIONS_CHANGED.name, at_least=version)
    changes = [ConnectionChanged.model_validate_json(record.value) for record in records]
    (endpoint,) = max(changes, key=lambda change: change.version).endpoints
    sealer = Sealer.parse(sealing_keys)
    return [sealer.open(sealed, f"endpoint:{endpoint.id}") for sealed in endpoint.sealed_secrets]


async def with_webhook(api: Api) -> tuple[Party, Party, str, str]:
    three_pl, brand, added = await api.connected()
    connection = added["connection"]["id"]
    changed = await three_pl.set(connection, webhook_url=URL)
    assert changed.status_code == 200, changed.text
    return three_pl, brand, connection, changed.json()["settings"]["webhook"]["secret"]


async def test_two_secrets_sign_until_the_next_rotation(
    api: Api, topics: Topics, service_settings: dict[str, str]
) -> None:
    three_pl, brand, connection, first = await with_webhook(api)
    path = f"/v1/connections/{connection}/webhook-secret"
    keys = service_settings["RELEVO_SEALING_KEYS"]
    second = await three_pl.post(path)
    assert await published(topics, keys, second["version"]) == [second["secret"], first]
    third = await three_pl.post(path)
    assert await published(topics, keys, third["version"]) == [third["secret"], second["secret"]]
    assert code(await brand.call("POST", path)) == (403, "not_yours_to_set")
    stale = await three_pl.call("POST", path, None, {"if-match": '"1"'})
    assert code(stale) == (412, "version_conflict")
    audit = (await brand.get(f"/v1/connections/{connection}/audit"))["data"]
    assert [entry["action"] for entry in audit][:2] == ["secret_rotated"] * 2
    assert third["secret"] not in str(audit)


async def test_without_a_webhook_there_is_nothing_to_rotate(api: Api) -> None:
    three_pl, _, added = await api.connected()
    path = f"/v1/connections/{added['connection']['id']}"
    assert code(await three_pl.call("POST", f"{path}/webhook-secret")) == (404, "not_found")
    await three_pl.set(added["connection"]["id"], webhook_url=URL)
    await three_pl.post(f"{path}/disconnect")
    answer = await three_pl.call("POST", f"{path}/webhook-secret")
    assert code(answer) == (409, "invalid_transition")


async def test_a_lost_answer_is_had_again_by_its_key(api: Api) -> None:
    three_pl, brand, added = await api.connected()
    path = f"/v1/connections/{added['connection']['id']}"
    at = (await three_pl.get(path))["version"]
    headers = {"if-match": f'"{at}"', "idempotency-key": "k"}

    async def change(party: Party, **fields: object) -> httpx.Response:
        return await party.call("PATCH", f"{path}/settings", fields, headers)

    first = await change(three_pl, webhook_url=URL)
    again = await change(three_pl, webhook_url=URL)
    assert first.json()["settings"]["webhook"]["secret"]
    assert (again.status_code, again.json()) == (200, first.json())
    # To leave a field out is not to empty it.
    assert code(await change(three_pl)) == (422, "idempotency_mismatch")
    assert code(await change(three_pl, webhook_url=None)) == (422, "idempotency_mismatch")
    assert code(await change(brand, support_owner="three_pl")) == (412, "version_conflict")
    rotated = await three_pl.call("POST", f"{path}/webhook-secret", None, {"idempotency-key": "r"})
    same = await three_pl.call("POST", f"{path}/webhook-secret", None, {"idempotency-key": "r"})
    assert same.json() == rotated.json()
    await three_pl.set(added["connection"]["id"], webhook_url=None)
    assert code(await change(three_pl, webhook_url=URL)) == (409, "credential_revoked")


async def test_a_re_point_sends_older_orders_to_the_current_webhook(
    api: Api, topics: Topics
) -> None:
    three_pl, brand, connection, _ = await with_webhook(api)
    path = f"/v1/connections/{connection}"
    old = (await three_pl.get(path))["settings"]["webhook"]["endpoint_id"]
    await three_pl.set(connection, webhook_url=f"{URL}/new")
    new = (await three_pl.get(path))["settings"]["webhook"]["endpoint_id"]
    assert code(await brand.call("POST", f"{path}/repoint")) == (403, "not_yours_to_set")
    stale = await three_pl.call("POST", f"{path}/repoint", None, {"if-match": '"1"'})
    assert code(stale) == (412, "version_conflict")

    moved = await three_pl.post(f"{path}/repoint")
    assert (moved["endpoint_id"], moved["endpoints"]) == (new, [old])
    # Once more it changes nothing.
    again = await three_pl.post(f"{path}/repoint")
    assert (again["endpoints"], again["version"]) == ([], moved["version"])
    records = await topics.all(CONNECTIONS_CHANGED.name, at_least=moved["version"])
    changes = [ConnectionChanged.model_validate_json(record.value) for record in records]
    newest = max(changes, key=lambda change: change.version)
    sends_to = {str(one.id): one.sends_to and str(one.sends_to) for one in newest.endpoints}
    assert sends_to == {old: new, new: None}

    # What the older versions were stays to be seen, and so does who did it.
    versions = (await three_pl.get(f"{path}/settings/versions"))["data"]
    assert [version["webhook"] and version["webhook"]["url"] for version in versions] == [
        f"{URL}/new", URL, None,
    ]  # fmt: skip
    compared = f"{path}/settings/versions/difference"
    assert (await three_pl.get(f"{compared}?from=2&to=3"))["changed"] == ["webhook"]
    side_by_side = await brand.get(f"{compared}?from=1&to=3")
    assert (side_by_side["from"]["version"], side_by_side["to"]["version"]) == (1, 3)
    assert code(await brand.call("GET", f"{compared}?from=1&to=9")) == (404, "not_found")
    entry = (await brand.get(f"{path}/audit"))["data"][0]
    assert (entry["action"], entry["from"], entry["to"]) == (
        "repointed", {"endpoints": [old]}, {"endpoint_id": new},
    )  # fmt: skip

    # Back at the first URL new orders get an endpoint of their own: those of before stay moved.
    await three_pl.set(connection, webhook_url=URL)
    third = (await three_pl.get(path))["settings"]["webhook"]["endpoint_id"]
    assert third not in {old, new}
    # Orders that stay with the 3PL are told of after a disconnect, too.
    await brand.post(f"{path}/disconnect")
    assert set((await three_pl.post(f"{path}/repoint"))["endpoints"]) == {old, new}


async def test_without_a_webhook_there_is_nowhere_to_point(api: Api) -> None:
    three_pl, _, added = await api.connected()
    path = f"/v1/connections/{added['connection']['id']}/repoint"
    assert code(await three_pl.call("POST", path)) == (404, "not_found")
