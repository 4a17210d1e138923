"""Signing up, logging in and out, and what happens when a session ends, page by page."""

import re
from datetime import UTC, datetime

import pytest

from services.console.api.problem import ApiProblem
from services.console.browser.sessions import Sessions
from tests.kit.client import PASSWORD, Api
from tests.kit.screens import Console, Screens

pytestmark = pytest.mark.engines
Accounts = tuple[Console, Api]


async def test_somebody_signs_up_by_the_mailed_link_and_logs_out(accounts: Accounts) -> None:
    console, api = accounts
    browser = console.browser()
    form = await browser.open("/sign-up")
    sent = await browser.submit(
        form, "/sign-up", kind="three_pl", name="Lagerhaus", email="ada@lager.test"
    )
    assert "ada@lager.test" in sent.text
    mail = (await api.mailbox.wait_for("ada@lager.test"))[-1]
    assert f"http://127.0.0.1:8000/confirm#token={mail.token}" in mail.text

    gate = await browser.open("/confirm")
    asks = await browser.submit(gate, "/confirm", token=f"http://x/confirm#token={mail.token}")
    weak = await browser.submit(asks, "/confirm", password="password1")
    assert weak.status == 422
    assert "Write at least 12 characters." in weak.text
    home = await browser.submit(weak, "/confirm", password=PASSWORD)
    assert (home.status, home.path) == (200, "/")
    assert "Welcome to Relevo." in home.text
    assert "ada@lager.test" in home.text
    # Said once.
    assert "Welcome to Relevo." not in (await browser.open("/")).text

    out = await browser.submit(await browser.open("/"), "/log-out")
    assert "You are logged out." in out.text
    assert (await browser.open("/account")).path == "/log-in?next=%2Faccount"


async def test_logging_in_goes_on_to_the_page_that_was_asked_for_and_nowhere_else(
    accounts: Accounts,
) -> None:
    console, api = accounts
    person = await api.sign_up("brand")
    browser = console.browser()
    wrong = await browser.log_in(person.email, "not this one")
    assert wrong.status == 401
    assert "The e-mail or the password is not right." in wrong.text
    asked = await browser.open("/account")
    there = await browser.submit(asked, "/log-in", email=person.email, password=PASSWORD)
    assert there.path == "/account"
    for elsewhere in ("https://evil.test/", "//evil.test", "/\\evil.test", "javascript:x"):
        page = await browser.open(f"/log-in?next={elsewhere}")
        assert page.path == "/"


async def test_a_cookie_is_of_no_use_once_the_session_was_ended_elsewhere(
    accounts: Accounts,
) -> None:
    console, api = accounts
    person = await api.sign_up("brand")
    browser = console.browser()
    await browser.log_in(person.email, PASSWORD)
    for one in (await person.get("/v1/sessions"))["data"]:
        await person.call("DELETE", f"/v1/sessions/{one['id']}")
    await browser.is_out()


async def test_what_was_typed_when_the_session_ended_is_sent_after_logging_in_again(
    accounts: Accounts,
) -> None:
    console, api = accounts
    person = await api.sign_up("brand")
    browser = console.browser()
    typed = {"account_id": person.id, "note": "<b>400 orders</b>", "password": "secret one"}
    over = await browser.send("/account/switch", typed)
    assert over.status == 401
    assert "what you typed is kept" in over.text
    assert "secret one" not in over.html
    again = await browser.submit(over, "/log-in", email=person.email, password=PASSWORD)
    form = again.form("/account/switch")
    assert dict(form.fields) == {"account_id": person.id, "note": "<b>400 orders</b>"}
    assert "<b>400" not in again.html


