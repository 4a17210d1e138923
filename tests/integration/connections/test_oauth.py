"""Machines and the token endpoint (OAuth 2.1), and a 3PL in the name of its brand (RFC 8693)."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.connections.oauth.http import ACCESS_TOKEN, TOKEN_EXCHANGE
from tests.kit.client import Api, Json, Party, brand_form
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines


async def machine(owner: Party, *scopes: str) -> Json:
    return await owner.post("/v1/api-clients", {"name": "ERP", "scopes": list(scopes)})


async def token(api: Api, client: tuple[str, str] | None = None, **form: str) -> httpx.Response:
    auth = httpx.BasicAuth(*client) if client else None
    given = {"grant_type": "client_credentials", **form}
    return await api.client.post("/oauth2/token", data=given, auth=auth or httpx.USE_CLIENT_DEFAULT)


async def as_machine(api: Api, owner: Party, made: Json, **form: str) -> Party:
    answer = await token(api, (made["client_id"], made["client_secret"]), **form)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return Party(api.client, owner.id, "", answer.json()["access_token"])


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def refused_soon(party: Party, path: str) -> None:
    async def status() -> int:
        return (await party.call("GET", path)).status_code

    await eventually(status, lambda seen: seen == 401)


# --- machines -----------------------------------------------------------------------------------


async def test_a_machine_does_what_its_scopes_say_and_no_more(api: Api) -> None:
    owner = await api.three_pl()
    made = await machine(owner, "connections:read", "orders:read")
    client = await as_machine(api, owner, made)
    assert (await client.get("/v1/connections"))["data"] == []
    answer = await client.call("POST", "/v1/brands", brand_form())
    assert code(answer) == (403, "insufficient_scope")
    assert answer.json()["scope"] == "connections:write"
    writer = await as_machine(api, owner, await machine(owner, "connections:write"))
    assert (await writer.call("POST", "/v1/brands", brand_form())).status_code == 201
    assert code(await writer.call("GET", "/v1/brands")) == (403, "insufficient_scope")
    # What is for people is not for machines, whatever their scopes.
    for method, path, body in (
        ("POST", "/v1/people", {"email": "x@relevo.test", "role": "owner"}),
        ("POST", "/v1/api-clients", {"name": "x", "scopes": ["orders:read"]}),
        ("GET", "/v1/sessions", None),
    ):
        assert code(await writer.call(method, path, body)) == (403, "role_required"), path


async def test_a_token_may_have_fewer_scopes_than_its_client(api: Api) -> None:
    owner = await api.three_pl()
    made = await machine(owner, "connections:read", "connections:write")
    less = await as_machine(api, owner, made, scope="connections:read")
    assert code(await less.call("POST", "/v1/brands", brand_form())) == (403, "insufficient_scope")
    pair = (made["client_id"], made["client_secret"])
    assert error(await token(api, pair, scope="webhooks:read")) == (400, "invalid_scope")


async def test_a_secret_is_rotated_and_the_revoked_one_is_refused_everywhere_soon(
    api: Api,
) -> None:
    owner = await api.three_pl()
    made = await machine(owner, "connections:read")
    old = await as_machine(api, owner, made)
    path = f"/v1/api-clients/{made['client_id']}"
    second = await owner.post(f"{path}/secrets")
    assert code(await owner.call("POST", f"{path}/secrets")) == (409, "too_many")
    answer = await owner.call("DELETE", f"{path}/secrets/{made['secret_id']}")
    assert answer.status_code == 204
    await refused_soon(old, "/v1/connections")
    gone = await token(api, (made["client_id"], made["client_secret"]))
    assert error(gone) == (401, "invalid_client")
    assert gone.headers["www-authenticate"].startswith("Basic")
    new = await as_machine(api, owner, {**made, "client_secret": second["secret"]})
    await new.get("/v1/connections")

    (listed,) = (await owner.get("/v1/api-clients"))["data"]
    assert [secret["id"] for secret in listed["secrets"]] == [second["id"]]
    assert second["secret"] not in str(listed)
    stranger = await api.three_pl()
    assert code(await stranger.call("DELETE", path)) == (404, "not_found")
    assert (await owner.call("DELETE", path)).status_code == 204
    await refused_soon(new, "/v1/connections")
    assert (await owner.get("/v1/api-clients"))["data"] == []


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "invalid_request"),
        ({"client_id": "nobody", "client_secret": "x"}, "invalid_client"),
        ({"client_id": str(uuid4()), "client_secret": "x"}, "invalid_client"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": TOKEN_EXCHANGE, "subject_token": "x"}, "invalid_request"),
        (
            {
                "grant_type": TOKEN_EXCHANGE, "subject_token": "x",
                "subject_token_type": ACCESS_TOKEN, "audience": f"urn:relevo:connection:{uuid4()}",
            },
            "invalid_grant",
        ),
    ],
)  # fmt: skip
async def test_the_token_endpoint_says_no_as_the_standard_has_it(
    api: Api, form: dict[str, str], wanted: str
) -> None:
    answer = await token(api, None, **form)
    assert error(answer) == (401 if wanted == "invalid_client" else 400, wanted)
    assert answer.headers["content-type"] == "application/json"


async def test_what_is_no_form_is_refused(api: Api) -> None:
    for body, headers in (
        (b"{}", {"content-type": "application/json"}),
        (b"grant_type=a&grant_type=b", {"content-type": "application/x-www-form-urlencoded"}),
        (b"\xff\xfe", {"content-type": "application/x-www-form-urlencoded"}),
    ):
        answer = await api.client.post("/oauth2/token", content=body, headers=headers)
        assert error(answer) == (400, "invalid_request")


async def test_a_session_goes_on_by_the_token_endpoint_too(api: Api) -> None:
    party = await api.sign_up("brand")
    answer = await api.client.post(
        "/v1/sessions", json={"email": party.email, "password": "correct horse battery"}
    )
    shown = answer.json()["refresh_token"]
    answer = await token(api, None, grant_type="refresh_token", refresh_token=shown)
    assert answer.json()["refresh_token"] != shown
    again = Party(api.client, party.id, "", answer.json()["access_token"])
    await again.get("/v1/sessions")


async def test_the_metadata_says_what_works(api: Api) -> None:
    metadata = (await api.client.get("/.well-known/oauth-authorization-server")).json()
    assert metadata["token_endpoint"].endswith("/oauth2/token")
    for grant_type in metadata["grant_types_supported"]:
        answer = await token(api, None, grant_type=grant_type)
        assert error(answer)[1] != "unsupported_grant_type"
    owner = await api.three_pl()
    await machine(owner, *metadata["scopes_supported"])


# --- log in as brand ----------------------------------------------------------------------------


async def exchanged(api: Api, party: Party, connection: str) -> httpx.Response:
    return await token(
        api,
        None,
        grant_type=TOKEN_EXCHANGE,
        subject_token=party.token,
        subject_token_type=ACCESS_TOKEN,
        audience=f"urn:relevo:connection:{connection}",
    )


async def in_its_name(api: Api, party: Party, connection: str) -> Party:
    answer = await exchanged(api, party, connection)
    assert answer.status_code == 200, answer.text
    assert answer.json()["expires_in"] <= 900
    return Party(api.client, "", "", answer.json()["access_token"])


async def test_a_3pl_in_its_brands_name_sees_their_store_and_does_nothing_that_stays(
    api: Api,
) -> None:
    three_pl, brand, added = await api.connected()
    other = await three_pl.post("/v1/brands", brand_form(contact=added["contact"]))
    await api.accepted(other)
    connection, store = added["connection"]["id"], added["store"]["id"]
    delegated = await in_its_name(api, three_pl, connection)
    assert (await delegated.get(f"/v1/connections/{connection}"))["brand"]["id"] == brand.id
    assert (await delegated.get(f"/v1/stores/{store}"))["credentials"] == []
    for path in (
        f"/v1/connections/{other['connection']['id']}",
        f"/v1/stores/{other['store']['id']}",
    ):
        assert code(await delegated.call("GET", path)) == (404, "not_found")
    for method, path, body in (
        ("GET", "/v1/connections", None),
        ("GET", "/v1/stores", None),
        ("GET", f"/v1/connections/{connection}/audit", None),
        ("POST", f"/v1/connections/{connection}/activate", None),
        ("POST", f"/v1/connections/{connection}/disconnect", None),
        ("PATCH", f"/v1/connections/{connection}/settings", {"priority": 1}),
        ("PATCH", f"/v1/stores/{store}", {"payment_rules": {}}),
        ("POST", f"/v1/stores/{store}/credentials", {"kind": "api_key"}),
        ("POST", "/v1/stores", {"store_url": "https://x.example"}),
        ("POST", "/v1/brands", brand_form()),
        ("GET", "/v1/people", None),
        ("POST", "/v1/people", {"email": "x@relevo.test", "role": "owner"}),
        ("POST", "/v1/api-clients", {"name": "x", "scopes": ["orders:read"]}),
        ("GET", "/v1/sessions", None),
        ("POST", "/v1/acceptances", {"token": "x", "settings_version": 1}),
    ):
        answer = await delegated.call(method, path, body, {"if-match": '"1"'})
        assert code(answer) == (403, "delegated"), path
    again = await exchanged(api, delegated, connection)
    assert error(again) == (400, "unauthorized_client")


async def test_credentials_in_the_brands_name_only_where_it_allows_that_and_audited(
    api: Api,
) -> None:
    three_pl, brand, added = await api.connected()
    connection, path = added["connection"]["id"], f"/v1/stores/{added['store']['id']}/credentials"
    refused = await three_pl.set(connection, log_in_as_brand="credentials")
    assert code(refused) == (403, "not_yours_to_set")
    changed = await brand.set(connection, log_in_as_brand="credentials")
    assert changed.json()["log_in_as_brand"] == "credentials"
    delegated = await in_its_name(api, three_pl, connection)
    made = await delegated.post(path, {"kind": "api_key"})
    assert (await delegated.call("DELETE", f"{path}/{made['id']}")).status_code == 204
    await brand.set(connection, log_in_as_brand="orders")
    await refused_soon(delegated, f"/v1/connections/{connection}")
    delegated = await in_its_name(api, three_pl, connection)
    assert code(await delegated.call("POST", path, {"kind": "api_key"})) == (403, "delegated")
    audit = (await brand.get(f"/v1/connections/{connection}/audit"))["data"]
    noted = [entry for entry in audit if entry["action"].startswith("credential_")]
    assert [entry["action"] for entry in noted] == ["credential_revoked", "credential_created"]
    for entry in noted:
        assert (entry["account"], entry["actor"]) == (brand.id, three_pl.id)
        assert entry["to"] == {"credential_id": made["id"]}


@pytest.mark.parametrize("end", ["off", "activate", "disconnect", "log out", "let go"])
async def test_the_token_is_dead_soon_after_what_it_stands_on_ends(api: Api, end: str) -> None:
    three_pl, brand, added = await api.connected()
    connection = added["connection"]["id"]
    delegated = await in_its_name(api, three_pl, connection)
    path = f"/v1/connections/{connection}"
    match end:
        case "off":
            await brand.set(connection, log_in_as_brand="off")
        case "activate" | "disconnect":
            await brand.post(f"{path}/{end}")
        case "log out":
            await three_pl.call("DELETE", "/v1/sessions/current")
        case "let go":
            email = f"{uuid4().hex}@relevo.test"
            await three_pl.call("POST", "/v1/people", {"email": email, "role": "owner"})
            token = (await api.mailbox.wait_for(email))[-1].token
            body = {"token": token, "password": "correct horse battery"}
            second = api.party(await api.client.post("/v1/people/join", json=body), email)
            people = (await second.get("/v1/people"))["data"]
            first = next(one["id"] for one in people if one["email"] == three_pl.email)
            await second.call("DELETE", f"/v1/people/{first}")
    await refused_soon(delegated, path)
    if end == "off":
        assert error(await exchanged(api, three_pl, connection)) == (400, "invalid_target")


async def test_who_may_not_act_in_a_brands_name(api: Api) -> None:
    three_pl, brand, added = await api.connected()
    connection = added["connection"]["id"]
    stranger = await api.three_pl()
    waiting = await three_pl.post("/v1/brands", brand_form())
    client = await as_machine(api, three_pl, await machine(three_pl, "connections:read"))
    answers = await asyncio.gather(
        exchanged(api, brand, connection),
        exchanged(api, client, connection),
        exchanged(api, stranger, connection),
        exchanged(api, three_pl, waiting["connection"]["id"]),
        exchanged(api, three_pl, "nonsense"),
    )
    seen: list[Any] = [error(answer)[1] for answer in answers]
    assert seen == ["unauthorized_client"] * 2 + ["invalid_target"] * 3
