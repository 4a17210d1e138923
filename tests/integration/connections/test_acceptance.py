"""Who may become a brand: the table of attacks of decision 12, and the short way that stays.

One long file: it is one rule, attack by attack.
"""

import asyncio
from uuid import UUID, uuid4

import asyncpg
import pytest

from shared.contracts.connections_changed import ConnectionChanged
from shared.contracts.stores_changed import StoreChanged
from shared.kafka.topics import CONNECTIONS_CHANGED, STORES_CHANGED
from tests.kit.client import PASSWORD, Api, Json, Party, brand_form
from tests.kit.publishers import Topics

pytestmark = pytest.mark.engines


async def claimed(api: Api, **form: object) -> tuple[Party, Json]:
    """A 3PL, and what its form answered."""
    three_pl = await api.three_pl()
    return three_pl, await three_pl.post("/v1/brands", brand_form(**form))


async def told_of(topics: Topics, store_id: str, at_least: int) -> StoreChanged:
    """What was said of a store last, once there are so many messages about all of them."""
    records = await topics.all(STORES_CHANGED.name, at_least=at_least)
    said = [StoreChanged.model_validate_json(record.value) for record in records]
    return max((one for one in said if str(one.store_id) == store_id), key=lambda one: one.version)


# --- the short way ----------------------------------------------------------------------------


async def test_link_mail_password_and_the_connection_can_be_switched_on(api: Api) -> None:
    three_pl, added = await claimed(api)
    shown = await api.open_link(added)
    assert (shown["three_pl"], shown["company_name"]) == ("three_pl Ltd", "Acme")
    assert shown["store"] == {"platform": "shopify", "domain": added["store"]["domain"]}
    assert shown["settings"]["version"] == 1
    email = added["contact"]["email"]
    assert shown["mailed_to"] == f"{email[0]}…@brand.test"
    (mail,) = await api.mailbox.wait_for(email)
    assert mail.subject == f"three_pl Ltd asks to work for {added['store']['domain']}"
    offer = (await api.client.post("/v1/acceptances/preview", json={"token": mail.token})).json()
    assert (offer["has_password"], offer["settings"]) == (False, shown["settings"])

    accepted = await api.accept(mail.token)
    brand = api.party(accepted, email)
    assert accepted.json()["connection"]["state"] == "inactive"
    assert accepted.json()["store"]["id"] == added["store"]["id"]
    # Nobody had an account: the claim has become one.
    assert brand.id == added["id"]
    shown = await three_pl.get(f"/v1/brands/{added['id']}")
    assert (shown["has_accepted"], shown["account_id"]) == (True, brand.id)
    await three_pl.post(f"/v1/connections/{added['connection']['id']}/activate")
    assert (await api.log_in(email)).id == brand.id


async def test_the_3pl_may_have_the_mail_sent_at_once_and_sees_nothing_of_it(api: Api) -> None:
    _, added = await claimed(api, send_mail=True)
    (mail,) = await api.mailbox.wait_for(added["contact"]["email"])
    assert mail.token not in str(added)
    assert (await api.accept(mail.token)).status_code == 201


async def test_the_mail_speaks_the_language_of_the_form(api: Api) -> None:
    email = f"{uuid4().hex}@brand.test"
    contact = {"name": "Ada", "email": email, "language": "es"}
    await claimed(api, contact=contact, send_mail=True)
    (mail,) = await api.mailbox.wait_for(email)
    assert "Recibes este correo" in mail.text


# --- what the shared link does not do -----------------------------------------------------------


