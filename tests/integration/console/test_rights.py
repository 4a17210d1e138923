"""Every page and every form, for who is nobody: the console has no rights of its own."""

import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from services.console.dependencies import Member
from shared.web.access import accesses_of
from tests.kit.client import PASSWORD, Api
from tests.kit.screens import Console

pytestmark = pytest.mark.engines
NOBODYS = "0198c0de-0000-7000-8000-000000000000"
# What is open to anyone: a longer list is a decision.
OF_ANYONE = {
    "GET /health/live", "GET /health/ready", "GET /metrics",
    "GET /log-in", "POST /log-in", "POST /language",
    "GET /sign-up", "POST /sign-up", "GET /forgotten-password", "POST /forgotten-password",
    "GET /confirm", "POST /confirm", "GET /reset-password", "POST /reset-password",
    "GET /join", "POST /join", "GET /change-email", "POST /change-email",
    "GET /undo-email", "POST /undo-email", "GET /stop-mail", "POST /stop-mail",
    "GET /accept", "POST /accept", "GET /invitation", "POST /invitation",
    "GET /login", "POST /login",
    "GET /help", "GET /help/connect-your-client", "GET /help/connect-your-3pl",
    # Asks for the operator key, whoever comes.
    "GET /operator", "GET /operator/accounts", "POST /operator/log-in", "POST /operator/log-out",
    "POST /operator/accounts/{account_id}/plan",
    "GET /operator/prices", "GET /operator/prices/new", "GET /operator/prices/{list_id}",
    "GET /operator/help", "GET /operator/help/{ticket_id}",
    "POST /operator/help/{ticket_id}/messages", "POST /operator/help/{ticket_id}/{command}",
    "POST /operator/prices/new", "POST /operator/prices/{list_id}",
}  # fmt: skip


def operations(app: FastAPI) -> Iterator[tuple[str, str, bool]]:
    """Method, path, and whether it is for somebody who is logged in."""
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute):
            for method in route.methods or ():
                accesses = accesses_of(route.dependant)
                yield method, route.path or "", any(type(one) is Member for one in accesses)


async def test_who_is_not_logged_in_gets_nothing_but_the_log_in(
    accounts: tuple[Console, Api],
) -> None:
    console, _ = accounts
    browser = console.browser()
    found = list(operations(console.app))
    assert {f"{method} {path}" for method, path, members in found if not members} == OF_ANYONE
    for method, path, members in found:
        if not members:
            continue
        at = re.sub(r"\{[a-z_]+\}", NOBODYS, path)
        if method == "GET":
            page = await browser.open(at)
            assert page.path.startswith("/log-in"), (method, path, page.path)
        else:
            page = await browser.send(at, {"typed": "400 orders"})
            assert page.status == 401, (method, path, page.status)
            assert "/log-in" in [form.action for form in page.forms]


async def test_what_is_nobodys_is_not_here(accounts: tuple[Console, Api]) -> None:
    console, api = accounts
    person = await api.sign_up("brand")
    browser = console.browser()
    await browser.log_in(person.email, PASSWORD)
    for method, path, members in operations(console.app):
        if members and method == "GET" and "_id}" in path:
            page = await browser.open(re.sub(r"\{[a-z_]+\}", NOBODYS, path))
            # Not here, or of a service that does not answer in this test: never anything else.
            assert page.status in (404, 503), (path, page.status, page.text[:200])
