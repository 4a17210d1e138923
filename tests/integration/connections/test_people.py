"""Signing up, logging in and new passwords: a mail proves an address, and nothing else does."""

import asyncio
from collections.abc import Callable
from uuid import UUID, uuid4

import asyncpg

from services.connections.main import create_app
from services.connections.settings import Settings
from shared.web.auth import Verifier
from tests.kit.client import PASSWORD, Api
from tests.kit.serving import ready, running


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


async def test_only_the_operator_changes_plans(api: Api) -> None:
    party = await api.sign_up("three_pl")
    by_itself = await party.call("PUT", f"/v1/accounts/{party.id}/plan", {"plan": "conquer"})
    assert by_itself.status_code == 401
    nobody = await api.client.put(f"/v1/accounts/{party.id}/plan", json={"plan": "conquer"})
    assert nobody.status_code == 401
    assert (await api.set_plan(str(uuid4()), "conquer")).status_code == 404
    assert (await api.set_plan(party.id, "conquer")).json()["plan"] == "conquer"


async def test_a_second_process_serves_the_same_accounts(
    api: Api, service_settings: dict[str, str]
) -> None:
    party = await api.sign_up("brand")
    async with running(create_app(Settings())) as other:
        await ready(other)
        session = await Api.of(other, service_settings).log_in(party.email)
    assert UUID(session.id) == UUID(party.id)


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


async def test_nothing_exists_before_the_mailed_link_sets_the_password(
    api: Api, postgres_dsn: str
) -> None:
    email = f"{uuid4().hex}@relevo.test"
    form = {"kind": "brand", "name": "B", "email": email.upper(), "language": "es"}
    answer = await api.client.post("/v1/accounts", json=form)
    assert (answer.status_code, answer.json()) == (202, {"email": email})
    (mail,) = await api.mailbox.wait_for(email)
    assert mail.subject == "Confirma tu dirección de correo"
    assert mail.link.startswith("http://127.0.0.1:8000/confirm#token=")
    database = await asyncpg.connect(postgres_dsn)
    for count in (
        "SELECT count(*) FROM connections.accounts",
        "SELECT count(*) FROM connections.people",
        "SELECT count(*) FROM connections.memberships",
    ):
        assert await database.fetchval(count) == 0
    digests = await database.fetch("SELECT digest FROM connections.mailed_links")
    await database.close()
    assert mail.token not in str(digests)

    party = await api.confirm(email)
    assert (await api.log_in(email.upper())).id == party.id
    again = await api.client.post(
        "/v1/accounts/confirm", json={"token": mail.token, "password": "another password"}
    )
    assert (again.status_code, again.json()["code"]) == (410, "link_expired")


async def test_what_waited_for_the_owner_of_an_address_is_discarded_by_its_confirmation(
    api: Api,
) -> None:
    """Somebody else typed the address before: their link dies, whichever it was."""
    email = f"{uuid4().hex}@relevo.test"
    for name in ("Mallory", "Ada"):
        form = {"kind": "three_pl", "name": name, "email": email}
        await api.client.post("/v1/accounts", json=form)
    first, second = await api.mailbox.wait_for(email, 2)
    answers = await asyncio.gather(
        *(
            api.client.post("/v1/accounts/confirm", json={"token": token, "password": PASSWORD})
            for token in (first.token, second.token, first.token)
        )
    )
    codes = sorted(answer.status_code for answer in answers)
    assert codes[0] == 201
    assert set(codes[1:]) <= {404, 410}
    (account,) = (
        await api.client.post("/v1/sessions", json={"email": email, "password": PASSWORD})
    ).json()["accounts"]
    assert account["role"] == "owner"


async def test_the_answer_is_the_same_whatever_exists_and_a_mail_tells_the_difference(
    api: Api,
) -> None:
    known = (await api.sign_up("three_pl")).email
    unknown = f"{uuid4().hex}@relevo.test"
    for path, form, subjects in (
        ("/v1/accounts", {"kind": "brand", "name": "B"},
         ("You have an account already", "Confirm your e-mail address")),
        ("/v1/password-resets", {},
         ("Set a new password", "There is no account with this address")),
    ):  # fmt: skip
        for email, subject in zip((known, unknown), subjects, strict=True):
            before = len(api.mailbox.to(email))
            answer = await api.client.post(path, json={**form, "email": email})
            assert (answer.status_code, answer.json()) == (202, {"email": email})
            mail = (await api.mailbox.wait_for(email, before + 1))[-1]
            assert mail.subject == subject


async def test_an_address_gets_few_mails_whoever_asks(api: Api) -> None:
    email = f"{uuid4().hex}@relevo.test"
    for _ in range(5):
        assert (
            await api.client.post("/v1/password-resets", json={"email": email})
        ).status_code == 202
    other = f"{uuid4().hex}@relevo.test"
    await api.client.post("/v1/password-resets", json={"email": other})
    await api.mailbox.wait_for(other)
    assert len(await api.mailbox.wait_for(email, 3)) == 3


async def test_a_reset_is_good_once_and_kills_the_other_links(api: Api) -> None:
    party = await api.sign_up("brand")
    for _ in range(2):
        await api.client.post("/v1/password-resets", json={"email": party.email})
    _, first, second = await api.mailbox.wait_for(party.email, 3)

    async def redeem(token: str, password: str) -> tuple[int, str]:
        answer = await api.client.post(
            "/v1/password-resets/redeem", json={"token": token, "password": password}
        )
        return answer.status_code, answer.json().get("code", "")

    assert await redeem(second.token, "short") == (422, "validation_failed")
    assert await redeem(second.token, "a new password of mine") == (201, "")
    assert await redeem(second.token, "and one more of mine") == (410, "link_expired")
    assert await redeem(first.token, "and one more of mine") == (404, "not_found")
    assert (await api.log_in(party.email, "a new password of mine")).id == party.id
    old = await api.client.post("/v1/sessions", json={"email": party.email, "password": PASSWORD})
    assert old.status_code == 401


async def test_a_reset_link_lasts_half_an_hour(api: Api, postgres_dsn: str) -> None:
    party = await api.sign_up("brand")
    await api.client.post("/v1/password-resets", json={"email": party.email})
    token = (await api.mailbox.wait_for(party.email, 2))[-1].token
    database = await asyncpg.connect(postgres_dsn)
    await database.execute(
        "UPDATE connections.mailed_links SET expires_at = expires_at - interval '30 minutes'"
    )
    await database.close()
    answer = await api.client.post(
        "/v1/password-resets/redeem", json={"token": token, "password": PASSWORD}
    )
    assert (answer.status_code, answer.json()["code"]) == (410, "link_expired")


async def test_easy_passwords_are_refused_with_the_reason_and_the_link_stays_good(
    api: Api,
) -> None:
    email = "ada.lovelace@analytical.test"
    form = {"kind": "brand", "name": "Analytical Engines", "email": email}
    await api.client.post("/v1/accounts", json=form)
    (mail,) = await api.mailbox.wait_for(email)
    for password in ("a" * 12, "qwertyuiop123", "ada.lovelace", "analyticalengines"):
        answer = await api.client.post(
            "/v1/accounts/confirm", json={"token": mail.token, "password": password}
        )
        assert answer.status_code == 422, password
        assert answer.json()["errors"][0]["pointer"] == "/password"
    await api.confirm(email)