async def test_a_3pl_that_opens_its_own_link_gets_nothing_but_a_mail_to_the_client(
    api: Api,
) -> None:
    """B adds the client of A by its address and opens B's own link."""
    _, brand, of_a = await api.connected()
    mallory, added = await claimed(
        api,
        contact={"name": "Ada", "email": brand.email},
        store_url=of_a["store"]["domain"],
    )
    assert added["store"]["id"] != of_a["store"]["id"]
    assert added["id"] != brand.id
    shown = await api.open_link(added)
    assert brand.id not in str(shown)
    assert brand.id not in str(added)
    token = added["login_link"]["token"]
    for path, fields in (
        ("/v1/acceptances", {"settings_version": 1, "password": PASSWORD}),
        ("/v1/acceptances/preview", {}),
        ("/v1/password-resets/redeem", {"password": PASSWORD}),
        ("/v1/accounts/confirm", {"password": PASSWORD}),
    ):
        answer = await api.client.post(path, json={"token": token, **fields})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    connection = await mallory.get(f"/v1/connections/{added['connection']['id']}")
    assert connection["state"] == "pending"
    for path in (f"/v1/stores/{of_a['store']['id']}", f"/v1/brands/{brand.id}"):
        assert (await mallory.call("GET", path)).status_code == 404
    assert (await api.log_in(brand.email)).id == brand.id


async def test_the_answer_is_the_same_whatever_exists(api: Api) -> None:
    _, brand, _ = await api.connected()
    three_pl = await api.three_pl()
    shapes = []
    for email in (brand.email, three_pl.email, f"{uuid4().hex}@brand.test"):
        added = await three_pl.post(
            "/v1/brands", brand_form(contact={"name": "Ada", "email": email})
        )
        shown = await api.open_link(added)
        listed = await three_pl.get(f"/v1/brands/{added['id']}")
        shapes.append((sorted(added), sorted(shown), listed["has_accepted"], listed["account_id"]))
        assert await api.mailbox.wait_for(email)
    assert shapes[0] == shapes[1] == shapes[2]


async def test_an_invented_brand_blocks_neither_shop_nor_address(api: Api) -> None:
    form = brand_form()
    squatter = await api.three_pl()
    await squatter.post("/v1/brands", form)
    honest, brand, added = await api.connected(form=form)
    assert (await brand.get(f"/v1/connections/{added['connection']['id']}"))["state"] == "inactive"
    await honest.post(f"/v1/connections/{added['connection']['id']}/activate")
    (seen,) = (await brand.get("/v1/connections"))["data"]
    assert seen["three_pl"]["id"] == honest.id
    answer = await squatter.call("POST", "/v1/brands", form)
    assert (answer.status_code, answer.json()["code"]) == (409, "already_connected")


async def test_a_new_link_kills_the_old_one_and_an_expired_one_says_so(
    api: Api, postgres_dsn: str
) -> None:
    three_pl, added = await claimed(api)
    fresh = await three_pl.post(f"/v1/brands/{added['id']}/login-link")

    async def code(token: str) -> str:
        answer = await api.client.post("/v1/login-links/open", json={"token": token})
        return str(answer.json().get("code"))

    assert await code(added["login_link"]["token"]) == "login_link_expired"
    assert await code("no such token") == "not_found"
    await api.accepted({**added, "login_link": fresh})
    assert await code(fresh["token"]) == "login_link_expired"
    answer = await three_pl.call("POST", f"/v1/brands/{added['id']}/login-link")
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_pending")

    _, added = await claimed(api)
    database = await asyncpg.connect(postgres_dsn)
    await database.execute("UPDATE connections.login_links SET expires_at = now()")
    await database.close()
    assert await code(added["login_link"]["token"]) == "login_link_expired"


async def test_a_client_with_an_old_link_asks_for_a_new_one_in_one_click(
    api: Api, postgres_dsn: str
) -> None:
    three_pl, added = await claimed(api)
    database = await asyncpg.connect(postgres_dsn)
    await database.execute("UPDATE connections.login_links SET expires_at = now()")
    await database.close()
    link = {"token": added["login_link"]["token"]}
    for _ in range(2):
        assert (await api.client.post("/v1/login-links/renew", json=link)).status_code == 204
    unknown = await api.client.post("/v1/login-links/renew", json={"token": "x"})
    assert unknown.status_code == 404
    mail = (await api.mailbox.wait_for(three_pl.email, 2))[-1]
    assert mail.subject == f"A new link is wanted for {added['store']['domain']}"
    fresh = await three_pl.post(f"/v1/brands/{added['id']}/login-link")
    await api.accepted({**added, "login_link": fresh})
    gone = await api.client.post("/v1/login-links/renew", json=link)
    assert (gone.status_code, gone.json()["code"]) == (404, "not_found")
    # One for each link, however often it was asked.
    assert len(api.mailbox.to(three_pl.email)) == 2


