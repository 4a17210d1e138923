"""Nobody sees or does what is not theirs: every operation of every document, with every token.

What is asked comes from the documents: an operation that is added is held to this from its first
day, and what its document says of a token is what the token gets.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import jwt
import orjson
import pytest

from relevo.local.stack import Stack
from services.catalog import API_NAMES
from shared.web.auth import AUDIENCE, Delegation
from tests.acceptance.world import World, a_world
from tests.kit.waiting import eventually

Json = dict[str, Any]
HEALTH = {"/health/live", "/health/ready", "/metrics"}


# What is open to anyone, and to a 3PL in its brand's name: a longer list is a decision.
OF_ANYONE = {
    "connections: GET /.well-known/jwks.json",
    "connections: GET /.well-known/oauth-authorization-server",
    "connections: POST /oauth2/token",
    "connections: POST /v1/accounts",
    "connections: POST /v1/accounts/confirm",
    "connections: POST /v1/acceptances/preview",
    "connections: POST /v1/invitations/preview",
    "connections: POST /v1/login-links/open",
    "connections: POST /v1/login-links/renew",
    "connections: POST /v1/mail-opt-outs",
    "connections: POST /v1/password-resets",
    "connections: POST /v1/password-resets/redeem",
    "connections: POST /v1/people/me/email/confirm",
    "connections: POST /v1/people/me/email/undo",
    "connections: POST /v1/sessions",
    "connections: POST /v1/sessions/refresh",
    # By a signed link that its carrier was mailed.
    "fulfilment: GET /v1/ticket-files/{token}",
}
OF_WHO_HOLDS_A_MAILED_LINK = {
    "connections: POST /v1/acceptances",
    "connections: POST /v1/invitations/accept",
    "connections: POST /v1/people/join",
}
# What it lists is nobody's.
THE_SAME_FOR_ALL = {"connections: GET /v1/rule-conditions"}
IN_A_BRANDS_NAME = {
    "connections: GET /v1/connections/{connection_id}",
    "connections: GET /v1/stores/{store_id}",
    "ingest: GET /v1/stores/{store_id}/arrivals",
    "ingest: POST /v1/stores/{store_id}/test-order",
    "routing: GET /v1/orders",
    "routing: GET /v1/orders/daily",
    "routing: GET /v1/orders/export",
    "routing: GET /v1/orders/facets",
    "routing: GET /v1/orders/stream",
    "routing: GET /v1/orders/{order_id}",
    "routing: GET /v1/orders/{order_id}/history",
    "routing: POST /v1/orders/commands",
    "routing: POST /v1/orders/{order_id}/hold",
    "routing: POST /v1/orders/{order_id}/release",
    "routing: POST /v1/orders/{order_id}/{command}",
}


@dataclass(frozen=True)
class Operation:
    """One operation of a document."""

    service: str
    method: str
    path: str
    document: Json = field(repr=False)

    @property
    def name(self) -> str:
        return f"{self.service}: {self.method} {self.path}"

    @property
    def schemes(self) -> set[str]:
        """What may be shown; empty for anyone."""
        return {name for one in self.document.get("security", []) for name in one}

    @property
    def is_optional(self) -> bool:
        return {} in self.document.get("security", [])

    def refuses(self, code: str) -> bool:
        """Whether the document knows this refusal."""
        answers = self.document["responses"].values()
        return any(f"`{code}`" in answer.get("description", "") for answer in answers)

    @property
    def reads(self) -> bool:
        return self.method == "GET"


async def operations(stack: Stack) -> list[Operation]:
    found = []
    async with httpx.AsyncClient(trust_env=False) as client:
        for service in API_NAMES:
            document = (await client.get(f"{stack.urls[service]}/openapi.json")).json()
            found += [
                Operation(service, method.upper(), path, operation)
                for path, methods in document["paths"].items()
                if path not in HEALTH
                for method, operation in methods.items()
            ]
    return found


@dataclass
class Tokens:
    """Tokens as connections issues them, for whoever one likes."""

    stack: Stack
    brand: str
    connection: str
    store: str

    def of(self, account: str, kind: str, role: str = "owner", **claims: Any) -> str:
        secrets = self.stack.secrets
        key = orjson.loads(secrets["RELEVO_CONNECTIONS_SIGNING_KEY"])
        now = int(time.time())
        content = {
            "iss": "relevo", "aud": AUDIENCE, "sub": str(uuid4()), "account": account,
            "kind": kind, "role": role, "ver": 10**6, "iat": now, "exp": now + 600, **claims,
        }  # fmt: skip
        signing = jwt.PyJWK(key, algorithm="EdDSA")
        return jwt.encode(content, signing, "EdDSA", {"kid": key["kid"], "typ": "at+jwt"})

    def in_its_name(self, *, may_set_keys: bool) -> str:
        delegation = Delegation.of(
            {
                "connection": self.connection, "connection_ver": 10**6, "epoch": 1,
                "store": self.store, "keys": may_set_keys,
            }
        )  # fmt: skip
        act = {"account": str(uuid4()), "sub": str(uuid4())}
        return self.of(self.brand, "brand", "operator", act=act, **delegation.claims())


@pytest.fixture
async def world(stack: Stack) -> Any:
    async with a_world(stack) as world:
        await world.connect()
        await world.send("1")
        yield world


async def own_ids(world: World) -> dict[str, str]:
    """What the path parameters of the world's own things are."""
    orders = await eventually(
        lambda: world.call("routing", "GET", "/v1/orders", world.brand_token),
        lambda page: bool(page["data"]),
    )
    store = await world.call(
        "connections", "GET", f"/v1/stores/{world.store_id}", world.brand_token
    )
    people = await world.call("connections", "GET", "/v1/people", world.brand_token)
    sessions = await world.call("connections", "GET", "/v1/sessions", world.brand_token)
    endpoints = await world.call("webhooks", "GET", "/v1/endpoints", world.three_pl_token)
    return {
        "store_id": world.store_id,
        "connection_id": world.connection_id,
        "order_id": orders["data"][0]["id"],
        "credential_id": store["credentials"][0]["id"],
        "person_id": people["data"][0]["id"],
        "session_id": sessions["data"][0]["id"],
        "endpoint_id": endpoints["data"][0]["id"],
        "account_id": store["brand_id"],
        "brand_id": store["brand_id"],
        "command": "process",
        "platform": "shopify",
    }


