"""By which carrier an account ships: its rules, edited as a draft, tried, and saved."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from services.console.api.problem import ApiAway, ApiProblem
from services.console.api.together import known
from services.console.browser.signed_in import SignedIn
from services.console.dependencies import Fields, Form, Person
from services.console.http_pages import go_to, page
from services.console.pages.rules.draft import Drafts, Json
from services.console.pages.rules.editor import Edited, after, kinds_of
from services.console.pages.shipping_rules import ways
from services.console.rendering.errors import NONE, Errors, errors_of
from shared.rules.shipping_rules import ShippingRule, ShippingRules

router = APIRouter(include_in_schema=False, prefix="/shipping-rules")
_UNPROCESSABLE = 422
_drafts = Drafts(ShippingRules, {"rules": [], "fallback": None})
_THEN = ways.typed_of(None, "then")
_NEW = Edited("", _THEN, ())


async def _list_page(
    request: Request,
    me: SignedIn,
    draft: Json | None = None,
    errors: Errors = NONE,
    status: int = 200,
    **values: Any,
) -> Response:
    """The rules in words: those that are saved, or a draft of others.

    `values`: `tried` is what a draft would do with the newest orders, `asked` what it says of one,
    `typed` the fields of a fallback that is wrong.
    """
    saved = await me.get("fulfilment", "/v1/shipping-rules")
    now = _drafts.of(saved)
    shown = now if draft is None else draft
    (catalogue,) = await known(me.get("connections", "/v1/rule-conditions"))
    return page(
        request,
        "shipping_rules/list.html",
        status=status,
        errors=errors,
        saved=saved,
        rules=shown,
        draft=_drafts.pack(shown),
        is_changed=not _drafts.is_same(shown, now),
        kinds=list(kinds_of(catalogue["data"], "shipping_rules")) if catalogue else [],
        **{
            "tried": None,
            "asked": None,
            "order": None,
            "typed": ways.typed_of(shown["fallback"], "fallback"),
            **values,
        },
    )


@router.get("")
async def show_rules(request: Request, me: Person, order: UUID | None = None) -> Response:
    """As they are saved; and which of them an order would take."""
    if order is None:
        return await _list_page(request, me)
    try:
        body = {"order_id": str(order)}
        asked = await me.send("fulfilment", "POST", "/v1/shipping-rules/test", body)
    except (ApiProblem, ApiAway):
        # Of another party's rules, or not read from the log yet.
        return await _list_page(request, me, order=order, asked={"outcome": "unknown"})
    return await _list_page(request, me, order=order, asked=asked)


@router.post("")
async def change_draft(request: Request, me: Person, form: Form) -> Response:
    """One button of the draft; nothing but Save saves anything."""
    draft = _drafts.unpack(form["draft"])
    if draft is None:
        return go_to(request, request.url.path)
    what, _, number = form["do"].partition(":")
    at = int(number) if number.isascii() and number.isdigit() else len(draft["rules"])
    if what in ("add", "edit", "more", "done"):
        return await _edit(request, me, form, draft, at)
    draft, errors = _with_fallback(draft, form)
    if errors:
        typed = {name: form[name] for name in ways.typed_of(None, "fallback")}
        return await _list_page(request, me, draft, errors, _UNPROCESSABLE, typed=typed)
    match what:
        case "save":
            return await _save(request, me, form["version"], draft)
        case "try":
            return await _try(request, me, draft)
        case "up" | "down":
            draft = _drafts.moved(draft, at, -1 if what == "up" else 1)
        case "remove":
            draft = _drafts.without(draft, at)
    return await _list_page(request, me, draft)


def _with_fallback(draft: Json, form: Fields) -> tuple[Json, Errors]:
    """The draft with the fallback that was typed, or what is wrong with that."""
    try:
        return _drafts.changed(draft, fallback=ways.shipping_of(form, "fallback")), NONE
    except ValidationError as error:
        flaws = {"/".join(map(str, one["loc"])): str(one["msg"]) for one in error.errors()}
        return draft, Errors(code="validation_failed", fields=flaws)


async def _save(request: Request, me: SignedIn, version: str, draft: Json) -> Response:
    try:
        await me.send("fulfilment", "PUT", "/v1/shipping-rules", draft, version=version)
    except ApiProblem as problem:
        return await _list_page(request, me, draft, errors_of(problem), problem.status)
    return go_to(request, request.url.path, "saved")


async def _try(request: Request, me: SignedIn, draft: Json) -> Response:
    """What the draft would do with the newest orders; nothing is changed."""
    try:
        tried = await me.send("fulfilment", "POST", "/v1/shipping-rules/preview", draft)
    except ApiProblem as problem:
        return await _list_page(request, me, draft, errors_of(problem), problem.status)
    return await _list_page(request, me, draft, tried=tried)


async def _edit(request: Request, me: SignedIn, form: Fields, draft: Json, at: int) -> Response:
    """One rule with its fields; `done` puts it into the draft, if nothing is wrong with it."""
    catalogue = await me.get("connections", "/v1/rule-conditions")
    kinds = kinds_of(catalogue["data"], "shipping_rules")
    what, errors = form["do"].partition(":")[0], NONE
    there = [
        Edited.of(rule, ways.typed_of(rule["then"], "then"), kinds)
        for rule in draft["rules"][at : at + 1]
    ]
    edited = after(what, form, form.pairs, kinds, there[0] if there else None, _NEW)
    if what == "done":
        rule, errors = edited.rule(ShippingRule, ways.shipping_of(edited.then, "then") or {})
        try:
            if rule is not None:
                return await _list_page(request, me, _drafts.put(draft, at, rule))
        except ValidationError as error:
            errors = Errors(code="rejected", detail=error.errors()[0]["msg"])
    return page(
        request,
        "shipping_rules/edit.html",
        status=_UNPROCESSABLE if errors else 200,
        errors=errors,
        edited=edited,
        draft=_drafts.pack(draft),
        at=at,
        version=form["version"],
        kinds=list(kinds),
    )
