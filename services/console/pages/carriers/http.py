"""Accounts with carriers: listed, added, changed, removed, and what a carrier offers."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.problem import ApiProblem
from services.console.browser.signed_in import SignedIn
from services.console.dependencies import Fields, Form, Person
from services.console.http_pages import go_to, page
from services.console.rendering.errors import NONE, Errors, errors_of

router = APIRouter(include_in_schema=False, prefix="/account/carriers")
_API = "/v1/carrier-accounts"
# What each kind has to know, as the API calls it.
_SETTINGS = {
    "sendcloud": ("sender_address_id", "public_key", "secret_key", "webhook_key"),
    "http": ("url",),
    "manual": (),
}


@router.get("")
async def list_accounts(request: Request, me: Person) -> Response:
    """All of them, by carrier."""
    found = await me.get("fulfilment", _API)
    return page(request, "carriers/list.html", accounts=found["data"])


def _add_page(
    request: Request, kind: str, typed: Fields, errors: Errors = NONE, status: int = 200
) -> Response:
    return page(
        request,
        "carriers/add.html",
        status=status,
        errors=errors,
        typed=typed,
        kind=kind if kind in _SETTINGS else next(iter(_SETTINGS)),
        key=typed["key"] or str(uuid4()),
    )


@router.get("/add")
async def show_add(request: Request, me: Person, kind: str = "") -> Response:
    """The form of a kind."""
    return _add_page(request, kind, Fields([]))


@router.post("/add")
async def add(request: Request, me: Person, form: Form) -> Response:
    """The secret of a system of one's own is in this answer and nowhere else."""
    kind = form["kind"]
    body = {"carrier": form["carrier"], "name": form["name"], "settings": _settings(form, kind)}
    try:
        made = await me.send("fulfilment", "POST", _API, body, key=form["key"])
    except ApiProblem as problem:
        return _add_page(request, kind, form, _errors(problem, kind), problem.status)
    if made["secret"]:
        return await _account_page(request, me, made["id"], secret=made["secret"])
    return go_to(request, f"/account/carriers/{made['id']}", "saved")


def _settings(form: Fields, kind: str) -> dict[str, Any]:
    """What was filled in; keys are never sent empty."""
    names = _SETTINGS.get(kind, ())
    found = {name: form[f"settings/{name}"] for name in names if form[f"settings/{name}"]}
    return {"kind": kind, **found}


def _errors(problem: ApiProblem, kind: str) -> Errors:
    """Beside the fields, which have no kind in their names."""
    errors = errors_of(problem)
    fields = {
        name.replace(f"settings/{kind}/", "settings/"): said for name, said in errors.fields.items()
    }
    return replace(errors, fields=fields)


@router.get("/{carrier_account_id}")
async def show_account(
    request: Request, me: Person, carrier_account_id: UUID, country: str = "", postcode: str = ""
) -> Response:
    """What is known of it; with a country, what the carrier offers there."""
    asked = {"country": country.strip(), "postcode": postcode.strip()}
    if not asked["country"]:
        return await _account_page(request, me, str(carrier_account_id), asked=asked)
    path = f"{_API}/{carrier_account_id}/options"
    try:
        options = await me.get("fulfilment", path, **asked)
    except ApiProblem as problem:
        errors = errors_of(problem)
        return await _account_page(
            request, me, str(carrier_account_id), errors, problem.status, asked=asked
        )
    return await _account_page(request, me, str(carrier_account_id), asked=asked, options=options)


async def _account_page(
    request: Request,
    me: SignedIn,
    account_id: str,
    errors: Errors = NONE,
    status: int = 200,
    **shown: Any,
) -> Response:
    account = await me.get("fulfilment", f"{_API}/{account_id}")
    as_it_is = [
        (f"settings/{name}", str(account.get(name) or "")) for name in _SETTINGS[account["kind"]]
    ]
    values = {
        "typed": Fields([("name", account["name"]), *as_it_is]),
        "asked": {"country": "", "postcode": ""},
        "options": None,
        "secret": "",
        **shown,
    }
    return page(
        request, "carriers/account.html", status=status, errors=errors, account=account, **values
    )


@router.post("/{carrier_account_id}/change")
async def change(request: Request, me: Person, form: Form, carrier_account_id: UUID) -> Response:
    """All of it again: keys are not shown, and are typed anew."""
    path, kind = f"{_API}/{carrier_account_id}", form["kind"]
    body: dict[str, Any] = {"name": form["name"], "settings": _settings(form, kind)}
    if form["new_secret"]:
        body["new_secret"] = True
    try:
        changed = await me.send("fulfilment", "PUT", path, body, version=form["version"])
    except ApiProblem as problem:
        errors = _errors(problem, kind)
        return await _account_page(
            request, me, str(carrier_account_id), errors, problem.status, typed=form
        )
    if changed["secret"]:
        return await _account_page(request, me, changed["id"], secret=changed["secret"])
    return go_to(request, f"/account/carriers/{carrier_account_id}", "saved")


@router.post("/{carrier_account_id}/remove")
async def remove(request: Request, me: Person, carrier_account_id: UUID) -> Response:
    """With its credentials; what is under way has to end first."""
    try:
        await me.send("fulfilment", "DELETE", f"{_API}/{carrier_account_id}")
    except ApiProblem as problem:
        errors = errors_of(problem)
        return await _account_page(request, me, str(carrier_account_id), errors, problem.status)
    return go_to(request, "/account/carriers", "removed")