def paths(operation: Operation, ids: Mapping[str, str]) -> str:
    """The path with the world's own ids; what the world has none of is invented."""
    path = operation.path
    for parameter in operation.document.get("parameters", []):
        if parameter["in"] == "path":
            name = parameter["name"]
            path = path.replace(f"{{{name}}}", ids.get(name, str(uuid4())))
    required = [
        f"{one['name']}={ids.get(one['name'] + '_id', uuid4())}"
        for one in operation.document.get("parameters", [])
        if one["in"] == "query" and one.get("required")
    ]
    return path + ("?" + "&".join(required) if required else "")


async def ask(
    client: httpx.AsyncClient, method: str, url: str, headers: Mapping[str, str]
) -> httpx.Response:
    """The answer; of a stream, which does not end, how it begins."""
    async with client.stream(method, url, headers=dict(headers)) as answer:
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            return httpx.Response(answer.status_code)
        await answer.aread()
        return answer


@dataclass(frozen=True)
class Asker:
    """Somebody with a token, and what the document says they get."""

    name: str
    token: str | None
    scheme: str = "HTTPBearer"

    def judge(self, operation: Operation, answer: httpx.Response) -> str | None:
        """What is wrong with the answer; None when it is as the document says."""
        code = answer.json().get("code", "") if answer.content else ""
        wanted = self.wanted(operation)
        seen = (answer.status_code, code)
        if wanted is None:
            return f"{seen}" if answer.status_code in (401, 403) else None
        return None if seen in wanted else f"{seen}, not {wanted}"

    def wanted(self, operation: Operation) -> set[tuple[int, str]] | None:
        """The refusals that fit; None: no refusal for who asks."""
        if not operation.schemes or (self.token is None and operation.is_optional):
            return None
        if self.token is None:
            return {(401, code) for code in ("missing_token", "missing_key", *_UNSIGNED)}
        if "HTTPBearer" not in operation.schemes:
            # A key of a store, or of the operator: no token of an account is one.
            return {(401, code) for code in ("invalid_key", "invalid_operator_key", *_UNSIGNED)}
        return self.of_accounts(operation)

    def of_accounts(self, operation: Operation) -> set[tuple[int, str]] | None:
        match self.name:
            case "expired" | "claim's key" | "store's key":
                return {(401, "invalid_token")}
            case "viewer" if operation.refuses("role_required") and not operation.is_optional:
                return {(403, "role_required")} if not _is_of_everybody(operation) else None
            case "wrong scope" if operation.refuses("insufficient_scope"):
                return {(403, "insufficient_scope")}
            case "wrong scope" if operation.refuses("role_required"):
                return {(403, "role_required")}
            case "delegated" | "delegated with keys" if operation.refuses("delegated"):
                if self.name == "delegated with keys" and "credentials" in operation.path:
                    return None
                return {(403, "delegated")}
            case "stranger":
                return None if "{" not in operation.path else _NOT_THERE
        return None


