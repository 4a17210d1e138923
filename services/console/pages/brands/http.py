"""A brand as its 3PL entered it: what is known of it, and the link that invites it."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.problem import ApiProblem
from services.console.browser.signed_in import SignedIn
from services.console.dependencies import Form, Person, Process, caller_of, language_for
from services.console.http_pages import go_to, page
from services.console.pages.integrations import brand_form
from services.console.pages.integrations.countries import countries
from services.console.rendering.errors import NONE, Errors, errors_of

router = APIRouter(include_in_schema=False)


async def _brand(request: Request, me: SignedIn, brand_id: UUID | str, **values: Any) -> Response:
    brand = await me.get("connections", f"/v1/brands/{brand_id}")
    of = brand["account_id"] or brand["id"]
    connections = await me.get("connections", "/v1/connections", brand=of, limit=200)
    shown = {"link": None, "is_new": False, "is_mailed": False, **values}
    names = dict(countries(language_for(request)))
    return page(
        request,
        "brands/brand.html",
        brand=brand,
        connections=connections["data"],
        country_names=names,
        **shown,
    )


async def show_link(
    request: Request, me: SignedIn, brand_id: UUID | str, link: Any, **values: Any
) -> Response:
    """The brand with a link to share: it is shown by who has just got it, and kept nowhere."""
    return await _brand(request, me, brand_id, link=link, **values)


@router.get("/brands/{brand_id}")
async def show_brand(request: Request, me: Person, brand_id: UUID) -> Response:
    """What the form said, and its connections."""
    return await _brand(request, me, brand_id)


@router.post("/brands/{brand_id}/link")
async def issue_link(request: Request, me: Person, brand_id: UUID, form: Form) -> Response:
    """A new one; the old one dies."""
    body = {"store_id": form["store_id"] or None}
    try:
        link = await me.send("connections", "POST", f"/v1/brands/{brand_id}/login-link", body)
    except ApiProblem as problem:
        return await _brand(request, me, brand_id, errors=errors_of(problem), status=problem.status)
    return await show_link(request, me, brand_id, link)


@router.post("/brands/{brand_id}/mail")
async def mail_link(
    request: Request, process: Process, me: Person, brand_id: UUID, form: Form
) -> Response:
    """The mailed link itself goes to the contact, as if they had opened the shared one."""
    link = {name: form[name] for name in ("url", "token", "expires_at")}
    body = {"token": link["token"]}
    try:
        await process.apis.call(
            "connections", "POST", "/v1/login-links/open", caller_of(request), body=body
        )
    except ApiProblem as problem:
        return await _brand(
            request, me, brand_id, link=link, errors=errors_of(problem), status=problem.status
        )
    return await show_link(request, me, brand_id, link, is_mailed=True)


def _edit(
    request: Request, brand: Any, typed: Any, errors: Errors = NONE, status: int = 200
) -> Response:
    return page(
        request,
        "brands/edit.html",
        status=status,
        errors=errors,
        brand=brand,
        typed=typed,
        ranges=brand_form.RANGES,
        countries=countries(language_for(request)),
    )


@router.get("/brands/{brand_id}/edit")
async def show_edit(request: Request, me: Person, brand_id: UUID) -> Response:
    """What the form said."""
    brand = await me.get("connections", f"/v1/brands/{brand_id}")
    return _edit(request, brand, brand_form.of_brand(brand))


@router.post("/brands/{brand_id}/edit")
async def change_brand(request: Request, me: Person, brand_id: UUID, form: Form) -> Response:
    """Another address: links that were mailed to the old one die."""
    path = f"/v1/brands/{brand_id}"
    typed = brand_form.typed(form, form.every("priorities"))
    body = brand_form.body_of(typed, is_new=False)
    try:
        await me.send("connections", "PATCH", path, body, version=form["version"])
    except ApiProblem as problem:
        brand = await me.get("connections", path)
        return _edit(request, brand, typed, errors_of(problem), problem.status)
    return go_to(request, f"/brands/{brand_id}", "saved")
