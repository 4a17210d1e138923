"""The operator's pages: how the services are, what waits, accounts and plans."""

import asyncio
import json
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.client import Caller
from services.console.api.problem import ApiProblem
from services.console.api.together import known
from services.console.dependencies import (
    Anyone,
    Dependencies,
    Form,
    Process,
    TheOperator,
    caller_of,
)
from services.console.http_pages import go_to, keep, page
from services.console.pages.operator.figures import figures
from services.console.rendering.errors import NONE, errors_of

router = APIRouter(include_in_schema=False, prefix="/operator")
_OK, _UNAUTHORIZED, _AWAY = 200, 401, 503
_HOURS_SECONDS = 36_000
_ACCOUNTS = "/v1/accounts"


@router.post("/log-in")
async def log_in(request: Request, caller: Anyone, process: Process, form: Form) -> Response:
    """The key is asked of the API: what it takes is right."""
    try:
        await process.apis.call(
            "connections", "GET", _ACCOUNTS, caller, token=form["key"], params={"limit": 1}
        )
    except ApiProblem as problem:
        errors = errors_of(problem)
        return page(request, "operator/key.html", status=_UNAUTHORIZED, errors=errors)
    response = go_to(request, "/operator")
    cookie = await process.operators.begin(form["key"])
    keep(process, response, process.cookies.operator, cookie, _HOURS_SECONDS)
    return response


@router.post("/log-out")
async def log_out(request: Request, process: Process, me: TheOperator) -> Response:
    """For this browser."""
    await process.operators.end(me.operator)
    response = go_to(request, "/log-in", "logged_out")
    response.delete_cookie(process.cookies.operator, secure=process.settings.is_https)
    return response


@router.get("")
async def show_services(request: Request, process: Process, me: TheOperator) -> Response:
    """Each service: ready or what is missing, and what waits."""
    del me
    caller = caller_of(request)
    names = list(process.settings.apis)
    states = await asyncio.gather(*(_state(process, caller, name) for name in names))
    return page(request, "operator/services.html", services=states)


async def _state(process: Dependencies, caller: Caller, name: str) -> dict[str, Any]:
    checks, metrics = await known(
        process.apis.text(name, "/health/ready", caller),
        process.apis.text(name, "/metrics", caller),
    )
    status, said = checks or (_AWAY, "")
    return {
        "name": name,
        "is_ready": status == _OK,
        "missing": _missing(said),
        "is_up": checks is not None,
        "figures": figures(name, metrics[1]) if metrics else [],
    }


def _missing(text: str) -> dict[str, str]:
    try:
        checks = json.loads(text)["checks"]
    except (ValueError, KeyError):
        return {}
    return {name: said for name, said in checks.items() if said != "ok"}


@router.get("/accounts")
async def show_accounts(request: Request, me: TheOperator) -> Response:
    """Accounts and their plans; the address is the filter."""
    asked = {name: request.query_params.get(name, "") for name in ("kind", "plan", "q")}
    after = request.query_params.get("after", "")
    found: dict[str, Any] = {"data": [], "next": None}
    errors, status = NONE, 200
    try:
        found = await me.get("connections", _ACCOUNTS, **asked, after=after)
    except ApiProblem as problem:
        errors, status = errors_of(problem), problem.status
    return page(
        request,
        "operator/accounts.html",
        status=status,
        errors=errors,
        accounts=found["data"],
        next=found["next"],
        after=after,
        chosen=asked,
        rest=urlencode({name: value for name, value in asked.items() if value}),
    )


@router.post("/accounts/{account_id}/plan")
async def change_plan(request: Request, me: TheOperator, account_id: UUID, form: Form) -> Response:
    """From now on; connections that there are go on."""
    await me.send("connections", "PUT", f"{_ACCOUNTS}/{account_id}/plan", {"plan": form["plan"]})
    return go_to(request, "/operator/accounts", "saved")
