"""What proves a store, and which of its orders wait for money."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.problem import ApiProblem
from services.console.browser.signed_in import SignedIn
from services.console.dependencies import Form, Person
from services.console.http_pages import go_to, page
from services.console.pages.stores.http import store_of
from services.console.rendering.errors import NONE, Errors, errors_of

router = APIRouter(include_in_schema=False)
_ADMIN_KEYS = ("access_token", "consumer_key", "consumer_secret")


async def _proof(
    request: Request, me: SignedIn, store_id: UUID, errors: Errors = NONE, status: int = 200
) -> Response:
    store = await store_of(me, store_id)
    challenge = await me.send("connections", "POST", f"/v1/stores/{store_id}/proofs")
    return page(
        request,
        "stores/proof.html",
        status=status,
        errors=errors,
        store=store,
        challenge=challenge,
    )


@router.get("/stores/{store_id}/proof")
async def show_proof(request: Request, me: Person, store_id: UUID) -> Response:
    """What to publish; the same for seven days."""
    return await _proof(request, me, store_id)


@router.post("/stores/{store_id}/proof")
async def check_proof(request: Request, me: Person, store_id: UUID, form: Form) -> Response:
    """Look now."""
    body: dict[str, Any] = {"way": form["way"]}
    if form["way"] == "admin_api":
        keys = {name: form[f"admin_api/{name}"] for name in _ADMIN_KEYS}
        body["admin_api"] = {name: value for name, value in keys.items() if value}
    path = f"/v1/stores/{store_id}/proofs/check"
    try:
        await me.send("connections", "POST", path, body)
    except ApiProblem as problem:
        return await _proof(request, me, store_id, errors_of(problem), problem.status)
    return go_to(request, f"/stores/{store_id}", "proven")


async def _payments(
    request: Request,
    me: SignedIn,
    store_id: UUID,
    typed: Any = None,
    errors: Errors = NONE,
    status: int = 200,
) -> Response:
    store = await store_of(me, store_id)
    return page(
        request,
        "stores/payments.html",
        status=status,
        errors=errors,
        store=store,
        rules=typed or store["payment_rules"],
    )


@router.get("/stores/{store_id}/payments")
async def show_payments(request: Request, me: Person, store_id: UUID) -> Response:
    """Which orders wait for money."""
    return await _payments(request, me, store_id)


@router.post("/stores/{store_id}/payments")
async def change_payments(request: Request, me: Person, store_id: UUID, form: Form) -> Response:
    """Counts for orders that come in from then on."""
    methods = [line.strip() for line in form["payment_rules/ship_unpaid_methods"].splitlines()]
    rules = {
        "hold_unpaid": form["payment_rules/hold_unpaid"] == "yes",
        "ship_unpaid_methods": [one for one in methods if one],
    }
    body = {"payment_rules": rules}
    path = f"/v1/stores/{store_id}"
    try:
        await me.send("connections", "PATCH", path, body, version=form["version"])
    except ApiProblem as problem:
        errors = errors_of(problem)
        return await _payments(request, me, store_id, rules, errors, problem.status)
    return go_to(request, f"/stores/{store_id}/payments", "settings_saved")
