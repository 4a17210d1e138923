"""Fifty equal requests with one Idempotency-Key at once do their work once, whatever they create.

The operations are those that the document of the service says it of: a new one needs a case here.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from services.connections.main import create_app
from services.connections.settings import Settings
from tests.kit.client import Api, Party, brand_form

pytestmark = pytest.mark.engines
AT_ONCE = 50


@dataclass(frozen=True)
class Case:
    """What is asked by whom, the table that gets one row by it, and what would be another body."""

    by: str
    body: Any
    table: str
    other: Mapping[str, Any]
    versioned: bool = False


CASES: Mapping[str, Case] = {
    "POST /v1/api-clients": Case(
        "brand", {"name": "ERP", "scopes": ["orders:read"]}, "api_clients", {"name": "Other"}
    ),
    "POST /v1/brands": Case("three_pl", brand_form(), "connections", {"company_name": "Other"}),
    "POST /v1/invitations": Case(
        "brand",
        {"email": "new@3pl.test", "store_id": "{store_id}"},
        "invitations",
        {"email": "other@3pl.test"},
    ),
    "POST /v1/stores": Case(
        "brand", {"store_url": "https://a.example"}, "stores", {"store_url": "https://b.example"}
    ),
    "POST /v1/stores/{store_id}/credentials": Case(
        "brand",
        {"kind": "api_key"},
        "store_credentials",
        {"kind": "shopify", "secret": "x" * 40},
    ),
    "PATCH /v1/connections/{connection_id}/settings": Case(
        "three_pl",
        {"webhook_url": "http://127.0.0.1:1/new"},
        "endpoints",
        {"webhook_url": "http://127.0.0.1:1/other"},
        versioned=True,
    ),
    "POST /v1/connections/{connection_id}/webhook-secret": Case(
        "three_pl", None, "audit", {}, versioned=True
    ),
}


@pytest.fixture
def operations(service_settings: dict[str, str]) -> set[str]:
    """Those that take the key."""
    document = create_app(Settings()).openapi()
    return {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", ()))
    }


async def test_of_fifty_equal_requests_at_once_one_is_made(
    api: Api, postgres_dsn: str, operations: set[str]
) -> None:
    assert set(CASES) == operations
    three_pl, brand, added = await api.connected()
    parties: dict[str, Party] = {"three_pl": three_pl, "brand": brand}
    connection = added["connection"]["id"]
    await three_pl.set(connection, webhook_url="http://127.0.0.1:1/old")
    names = {"store_id": added["store"]["id"], "connection_id": connection}
    database = await asyncpg.connect(postgres_dsn)
    for operation, case in CASES.items():
        method, path = operation.split(" ")
        body = case.body and {
            name: value.format(**names) if value == "{store_id}" else value
            for name, value in case.body.items()
        }
        headers = {"idempotency-key": operation}
        if case.versioned:
            version = (await three_pl.get(f"/v1/connections/{connection}"))["version"]
            headers["if-match"] = f'"{version}"'
        count = f"SELECT count(*) FROM connections.{case.table}"  # noqa: S608  a name from above
        before = await database.fetchval(count)
        answers = await asyncio.gather(
            *(
                parties[case.by].call(method, path.format(**names), body, headers)
                for _ in range(AT_ONCE)
            )
        )
        assert {answer.is_success for answer in answers} == {True}, answers[0].text
        assert len({answer.text for answer in answers}) == 1, operation
        assert await database.fetchval(count) == before + 1, operation
        if body is not None:
            other = {**body, **case.other}
            answer = await parties[case.by].call(method, path.format(**names), other, headers)
            assert answer.json()["code"] == "idempotency_mismatch", operation
    await database.close()