async def test_an_address_gets_few_mails_and_none_after_it_said_never(api: Api) -> None:
    three_pl, added = await claimed(api)
    email = added["contact"]["email"]
    for _ in range(5):
        await api.open_link(added)
    mails = await api.mailbox.wait_for(email, 3)
    assert "Never again a mail from this sender" in mails[0].text
    never = mails[0].text.split("/stop-mail#token=")[1].split()[0]
    for _ in range(2):
        answer = await api.client.post("/v1/mail-opt-outs", json={"token": never})
        assert answer.status_code == 204
    contact = {"name": "Bob", "email": email}
    another = await three_pl.post("/v1/brands", brand_form(contact=contact, send_mail=True))
    await api.open_link(another)
    # Another sender still may, once the hour is over; here another address shows that mail goes.
    _, other = await claimed(api, send_mail=True)
    await api.mailbox.wait_for(other["contact"]["email"])
    assert len(api.mailbox.to(email)) == 3


# --- what the mailed link needs -----------------------------------------------------------------


async def test_a_person_that_exists_has_to_know_the_password_or_be_logged_in(api: Api) -> None:
    brand = await api.sign_up("brand")
    three_pl = await api.three_pl()
    contact = {"name": "Ada", "email": brand.email}
    added = [await three_pl.post("/v1/brands", brand_form(contact=contact)) for _ in range(2)]
    first = await api.mailed_token(added[0])
    answer = await api.accept(first, password="not the password")
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_password")
    answer = await api.accept(first, as_party=await api.sign_up("brand"))
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_account")
    missing = await api.client.post("/v1/acceptances", json={"token": first, "settings_version": 1})
    assert missing.json()["errors"][0]["pointer"] == "/password"
    assert (await api.accept(first)).status_code == 201
    second = await api.accept(await api.mailed_token(added[1]), as_party=brand)
    assert second.json()["account_id"] == brand.id
    assert len((await brand.get("/v1/stores"))["data"]) == 2


async def test_terms_that_changed_after_they_were_shown_are_not_accepted(api: Api) -> None:
    three_pl, added = await claimed(api)
    token = await api.mailed_token(added)
    path = added["connection"]["id"]
    assert (await three_pl.set(path, billing_owner="three_pl")).status_code == 200
    answer = await api.client.post(
        "/v1/acceptances", json={"token": token, "settings_version": 1, "password": PASSWORD}
    )
    assert (answer.status_code, answer.json()["code"]) == (412, "terms_changed")
    assert answer.json()["version"] == 2
    assert (await three_pl.get(f"/v1/brands/{added['id']}"))["has_accepted"] is False
    assert (await api.accept(token)).status_code == 201


async def test_accepting_twice_is_once_and_a_used_link_gives_nothing_to_another(
    api: Api, topics: Topics
) -> None:
    _, added = await claimed(api)
    token = await api.mailed_token(added)
    answers = await asyncio.gather(*(api.accept(token) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.json()["account_id"] for answer in answers}) == 1
    again = await api.client.post(
        "/v1/acceptances",
        json={"token": token, "settings_version": 1, "password": "some other password"},
    )
    assert (again.status_code, again.json()["code"]) == (403, "wrong_password")
    brand = await api.log_in(added["contact"]["email"])
    audit = (await brand.get(f"/v1/connections/{added['connection']['id']}/audit"))["data"]
    assert [entry["action"] for entry in audit] == ["accepted", "created"]
    records = await topics.all(CONNECTIONS_CHANGED.name, at_least=2)
    states = [ConnectionChanged.model_validate_json(record.value).state for record in records]
    assert states == ["pending", "inactive"]