async def test_tokens_are_renewed_while_somebody_works_and_are_never_seen_by_the_browser(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    console, api = accounts
    person = await api.sign_up("brand")
    browser = console.browser()
    await browser.log_in(person.email, PASSWORD)
    sessions = console.app.state.dependencies.sessions
    cookie = browser.client.cookies["relevo_session"]
    before = (await sessions.find(cookie)).kept.tokens
    monkeypatch.setattr(
        "services.console.browser.models._SPARE",
        before.ends_at - before.ends_at.min.replace(tzinfo=before.ends_at.tzinfo),
    )
    page = await browser.open("/account")
    assert page.status == 200
    after = (await sessions.find(cookie)).kept.tokens
    assert after.refresh_token != before.refresh_token
    assert after.access_token not in page.html
    assert cookie not in str(await sessions.find(cookie))


async def test_a_limit_or_a_failure_of_the_api_ends_no_session(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    console, api = accounts
    person = await api.sign_up("brand")
    browser = console.browser()
    await browser.log_in(person.email, PASSWORD)
    dependencies = console.app.state.dependencies
    await _let_its_token_end(dependencies.sessions, browser)

    async def limited(*_: object, **__: object) -> None:
        raise ApiProblem("connections", 429, {"code": "too_many_attempts"})

    with monkeypatch.context() as for_now:
        for_now.setattr(dependencies.apis, "call", limited)
        assert (await browser.open("/account")).status == 429
    assert (await browser.open("/account")).status == 200


async def test_who_logs_out_late_is_out_at_the_api_too(accounts: Accounts) -> None:
    console, api = accounts
    person = await api.sign_up("brand")
    browser = console.browser()
    home = await browser.log_in(person.email, PASSWORD)
    await _let_its_token_end(console.app.state.dependencies.sessions, browser)
    await browser.submit(home, "/log-out")
    devices = [one["device"] for one in (await person.get("/v1/sessions"))["data"]]
    assert "Test browser" not in devices


async def _let_its_token_end(sessions: Sessions, browser: Screens) -> None:
    found = await sessions.find(browser.client.cookies["relevo_session"])
    over = {"access_token": "over", "ends_at": datetime.now(UTC)}
    await sessions.keep(found, tokens=found.kept.tokens.model_copy(update=over))


async def test_a_form_of_another_site_is_refused(accounts: Accounts) -> None:
    console, _ = accounts
    browser = console.browser()
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ):
        refused = await browser.send("/log-in", {"email": "a@b.test"}, **headers)
        assert refused.status == 403
    plain = await browser.client.post("/log-in", content="email=x")
    assert plain.status_code == 403
    foreign = await browser.client.post("/log-in", headers={"origin": "https://evil.test"})
    assert foreign.status_code == 403


async def test_every_answer_forbids_frames_inline_scripts_and_keeping_it(
    accounts: Accounts,
) -> None:
    console, _ = accounts
    browser = console.browser()
    for path in ("/log-in", "/nowhere", "/health/live"):
        answer = await browser.client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
    page = await browser.open("/log-in")
    assert not re.search(r"<script(?![^>]*\ssrc=)|\son\w+=|style=", page.html)
    style = next(iter(re.findall(r'href="(/static/[^"]+\.css)"', page.html)))
    kept = await browser.client.get(style)
    assert "immutable" in kept.headers["cache-control"]


@pytest.mark.parametrize(
    ("address", "warns"),
    [
        ("http://relevo.example", True),
        ("http://10.0.0.7:8000", True),
        ("https://relevo.example", False),
        ("http://localhost:8000", False),
        ("http://[::1]:8000", False),
    ],
)
async def test_a_console_without_encryption_says_so_on_every_page(
    service_settings: dict[str, str], address: str, *, warns: bool
) -> None:
    assert service_settings
    async with Console.of({}, console_public_url=address) as console:
        for path in ("/log-in", "/help", "/nowhere"):
            page = await console.browser().open(path)
            assert ("This page comes by plain http" in page.text) == warns


async def test_a_service_that_is_away_is_named_and_the_way_back_is_shown(
    accounts: Accounts,
) -> None:
    console, api = accounts
    person = await api.sign_up("brand")
    browser = console.browser()
    await browser.log_in(person.email, PASSWORD)
    console.apis.away.add("connections")
    away = await browser.open("/account")
    assert away.status == 503
    assert "Accounts, stores and connections do not answer" in away.text
    assert "/account" in away.links
    console.apis.away.clear()
    assert (await browser.open("/account")).status == 200


async def test_pages_are_in_the_language_of_the_browser_or_the_one_that_was_chosen(
    accounts: Accounts,
) -> None:
    console, _ = accounts
    browser = console.browser("es-ES,es;q=0.9,en;q=0.5")
    page = await browser.open("/log-in")
    assert 'lang="es"' in page.html
    assert "Contraseña" in page.text
    english = await browser.submit(page, "/language", language="en")
    assert "Password" in english.text


async def test_a_forgotten_password_is_replaced_by_the_mailed_link(accounts: Accounts) -> None:
    console, api = accounts
    person = await api.sign_up("brand")
    browser = console.browser()
    asked = await browser.submit(
        await browser.open("/forgotten-password"), "/forgotten-password", email=person.email
    )
    assert person.email in asked.text
    mail = (await api.mailbox.wait_for(person.email, 2))[-1]
    asks = await browser.submit(
        await browser.open("/reset-password"), "/reset-password", token=mail.token
    )
    home = await browser.submit(asks, "/reset-password", password="another good one 7")
    assert "Your password is changed" in home.text
    used = await browser.submit(asks, "/reset-password", password="another good one 7")
    assert "This link is over" in used.text
