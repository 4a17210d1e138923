"""Which orders a 3PL is sent: the rules of a connection, edited as a draft, tried, and saved."""

import asyncio
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from services.console.api.lists import every
from services.console.api.problem import ApiAway, ApiProblem
from services.console.api.together import known
from services.console.browser.signed_in import SignedIn
from services.console.dependencies import Form, Person
from services.console.http_pages import go_to, page
from services.console.pages.connections.http import connection_of
from services.console.pages.rules.draft import Drafts, Json
from services.console.pages.rules.editor import Edited, after, kinds_of
from services.console.rendering.errors import NONE, Errors, errors_of
from shared.rules.order_rules import OrderRule, OrderRules

router = APIRouter(include_in_schema=False)
_PATH = "/connections/{connection_id}/order-rules"
_UNPROCESSABLE = 422
_drafts = Drafts(OrderRules, {"rules": [], "default": "send"})
_NEW = Edited("", {"then": "send"}, ())


async def _saved(me: SignedIn, connection_id: UUID) -> tuple[Any, Any]:
    """The connection, and the rules that count now."""
    return await asyncio.gather(
        connection_of(me, connection_id),
        me.get("connections", f"/v1/connections/{connection_id}/order-rules"),
    )


async def _list_page(
    request: Request,
    me: SignedIn,
    connection_id: UUID,
    draft: Json | None = None,
    errors: Errors = NONE,
    status: int = 200,
    **values: Any,
) -> Response:
    """The rules in words: those that are saved, or a draft of others.

    `values`: `tried` is what a draft would have done with the newest orders, `names` are the
    3PLs' in it by connection.
    """
    connection, saved = await _saved(me, connection_id)
    now = _drafts.of(saved)
    shown = now if draft is None else draft
    (catalogue,) = await known(me.get("connections", "/v1/rule-conditions"))
    return page(
        request,
        "order_rules/list.html",
        status=status,
        errors=errors,
        one=connection,
        saved=saved,
        rules=shown,
        draft=_drafts.pack(shown),
        is_changed=not _drafts.is_same(shown, now),
        kinds=list(kinds_of(catalogue["data"], "order_rules")) if catalogue else [],
        **{"tried": None, "names": {}, **values},
    )


@router.get(_PATH)
async def show_order_rules(request: Request, me: Person, connection_id: UUID) -> Response:
    """As they are saved."""
    return await _list_page(request, me, connection_id)


@router.post(_PATH)
async def change_draft(request: Request, me: Person, connection_id: UUID, form: Form) -> Response:
    """One button of the draft; nothing but Save saves anything."""
    draft = _drafts.unpack(form["draft"])
    if draft is None:
        return go_to(request, request.url.path)
    if form["default"] in ("send", "do_not_send"):
        draft = _drafts.changed(draft, default=form["default"])
    what, _, number = form["do"].partition(":")
    at = int(number) if number.isascii() and number.isdigit() else len(draft["rules"])
    match what:
        case "save":
            return await _save(request, me, connection_id, form["version"], draft)
        case "try":
            return await _try(request, me, connection_id, draft)
        case "up" | "down":
            draft = _drafts.moved(draft, at, -1 if what == "up" else 1)
        case "remove":
            draft = _drafts.without(draft, at)
        case "add" | "edit" | "more" | "done":
            return await _edit(request, me, connection_id, form, draft, at)
    return await _list_page(request, me, connection_id, draft)


async def _save(
    request: Request, me: SignedIn, connection_id: UUID, version: str, draft: Json
) -> Response:
    path = f"/v1/connections/{connection_id}/order-rules"
    try:
        await me.send("connections", "PUT", path, draft, version=version)
    except ApiProblem as problem:
        errors = errors_of(problem)
        return await _list_page(request, me, connection_id, draft, errors, problem.status)
    return go_to(request, request.url.path, "settings_saved")


async def _try(request: Request, me: SignedIn, connection_id: UUID, draft: Json) -> Response:
    """What the draft would have done with the newest orders; nothing is changed."""
    one = {"connection_id": str(connection_id), "order_rules": draft}
    try:
        tried = await me.send("routing", "POST", "/v1/orders/what-if", {"connections": [one]})
    except ApiProblem as problem:
        errors = errors_of(problem)
        return await _list_page(request, me, connection_id, draft, errors, problem.status)
    except ApiAway:
        return await _list_page(request, me, connection_id, draft, tried={"is_away": True})
    (connections,) = await known(every(me, "connections", "/v1/connections"))
    names = {one["id"]: one["three_pl"]["name"] for one in connections or ()}
    return await _list_page(request, me, connection_id, draft, tried=tried, names=names)


async def _edit(
    request: Request, me: SignedIn, connection_id: UUID, form: Form, draft: Json, at: int
) -> Response:
    """One rule with its fields; `done` puts it into the draft, if nothing is wrong with it."""
    connection, catalogue = await asyncio.gather(
        connection_of(me, connection_id), me.get("connections", "/v1/rule-conditions")
    )
    kinds = kinds_of(catalogue["data"], "order_rules")
    what, errors = form["do"].partition(":")[0], NONE
    there = [Edited.of(rule, {"then": rule["then"]}, kinds) for rule in draft["rules"][at : at + 1]]
    edited = after(what, form, form.pairs, kinds, there[0] if there else None, _NEW)
    if what == "done":
        rule, errors = edited.rule(OrderRule, edited.then["then"])
        try:
            if rule is not None:
                changed = _drafts.put(draft, at, rule)
                return await _list_page(request, me, connection_id, changed)
        except ValidationError as error:
            errors = Errors(code="rejected", detail=error.errors()[0]["msg"])
    return page(
        request,
        "order_rules/edit.html",
        status=_UNPROCESSABLE if errors else 200,
        errors=errors,
        one=connection,
        edited=edited,
        draft=_drafts.pack(draft),
        at=at,
        version=form["version"],
        kinds=list(kinds),
    )