async def test_two_first_passwords_at_once_set_one(api: Api) -> None:
    _, added = await claimed(api)
    token = await api.mailed_token(added)
    passwords = [f"the password of {number}" for number in range(4)]
    answers = await asyncio.gather(
        *(api.accept(token, password=password) for password in passwords)
    )
    winners = [p for p, answer in zip(passwords, answers, strict=True) if answer.is_success]
    assert len(winners) == 1
    assert {answer.status_code for answer in answers if not answer.is_success} == {403}
    assert (await api.log_in(added["contact"]["email"], winners[0])).id == added["id"]


async def test_a_mailed_link_ends_with_its_time_and_with_the_claim(
    api: Api, postgres_dsn: str
) -> None:
    three_pl, added = await claimed(api)
    token = await api.mailed_token(added)
    await three_pl.post(f"/v1/connections/{added['connection']['id']}/disconnect")
    answer = await api.accept(token)
    assert (answer.status_code, answer.json()["code"]) == (410, "link_expired")
    # Nobody became anybody by it.
    login = await api.client.post(
        "/v1/sessions", json={"email": added["contact"]["email"], "password": PASSWORD}
    )
    assert login.status_code == 401

    _, added = await claimed(api)
    token = await api.mailed_token(added)
    database = await asyncpg.connect(postgres_dsn)
    await database.execute("UPDATE connections.mailed_links SET expires_at = now()")
    await database.close()
    assert (await api.accept(token)).json()["code"] == "link_expired"


# --- where the claim goes -----------------------------------------------------------------------


async def test_the_claim_joins_the_account_that_its_person_has(api: Api, topics: Topics) -> None:
    brand = await api.sign_up("brand")
    three_pl = await api.three_pl()
    added = await three_pl.post(
        "/v1/brands", brand_form(contact={"name": "Ada", "email": brand.email})
    )
    key = await three_pl.post(f"/v1/stores/{added['store']['id']}/credentials", {"kind": "api_key"})
    _, accepted = await api.accepted(added, [key["id"]])
    assert (accepted["account_id"], accepted["store"]["id"]) == (brand.id, added["store"]["id"])
    assert [store["id"] for store in (await brand.get("/v1/stores"))["data"]] == [
        added["store"]["id"]
    ]
    shown = await three_pl.get(f"/v1/brands/{added['id']}")
    assert (shown["has_accepted"], shown["account_id"]) == (True, brand.id)
    (connection,) = (await brand.get("/v1/connections"))["data"]
    assert (connection["brand"]["id"], connection["state"]) == (brand.id, "inactive")
    told = await told_of(topics, added["store"]["id"], 3)
    assert (told.brand_id, told.former_brand_id, told.alias_of) == (
        UUID(brand.id), UUID(added["id"]), None,
    )  # fmt: skip
    assert [str(credential.id) for credential in told.credentials] == [key["id"]]
    records = await topics.all(CONNECTIONS_CHANGED.name, at_least=2)
    change = ConnectionChanged.model_validate_json(records[-1].value)
    assert (str(change.brand_id), change.state) == (brand.id, "inactive")