_UNSIGNED = ("missing_signature", "invalid_signature")
_NOT_THERE = {(404, "not_found"), (422, "validation_failed"), (428, "precondition_required")}


def _is_of_everybody(operation: Operation) -> bool:
    """What even a viewer may do: read its account, and whatever concerns itself alone."""
    own = ("/v1/sessions", "/v1/people/me", "/v1/people/{person_id}", "/v1/notification-settings")
    return (operation.reads and "api-clients" not in operation.path) or (
        operation.path.startswith(own) and operation.method != "PATCH"
    )


def askers(world: World, tokens: Tokens) -> Iterator[Asker]:
    yield Asker("nobody", None)
    yield Asker("expired", tokens.of(tokens.brand, "brand", exp=int(time.time()) - 1))
    yield Asker("stranger", tokens.of(str(uuid4()), "brand"))
    yield Asker("stranger", tokens.of(str(uuid4()), "three_pl"))
    yield Asker("viewer", tokens.of(tokens.brand, "brand", "viewer"))
    machine = {"client_id": str(uuid4()), "scope": "other:read"}
    yield Asker("wrong scope", tokens.of(tokens.brand, "brand", "operator", **machine))
    yield Asker("delegated", tokens.in_its_name(may_set_keys=False))
    yield Asker("delegated with keys", tokens.in_its_name(may_set_keys=True))
    yield Asker("store's key", world.api_key)


async def test_what_is_open_to_more_than_an_account_stands_here(stack: Stack) -> None:
    found = await operations(stack)
    assert {one.name for one in found if not one.schemes} == OF_ANYONE
    assert {one.name for one in found if one.is_optional} == OF_WHO_HOLDS_A_MAILED_LINK
    of_accounts = [one for one in found if "HTTPBearer" in one.schemes]
    open_to_3pls = {one.name for one in of_accounts if not one.refuses("delegated")}
    assert open_to_3pls == IN_A_BRANDS_NAME


async def test_every_operation_gives_every_token_what_its_document_says(
    stack: Stack, world: World
) -> None:
    ids = await own_ids(world)
    tokens = Tokens(stack, ids["brand_id"], world.connection_id, world.store_id)
    wrong = []
    asked = 0
    for operation in await operations(stack):
        # Whoever is let in finds nothing to do: no body, and nothing that ends the world.
        for asker in askers(world, tokens):
            if asker.name == "store's key" and "StoreKey" in operation.schemes:
                continue
            headers = {"authorization": f"Bearer {asker.token}"} if asker.token else {}
            url = stack.urls[operation.service] + paths(operation, ids)
            if _would_change_the_world(operation, asker):
                continue
            answer = await ask(world.client, operation.method, url, headers)
            asked += 1
            flaw = asker.judge(operation, answer)
            if flaw is not None:
                wrong.append(f"{operation.name} for {asker.name}: {flaw}")
    assert asked > 500
    assert wrong == []


def _would_change_the_world(operation: Operation, asker: Asker) -> bool:
    """Who is let in, without a body, to something that needs none."""
    return (
        not operation.reads
        and asker.wanted(operation) is None
        and bool(operation.schemes)
        and "requestBody" not in operation.document
    )


async def test_what_strangers_list_is_empty_and_what_the_brand_lists_is_its_own(
    stack: Stack, world: World
) -> None:
    ids = await own_ids(world)
    tokens = Tokens(stack, ids["brand_id"], world.connection_id, world.store_id)
    lists = [
        operation
        for operation in await operations(stack)
        if operation.reads and "{" not in operation.path and "HTTPBearer" in operation.schemes
        and operation.name not in THE_SAME_FOR_ALL
    ]  # fmt: skip
    assert len(lists) > 8
    for operation in lists:
        for kind in ("brand", "three_pl"):
            token = tokens.of(str(uuid4()), kind)
            url = stack.urls[operation.service] + paths(operation, ids)
            headers = {"authorization": f"Bearer {token}"}
            answer = await ask(world.client, "GET", url, headers)
            found = answer.json().get("data", []) if answer.content else []
            assert (answer.status_code, found) in ((200, []), (404, [])), operation.name
            for own in (ids["order_id"], ids["connection_id"], ids["store_id"]):
                assert own not in answer.text
