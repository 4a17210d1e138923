"""Devices that a person has logged in from: they stay open while others guess from everywhere."""

from datetime import timedelta
from uuid import uuid4

import asyncpg
import httpx
import pytest

from services.connections.main import create_app
from services.connections.people import devices
from services.connections.people.limits import MOST_OF_STRANGE_DEVICES
from services.connections.settings import Settings
from tests.kit.client import PASSWORD, Api, Party
from tests.kit.serving import ready, running

pytestmark = pytest.mark.engines
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


async def log_in(
    api: Api, email: str, password: str = PASSWORD, device: str = "", agent: str = FIREFOX
) -> httpx.Response:
    """From a device without cookies, or with the token that it was given."""
    api.client.cookies.clear()
    headers = {"user-agent": agent, **({"relevo-device": device} if device else {})}
    body = {"email": email, "password": password}
    return await api.client.post("/v1/sessions", json=body, headers=headers)


async def guessed_by_many_networks(dsn: str, email: str, api: Api) -> None:
    """As often as strangers may: one try more, and the networks of the others long gone."""
    database = await asyncpg.connect(dsn)
    await database.execute("DELETE FROM connections.login_attempts")
    assert (await log_in(api, email, "wrong " * 3)).status_code == 401
    await database.execute(
        "DELETE FROM connections.login_attempts WHERE ends_at < now() + $1", timedelta(minutes=20)
    )
    (left,) = await database.fetch(
        "UPDATE connections.login_attempts SET attempts = $1 RETURNING ends_at - now() AS wait",
        MOST_OF_STRANGE_DEVICES,
    )
    assert timedelta(minutes=59) < left["wait"] <= timedelta(hours=1)
    await database.close()


async def attempts(dsn: str) -> list[int]:
    database = await asyncpg.connect(dsn)
    rows = await database.fetch("SELECT attempts FROM connections.login_attempts ORDER BY 1")
    await database.close()
    return [row["attempts"] for row in rows]


async def test_guesses_from_many_networks_shut_an_account_for_strange_devices_alone(
    api: Api, postgres_dsn: str
) -> None:
    party = await api.sign_up("brand")
    known = (await log_in(api, party.email)).headers["relevo-device"]
    someone = await api.sign_up("brand")
    theirs = (await log_in(api, someone.email)).headers["relevo-device"]
    for email in (party.email, f"{uuid4().hex}@relevo.test"):
        await guessed_by_many_networks(postgres_dsn, email, api)
        for device in ("", theirs, "none.of.ours"):
            answer = await log_in(api, email.upper(), PASSWORD, device)
            assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
            assert 900 < int(answer.headers["retry-after"]) <= 3600
    await guessed_by_many_networks(postgres_dsn, party.email, api)
    # It is not counted there: right or wrong, it changes nothing for the others.
    assert (await log_in(api, party.email, "wrong " * 3, known)).status_code == 401
    assert (await log_in(api, party.email, PASSWORD, known)).status_code == 201
    assert MOST_OF_STRANGE_DEVICES in await attempts(postgres_dsn)
    # The cookie does as well.
    api.client.cookies.set("relevo_device", known)
    body = {"email": party.email, "password": PASSWORD}
    assert (await api.client.post("/v1/sessions", json=body)).status_code == 201

    # Who lost the device, too, reads the mail.
    await api.client.post("/v1/password-resets", json={"email": party.email})
    mails = await api.mailbox.wait_for(party.email, 3)
    token = next(one.token for one in reversed(mails) if "reset-password" in one.link)
    body = {"token": token, "password": "another horse battery"}
    again = await api.client.post("/v1/password-resets/redeem", json=body)
    assert again.status_code == 201
    device = again.headers["relevo-device"]
    assert (await log_in(api, party.email, body["password"], device)).status_code == 201


async def test_a_right_password_takes_back_its_own_try_alone(api: Api, postgres_dsn: str) -> None:
    party = await api.sign_up("brand")
    database = await asyncpg.connect(postgres_dsn)
    await database.execute("DELETE FROM connections.login_attempts")
    await database.close()
    for _ in range(3):
        await log_in(api, party.email, "wrong " * 3)
    assert (await log_in(api, party.email)).status_code == 201
    # Of the network and of strange devices; those of the network at this account are forgiven.
    assert await attempts(postgres_dsn) == [3, 3]


async def test_a_log_in_from_a_new_device_is_told_by_mail_in_words_of_our_own(api: Api) -> None:
    party = await api.sign_up("brand")
    known = (await log_in(api, party.email)).headers["relevo-device"]
    (_, told) = await api.mailbox.wait_for(party.email, 2)
    assert told.subject == "A log-in from a new device"
    assert "Firefox, Linux" in told.text
    assert (await log_in(api, party.email, device=known)).status_code == 201
    for _ in range(4):
        assert (await log_in(api, party.email, agent="call evil.example now")).status_code == 201
    # A mail that is queued after all of them.
    await api.client.post("/v1/password-resets", json={"email": party.email})

    def is_reset(mail: object) -> bool:
        return "reset-password" in str(getattr(mail, "link", ""))

    mails = await api.mailbox.wait_for(party.email, 5)
    assert [mail.subject for mail in mails[1:4]] == [told.subject] * 3
    assert is_reset(mails[4])
    assert not [mail for mail in mails if "evil.example" in mail.text]


async def test_a_devices_cookie_is_for_the_service_alone(
    api: Api, service_settings: dict[str, str]
) -> None:
    party: Party = await api.sign_up("brand")
    cookie = (await log_in(api, party.email)).headers["set-cookie"].lower()
    for part in ("relevo_device=", "httponly", "samesite=lax", "max-age=31536000", "path=/"):
        assert part in cookie
    assert "secure" not in cookie
    public = Settings(connections_public_url="https://relevo.example")
    async with running(create_app(public)) as client:
        await ready(client)
        answer = await log_in(Api.of(client, service_settings), party.email)
    assert "; secure" in answer.headers["set-cookie"].lower()


async def test_a_devices_token_is_over_after_a_year(
    api: Api, monkeypatch: pytest.MonkeyPatch, postgres_dsn: str
) -> None:
    party = await api.sign_up("brand")
    old = (await log_in(api, party.email)).headers["relevo-device"]
    monkeypatch.setattr(devices, "LIFETIME_SECONDS", -1)
    await guessed_by_many_networks(postgres_dsn, party.email, api)
    assert (await log_in(api, party.email, PASSWORD, old)).status_code == 429