async def test_where_the_account_has_the_shop_the_claim_is_an_alias_of_it(
    api: Api, topics: Topics
) -> None:
    brand = await api.sign_up("brand")
    own = await brand.post(
        "/v1/stores", {"store_url": "https://acme.example", "platform": "shopify"}
    )
    rules = {"payment_rules": {"hold_unpaid": False}}
    await brand.call("PATCH", f"/v1/stores/{own['id']}", rules)
    three_pl = await api.three_pl()
    form = brand_form(contact={"name": "Ada", "email": brand.email}, store_url="www.acme.example")
    added = await three_pl.post("/v1/brands", form)
    claim = added["store"]["id"]
    key = await three_pl.post(f"/v1/stores/{claim}/credentials", {"kind": "api_key"})
    _, accepted = await api.accepted(added, [key["id"]])
    assert accepted["store"]["id"] == own["id"]
    connection = await three_pl.get(f"/v1/connections/{added['connection']['id']}")
    assert connection["store"]["id"] == own["id"]
    told = await told_of(topics, claim, 5)
    assert str(told.alias_of) == own["id"]
    assert (told.payment_rules.hold_unpaid, len(told.credentials)) == (False, 1)

    # Both ids are the store; the key says for which it is good, and is the brand's to revoke.
    for store_id in (claim, own["id"]):
        shown = await brand.get(f"/v1/stores/{store_id}")
        assert shown["id"] == own["id"]
        assert [(one["id"], one["store_id"]) for one in shown["credentials"]] == [
            (key["id"], claim)
        ]
    await brand.call("PATCH", f"/v1/stores/{own['id']}", {"payment_rules": {"hold_unpaid": True}})
    for store_id in (claim, own["id"]):
        assert (await told_of(topics, store_id, 7)).payment_rules.hold_unpaid is True
    await brand.call("DELETE", f"/v1/stores/{own['id']}/credentials/{key['id']}")
    assert (await told_of(topics, claim, 8)).credentials == ()


async def test_two_claims_of_one_shop_accepted_at_once_make_one_store(api: Api) -> None:
    brand = await api.sign_up("brand")
    contact = {"name": "Ada", "email": brand.email}
    form = brand_form(contact=contact)
    added = [await (await api.three_pl()).post("/v1/brands", form) for _ in range(3)]
    tokens = [await api.mailed_token(one) for one in added]
    answers = await asyncio.gather(*(api.accept(token) for token in tokens))
    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({answer.json()["store"]["id"] for answer in answers}) == 1
    assert len((await brand.get("/v1/stores"))["data"]) == 1
    connections = (await brand.get("/v1/connections"))["data"]
    assert len({connection["priority"] for connection in connections}) == 3


async def test_a_3pl_that_was_thrown_out_needs_a_new_acceptance(api: Api) -> None:
    three_pl, brand, added = await api.connected()
    await brand.post(f"/v1/connections/{added['connection']['id']}/disconnect")
    form = brand_form(contact=added["contact"], store_url=added["store"]["domain"])
    again = await three_pl.post("/v1/brands", form)
    assert again["store"]["id"] != added["store"]["id"]
    answer = await three_pl.call("GET", f"/v1/stores/{added['store']['id']}")
    assert answer.status_code == 404
    answer = await three_pl.call("POST", f"/v1/connections/{again['connection']['id']}/activate")
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_transition")
    _, accepted = await api.accepted(again)
    assert accepted["store"]["id"] == added["store"]["id"]
    activated = await three_pl.post(f"/v1/connections/{again['connection']['id']}/activate")
    assert (activated["state"], activated["epoch"]) == ("active", 1)


async def test_one_of_several_accounts_can_be_named(api: Api) -> None:
    _, brand, _ = await api.connected()
    stranger = await api.sign_up("brand")
    contact = {"name": "Ada", "email": brand.email}
    added = await (await api.three_pl()).post("/v1/brands", brand_form(contact=contact))
    token = await api.mailed_token(added)
    answer = await api.accept(token, account_id=stranger.id)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await api.accept(token, account_id=brand.id)).json()["account_id"] == brand.id


async def test_one_address_may_be_a_3pl_and_a_brand(api: Api) -> None:
    three_pl = await api.three_pl()
    other = await api.three_pl()
    contact = {"name": "Ada", "email": three_pl.email}
    added = await other.post("/v1/brands", brand_form(contact=contact))
    _, accepted = await api.accepted(added)
    assert accepted["account_id"] == added["id"]
    kinds = {account["kind"]: account["id"] for account in accepted["accounts"]}
    assert kinds == {"three_pl": three_pl.id, "brand": added["id"]}
    session = await api.client.post(
        "/v1/sessions",
        json={"email": three_pl.email, "password": PASSWORD, "account_id": added["id"]},
    )
    assert session.json()["account_id"] == added["id"]
    assert (await api.log_in(three_pl.email)).id == three_pl.id
