"""What a store says of its orders, and which settings counted when: the others hear of it."""

from typing import Any

import asyncpg
import pytest

from shared.contracts.connections_changed import ConnectionChanged
from shared.contracts.stores_changed import PaymentRules, StoreChanged
from shared.kafka.topics import CONNECTIONS_CHANGED, STORES_CHANGED
from tests.kit.client import Api, Party
from tests.kit.publishers import Topics

RULES = {"hold_unpaid": True, "ship_unpaid_methods": ["Cash on Delivery (COD)"]}


async def patch(
    party: Party, path: str, rules: Any, version: int | None = None
) -> tuple[int, dict[str, Any]]:
    headers = {} if version is None else {"if-match": f'"{version}"'}
    answer = await party.call("PATCH", path, {"payment_rules": rules}, headers)
    return answer.status_code, answer.json()


async def test_a_brand_sets_which_unpaid_orders_ship_and_ingest_hears_of_it(
    api: Api, topics: Topics
) -> None:
    three_pl, brand, added = await api.connected()
    path = f"/v1/stores/{added['store']['id']}"
    shown = await three_pl.get(path)
    assert shown["payment_rules"] == {"hold_unpaid": True, "ship_unpaid_methods": []}

    status, changed = await patch(brand, path, RULES, shown["version"])
    assert (status, changed["payment_rules"]) == (200, RULES)
    assert await brand.get(path) == changed
    assert (await patch(brand, path, RULES))[1]["version"] == changed["version"], "no change"
    status, stale = await patch(brand, path, {"hold_unpaid": False}, shown["version"])
    assert (status, stale["code"]) == (412, "version_conflict")

    records = await topics.all(STORES_CHANGED.name, at_least=2)
    changes = [StoreChanged.model_validate_json(record.value) for record in records]
    assert [change.payment_rules for change in changes] == [
        PaymentRules(),
        PaymentRules(ship_unpaid_methods=("Cash on Delivery (COD)",)),
    ]


async def test_a_stores_rules_are_its_brands(api: Api) -> None:
    three_pl, _, added = await api.connected()
    path = f"/v1/stores/{added['store']['id']}"
    status, refused = await patch(three_pl, path, RULES)
    assert (status, refused["code"]) == (403, "brand_only")
    status, refused = await patch(await api.three_pl(), path, RULES)
    assert (status, refused["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("rules", "pointer"),
    [
        ({"hold_unpaid": "perhaps"}, "/payment_rules/hold_unpaid"),
        ({"ship_unpaid_methods": [""]}, "/payment_rules/ship_unpaid_methods/0"),
        ({"ship_unpaid_methods": ["a\x00b"]}, "/payment_rules/ship_unpaid_methods/0"),
        ({"ship_unpaid_methods": ["x"] * 101}, "/payment_rules/ship_unpaid_methods"),
    ],
)
async def test_rules_that_are_none_are_refused_by_name(api: Api, rules: Any, pointer: str) -> None:
    _, brand, added = await api.connected()
    status, refused = await patch(brand, f"/v1/stores/{added['store']['id']}", rules)
    assert (status, refused["errors"][0]["pointer"]) == (422, pointer)


async def test_a_change_of_settings_tells_from_when_each_version_counts(
    api: Api, topics: Topics, postgres_dsn: str
) -> None:
    three_pl, _, added = await api.connected()
    connection = added["connection"]["id"]
    session = await asyncpg.connect(postgres_dsn)
    await three_pl.set(connection, support_owner="three_pl")
    # Versions 1 and 2 are from before the period; the newer of them counted when it began.
    await session.execute(
        "UPDATE connections.settings_versions SET created_at = now() - interval '30 days'"
    )
    await three_pl.set(connection, billing_owner="three_pl")
    versions = await session.fetch(
        "SELECT created_at FROM connections.settings_versions ORDER BY version"
    )
    await session.close()

    records = await topics.all(CONNECTIONS_CHANGED.name, at_least=4)
    newest = ConnectionChanged.model_validate_json(records[-1].value)
    assert [version.version for version in newest.settings_history] == [2, 3]
    assert [version.effective_at for version in newest.settings_history] == [
        row["created_at"] for row in versions[1:]
    ]
    second, third = newest.settings_history
    assert (second.support_owner, second.billing_owner) == ("three_pl", "brand")
    assert (third.support_owner, third.billing_owner) == ("three_pl", "three_pl")
