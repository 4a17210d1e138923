"""From signing up to a connection that can be switched on, and everything that may not pass.

One long file: it is one way, step by step.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.catalog import PLATFORM_NAMES
from services.connections.main import create_app
from services.connections.settings import Settings
from shared.contracts.connections_changed import ConnectionChanged
from shared.contracts.stores_changed import StoreChanged
from shared.kafka.topics import CONNECTIONS_CHANGED, STORES_CHANGED
from shared.web.auth import Verifier
from tests.kit.client import PASSWORD, Api, brand_form
from tests.kit.publishers import Topics
from tests.kit.serving import running


async def test_a_session_is_a_token_that_every_service_verifies_by_the_published_keys(
    api: Api,
) -> None:
    party = await api.sign_up("brand")
    keys = await api.client.get("/.well-known/jwks.json")
    principal = Verifier(keys.text, "relevo").verify(party.token)
    assert (str(principal.account_id), principal.kind) == (party.id, "brand")
    assert '"d"' not in keys.text


async def test_a_wrong_password_and_an_unknown_e_mail_get_the_same_answer(
    api: Api,
) -> None:
    party = await api.sign_up("brand")
    wrong = await api.client.post("/v1/sessions", json={"email": party.email, "password": "not it"})
    unknown = await api.client.post(
        "/v1/sessions", json={"email": "nobody@relevo.test", "password": PASSWORD}
    )
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert wrong.json()["code"] == "invalid_credentials"


async def test_an_e_mail_has_one_account_in_any_letter_case(api: Api) -> None:
    party = await api.sign_up("three_pl")
    again = await api.client.post(
        "/v1/accounts",
        json={
            "kind": "brand", "name": "B", "email": party.email.upper(), "password": PASSWORD,
        },
    )  # fmt: skip
    assert (again.status_code, again.json()["code"]) == (409, "email_taken")
    assert (await api.log_in(party.email.upper())).id == party.id


async def test_wrong_fields_of_a_form_are_named(api: Api) -> None:
    three_pl = await api.three_pl()
    form = brand_form(
        store_url="not a store", contact={"name": "A", "email": "nobody"}, platform="a spreadsheet"
    )
    answer = await three_pl.call("POST", "/v1/brands", form)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert {error["pointer"] for error in answer.json()["errors"]} == {
        "/store_url",
        "/contact/email",
        "/platform",
    }


async def test_names_hold_no_control_characters(api: Api) -> None:
    three_pl = await api.three_pl()
    form = brand_form(company_name="A\0B", contact={"name": "A\nB", "email": "a@b.example"})
    answer = await three_pl.call("POST", "/v1/brands", form)
    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json()["errors"]} == {
        "/company_name",
        "/contact/name",
    }


async def test_only_the_operator_changes_plans(api: Api) -> None:
    party = await api.sign_up("three_pl")
    by_itself = await party.call("PUT", f"/v1/accounts/{party.id}/plan", {"plan": "conquer"})
    assert by_itself.status_code == 401
    nobody = await api.client.put(f"/v1/accounts/{party.id}/plan", json={"plan": "conquer"})
    assert nobody.status_code == 401
    assert (await api.set_plan(str(uuid4()), "conquer")).status_code == 404
    assert (await api.set_plan(party.id, "conquer")).json()["plan"] == "conquer"


async def test_a_3pl_adds_brands_on_plan_conquer_only_and_a_brand_never(
    api: Api,
) -> None:
    free = await api.sign_up("three_pl")
    answer = await free.call("POST", "/v1/brands", brand_form())
    assert (answer.status_code, answer.json()["code"]) == (402, "plan_required")
    brand = await api.sign_up("brand")
    answer = await brand.call("POST", "/v1/brands", brand_form())
    assert (answer.status_code, answer.json()["code"]) == (403, "three_pl_only")


async def test_a_request_without_a_good_token_is_401(
    api: Api, make_token: Callable[..., str]
) -> None:
    for headers in (
        {},
        {"authorization": "Bearer nonsense"},
        {"authorization": f"Basic {make_token(uuid4(), 'brand')}"},
        {"authorization": f"Bearer {make_token(uuid4(), 'brand')[:-4]}AAAA"},
    ):
        answer = await api.client.get("/v1/connections", headers=headers)
        assert answer.status_code == 401, headers
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_adding_a_brand_makes_brand_store_pending_connection_and_link(
    api: Api, topics: Topics
) -> None:
    three_pl = await api.three_pl()
    form = brand_form(store_url="HTTPS://www.Acme-Shop.example:443/collections?x=1")
    added = await three_pl.post("/v1/brands", form)
    assert added["store"]["domain"] == "acme-shop.example"
    assert added["connection"]["state"] == "pending"
    expires = datetime.fromisoformat(added["login_link"]["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=47) < expires <= timedelta(hours=48)

    shown = await three_pl.get(f"/v1/brands/{added['id']}")
    assert (shown["warehouse"], shown["priorities"]) == ("Madrid", ["cost"])
    assert shown["logged_in"] is False
    assert (await three_pl.get("/v1/brands"))["data"] == [shown]
    (listed,) = (await three_pl.get("/v1/connections?state=pending"))["data"]
    assert listed["id"] == added["connection"]["id"]
    assert listed["settings"] == {
        "version": 1, "shipping_rules_owner": "brand", "billing_owner": "brand",
        "support_owner": "brand", "webhook": None,
    }  # fmt: skip

    (record,) = await topics.all(CONNECTIONS_CHANGED.name, at_least=1)
    change = ConnectionChanged.model_validate_json(record.value)
    assert record.key == added["connection"]["id"].encode()
    assert (str(change.connection_id), change.state, change.version, change.epoch) == (
        added["connection"]["id"], "pending", 1, 0,
    )  # fmt: skip
    (record,) = await topics.all(STORES_CHANGED.name, at_least=1)
    store = StoreChanged.model_validate_json(record.value)
    assert (str(store.store_id), store.domain) == (added["store"]["id"], "acme-shop.example")


async def test_the_first_login_lets_the_connection_be_switched_on(api: Api) -> None:
    three_pl, brand, added = await api.connected()
    connection = await brand.get(f"/v1/connections/{added['connection']['id']}")
    assert connection["state"] == "inactive"
    assert (await three_pl.get(f"/v1/brands/{brand.id}"))["logged_in"] is True
    assert (await api.log_in(brand.email)).id == brand.id


async def test_a_login_link_works_once_and_then_is_a_plain_login(api: Api) -> None:
    _, brand, added = await api.connected()
    token = added["login_link"]["token"]
    again = await api.redeem(token)
    assert (again.status_code, again.json()["account_id"]) == (200, brand.id)
    stranger = await api.redeem(token, "some other password")
    assert (stranger.status_code, stranger.json()["code"]) == (403, "wrong_password")
    audit = (await brand.get(f"/v1/connections/{added['connection']['id']}/audit"))["data"]
    assert [entry["action"] for entry in audit] == ["accepted", "created"]


async def test_two_first_logins_at_once_set_one_password(api: Api) -> None:
    three_pl = await api.three_pl()
    added = await three_pl.post("/v1/brands", brand_form())
    passwords = [f"the password of {number}" for number in range(4)]
    answers = await asyncio.gather(
        *(api.redeem(added["login_link"]["token"], password) for password in passwords)
    )
    winners = [p for p, answer in zip(passwords, answers, strict=True) if answer.is_success]
    assert len(winners) == 1
    assert {answer.status_code for answer in answers if not answer.is_success} == {403}
    assert (await api.log_in(added["contact"]["email"], winners[0])).id == added["id"]


async def test_a_new_link_kills_the_old_one(api: Api) -> None:
    three_pl = await api.three_pl()
    added = await three_pl.post("/v1/brands", brand_form())
    fresh = await three_pl.post(f"/v1/brands/{added['id']}/login-link")
    old = await api.redeem(added["login_link"]["token"])
    assert (old.status_code, old.json()["code"]) == (410, "login_link_expired")
    assert (await api.redeem(fresh["token"])).status_code == 200
    answer = await three_pl.call("POST", f"/v1/brands/{added['id']}/login-link")
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_pending")


async def test_a_link_expires(api: Api, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    three_pl = await api.three_pl()
    added = await three_pl.post("/v1/brands", brand_form())
    database = await asyncpg.connect(postgres_dsn)
    await database.execute("UPDATE connections.login_links SET expires_at = now()")
    await database.close()
    answer = await api.redeem(added["login_link"]["token"])
    assert (answer.status_code, answer.json()["code"]) == (410, "login_link_expired")
    assert (await api.redeem("no such token")).status_code == 404


async def test_a_link_is_not_stored_as_it_is(api: Api, postgres_dsn: str) -> None:
    three_pl = await api.three_pl()
    added = await three_pl.post("/v1/brands", brand_form())
    database = await asyncpg.connect(postgres_dsn)
    digests = [row[0] for row in await database.fetch("SELECT digest FROM connections.login_links")]
    await database.close()
    assert digests
    assert added["login_link"]["token"] not in digests


async def test_a_brand_of_several_3pls_is_one_account_with_a_profile_for_each(
    api: Api,
) -> None:
    first, brand, added = await api.connected()
    second = await api.three_pl()
    form = brand_form(
        contact={"name": "Bea", "email": brand.email},
        store_url=added["store"]["domain"],
        warehouse="Lisbon",
    )
    again = await second.post("/v1/brands", form)
    assert (again["id"], again["store"]["id"]) == (brand.id, added["store"]["id"])
    assert (await first.get(f"/v1/brands/{brand.id}"))["warehouse"] == "Madrid"
    assert (await second.get(f"/v1/brands/{brand.id}"))["warehouse"] == "Lisbon"
    # The brand knows its password: the second link is proved by it, not by a new one.
    answer = await api.redeem(again["login_link"]["token"], "another password")
    assert answer.status_code == 403
    assert (await api.redeem(again["login_link"]["token"])).status_code == 200
    assert {c["state"] for c in (await brand.get("/v1/connections"))["data"]} == {"inactive"}


async def test_a_store_and_a_connection_exist_once(api: Api) -> None:
    three_pl, _, added = await api.connected()
    same = brand_form(contact=added["contact"], store_url=added["store"]["domain"])
    answer = await three_pl.call("POST", "/v1/brands", same)
    assert (answer.status_code, answer.json()["code"]) == (409, "already_connected")
    assert answer.json()["connection_id"] == added["connection"]["id"]
    other_brand = brand_form(store_url=added["store"]["domain"])
    answer = await three_pl.call("POST", "/v1/brands", other_brand)
    assert (answer.status_code, answer.json()["code"]) == (409, "store_taken")
    of_a_3pl = brand_form(contact={"name": "C", "email": three_pl.email})
    answer = await three_pl.call("POST", "/v1/brands", of_a_3pl)
    assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")


async def test_strangers_get_404_for_what_exists(api: Api) -> None:
    _, _, added = await api.connected()
    stranger = await api.three_pl()
    connection, store = added["connection"]["id"], added["store"]["id"]
    for method, path in (
        ("GET", f"/v1/brands/{added['id']}"),
        ("POST", f"/v1/brands/{added['id']}/login-link"),
        ("GET", f"/v1/connections/{connection}"),
        ("GET", f"/v1/connections/{connection}/audit"),
        ("GET", f"/v1/connections/{connection}/settings/versions"),
        ("POST", f"/v1/connections/{connection}/activate"),
        ("POST", f"/v1/connections/{connection}/disconnect"),
        ("GET", f"/v1/stores/{store}"),
        ("DELETE", f"/v1/stores/{store}/credentials/{uuid4()}"),
    ):
        assert (await stranger.call(method, path)).status_code == 404, path
    answer = await stranger.call("POST", f"/v1/stores/{store}/credentials", {"kind": "api_key"})
    assert answer.status_code == 404
    answer = await stranger.call(
        "PATCH",
        f"/v1/connections/{connection}/settings",
        {"priority": 1},
        {"if-match": '"1"'},
    )
    assert answer.status_code == 404
    assert (await stranger.get("/v1/connections"))["data"] == []


async def test_a_key_of_idempotency_creates_once_and_answers_the_same(api: Api) -> None:
    three_pl = await api.three_pl()
    form, key = brand_form(), {"idempotency-key": "form-1"}
    answers = await asyncio.gather(
        *(three_pl.call("POST", "/v1/brands", form, key) for _ in range(5))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len((await three_pl.get("/v1/connections"))["data"]) == 1

    other = await three_pl.call("POST", "/v1/brands", brand_form(), key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    of_another = await (await api.three_pl()).call("POST", "/v1/brands", brand_form(), key)
    assert of_another.status_code == 201
    too_long = await three_pl.call("POST", "/v1/brands", form, {"idempotency-key": "k" * 256})
    assert too_long.json()["code"] == "invalid_idempotency_key"


async def test_a_refused_request_does_not_use_up_its_key(api: Api) -> None:
    three_pl = await api.sign_up("three_pl")
    form, key = brand_form(), {"idempotency-key": "form-1"}
    assert (await three_pl.call("POST", "/v1/brands", form, key)).status_code == 402
    await api.set_plan(three_pl.id, "conquer")
    assert (await three_pl.call("POST", "/v1/brands", form, key)).status_code == 201


async def test_lists_are_read_page_by_page(api: Api) -> None:
    three_pl = await api.three_pl()
    added = [await three_pl.post("/v1/brands", brand_form()) for _ in range(5)]
    for path, ids in (
        ("/v1/brands", [brand["id"] for brand in added]),
        ("/v1/connections", [brand["connection"]["id"] for brand in added]),
    ):
        seen, after = [], ""
        while True:
            page = await three_pl.get(f"{path}?limit=2{after}")
            assert len(page["data"]) <= 2
            seen += [entry["id"] for entry in page["data"]]
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        assert seen == ids[::-1]


@pytest.mark.parametrize("cursor", ["x", "WyJ4Il0", "WzFd", "bnVsbA", "W10", "é"])
async def test_what_is_no_cursor_of_the_list_is_named(api: Api, cursor: str) -> None:
    three_pl = await api.sign_up("three_pl")
    answer = await three_pl.call("GET", f"/v1/connections?after={cursor}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")
    assert answer.json()["errors"][0]["pointer"] == "/after"


async def test_credentials_come_and_go_and_ingest_hears_of_each(api: Api, topics: Topics) -> None:
    _, brand, added = await api.connected()
    path = f"/v1/stores/{added['store']['id']}"
    first = await brand.post(f"{path}/credentials", {"kind": "api_key"})
    secret = {"kind": "shopify", "secret": "shpss_0123456789"}
    second = await brand.post(f"{path}/credentials", secret)
    assert first["secret"].startswith("rsk_")
    assert second["secret"] is None
    assert (await brand.call("DELETE", f"{path}/credentials/{first['id']}")).status_code == 204
    gone = await brand.call("DELETE", f"{path}/credentials/{first['id']}")
    assert gone.status_code == 404
    shown = await brand.get(path)
    assert [credential["id"] for credential in shown["credentials"]] == [second["id"]]
    assert "0123456789" not in str(shown)

    records = await topics.all(STORES_CHANGED.name, at_least=4)
    changes = [StoreChanged.model_validate_json(record.value) for record in records]
    assert [change.version for change in changes] == [1, 2, 3, 4]
    assert [[credential.kind for credential in change.credentials] for change in changes] == [
        [], ["api_key"], ["api_key", "shopify"], ["shopify"],
    ]  # fmt: skip
    assert "0123456789" not in str(records)
    assert first["secret"] not in str(records)


@pytest.mark.parametrize("platform", PLATFORM_NAMES)
async def test_a_store_may_run_on_every_platform_of_the_catalogue(api: Api, platform: str) -> None:
    three_pl = await api.three_pl()
    added = await three_pl.post("/v1/brands", brand_form(platform=platform))
    assert (await three_pl.get(f"/v1/stores/{added['store']['id']}"))["platform"] == platform


async def test_a_credential_with_the_wrong_secret_is_refused_and_not_repeated(
    api: Api,
) -> None:
    _, brand, added = await api.connected()
    path = f"/v1/stores/{added['store']['id']}/credentials"
    for body, pointer in (
        ({"kind": "api_key", "secret": "shpss_0123456789"}, "/secret"),
        ({"kind": "shopify"}, "/secret"),
        ({"kind": "carrier pigeon"}, "/kind"),
    ):
        answer = await brand.call("POST", path, body)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
        assert "0123456789" not in answer.text


async def test_the_3pl_sets_credentials_until_the_brand_logs_in(api: Api) -> None:
    three_pl = await api.three_pl()
    added = await three_pl.post("/v1/brands", brand_form())
    path = f"/v1/stores/{added['store']['id']}/credentials"
    assert (await three_pl.call("POST", path, {"kind": "api_key"})).status_code == 201
    await api.redeem(added["login_link"]["token"])
    answer = await three_pl.call("POST", path, {"kind": "api_key"})
    assert (answer.status_code, answer.json()["code"]) == (403, "brand_only")


async def test_a_key_made_with_idempotency_is_shown_again_and_sealed_at_rest(
    api: Api, postgres_dsn: str
) -> None:
    _, brand, added = await api.connected()
    path, key = f"/v1/stores/{added['store']['id']}/credentials", {"idempotency-key": "k"}
    first = await brand.call("POST", path, {"kind": "api_key"}, key)
    again = await brand.call("POST", path, {"kind": "api_key"}, key)
    assert first.json() == again.json()
    database = await asyncpg.connect(postgres_dsn)
    kept = await database.fetchval("SELECT sealed_answer FROM connections.idempotency_keys")
    await database.close()
    assert first.json()["secret"] not in kept


async def test_a_second_process_serves_the_same_accounts(
    api: Api, service_settings: dict[str, str]
) -> None:
    party = await api.sign_up("brand")
    async with running(create_app(Settings())) as other:
        session = await Api(other, "").log_in(party.email)
    assert UUID(session.id) == UUID(party.id)
