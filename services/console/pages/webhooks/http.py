"""Endpoints: how they are, and a brand's own."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.problem import ApiProblem
from services.console.browser.signed_in import SignedIn
from services.console.dependencies import Fields, Form, Person
from services.console.http_pages import go_to, page
from services.console.rendering.errors import NONE, Errors, errors_of
from services.console.rendering.plots import plot

router = APIRouter(include_in_schema=False, prefix="/webhooks")
TYPES = ("order.created", "order.updated", "order.cancelled", "order.returned")


@router.get("")
async def list_endpoints(request: Request, me: Person, after: str = "") -> Response:
    """Where events go, and whether they arrive."""
    endpoints, health, stores = await asyncio.gather(
        me.get("webhooks", "/v1/endpoints", limit=100, after=after),
        me.get("webhooks", "/v1/endpoints/health", limit=100, after=after),
        stores_of(me),
    )
    states = {one["endpoint_id"]: one for one in health["data"]}
    return page(
        request,
        "webhooks/endpoints.html",
        endpoints=endpoints["data"],
        health=states,
        stores=stores,
        next=endpoints["next"],
        after=after,
    )


async def stores_of(me: SignedIn) -> dict[str, str]:
    """The domains of the stores that the reader knows, by id; none that are not known now."""
    try:
        if me.account.kind == "brand":
            page_of = await me.get("connections", "/v1/stores", limit=200)
            return {one["id"]: one["domain"] for one in page_of["data"]}
        page_of = await me.get("connections", "/v1/connections", limit=200)
        return {one["store"]["id"]: one["store"]["domain"] for one in page_of["data"]}
    except ApiProblem:
        return {}


def _form(
    request: Request, stores: dict[str, str], form: Fields | None, errors: Errors, status: int
) -> Response:
    typed: dict[str, Any] = {"url": "", "description": "", "event_types": list(TYPES)}
    if form is not None:
        typed = {**form, "event_types": form.every("event_types")}
    return page(
        request,
        "webhooks/add.html",
        status=status,
        errors=errors,
        typed=typed,
        stores=stores,
        chosen=form.every("store_ids") if form else [],
        key=(form["key"] if form else "") or str(uuid4()),
    )


@router.get("/add")
async def show_add(request: Request, me: Person) -> Response:
    """The form of a brand's own endpoint."""
    return _form(request, await stores_of(me), None, NONE, 200)


@router.post("/add")
async def add(request: Request, me: Person, form: Form) -> Response:
    """Its secret is in this answer and nowhere else."""
    try:
        made = await me.send("webhooks", "POST", "/v1/endpoints", _body(form), key=form["key"])
    except ApiProblem as problem:
        return _form(request, await stores_of(me), form, errors_of(problem), problem.status)
    return await _endpoint(request, me, made["id"], secret=made["secret"])


def _body(form: Fields) -> dict[str, Any]:
    return {
        "url": form["url"],
        "event_types": form.every("event_types"),
        "store_ids": form.every("store_ids") or None,
        "description": form["description"] or None,
    }


async def _endpoint(
    request: Request,
    me: SignedIn,
    endpoint_id: str,
    errors: Errors = NONE,
    status: int = 200,
    **shown: Any,
) -> Response:
    path = f"/v1/endpoints/{endpoint_id}"
    endpoint, health, deliveries, stores = await asyncio.gather(
        me.get("webhooks", path),
        me.get("webhooks", f"{path}/health"),
        me.get("webhooks", "/v1/deliveries", endpoint=endpoint_id, limit=10),
        stores_of(me),
    )
    as_it_is = {"url": "", **{name: endpoint[name] for name in ("description", "event_types")}}
    hours = plot([(one["hour"], one["delivered"], one["failed"]) for one in health["hours"]])
    return page(
        request,
        "webhooks/endpoint.html",
        status=status,
        errors=errors,
        endpoint=endpoint,
        health=health,
        hours=hours,
        deliveries=deliveries["data"],
        stores=stores,
        types=TYPES,
        **{"secret": "", "tested": None, "typed": as_it_is, **shown},
    )


@router.get("/endpoints/{endpoint_id}")
async def show_endpoint(request: Request, me: Person, endpoint_id: UUID) -> Response:
    """How it is, and what may be done about it."""
    return await _endpoint(request, me, str(endpoint_id))


@router.post("/endpoints/{endpoint_id}/change")
async def change(request: Request, me: Person, endpoint_id: UUID, form: Form) -> Response:
    """A brand's own; counts for events from then on."""
    body = {name: value for name, value in _body(form).items() if name != "url" or value}
    path = f"/v1/endpoints/{endpoint_id}"
    try:
        await me.send("webhooks", "PATCH", path, body, version=form["version"])
    except ApiProblem as problem:
        errors, typed = errors_of(problem), {**form, "event_types": form.every("event_types")}
        return await _endpoint(request, me, str(endpoint_id), errors, problem.status, typed=typed)
    return go_to(request, f"/webhooks/endpoints/{endpoint_id}", "saved")


@router.post("/endpoints/{endpoint_id}/test")
async def test(request: Request, me: Person, endpoint_id: UUID) -> Response:
    """A ping, at once; what its receiver made of it."""
    try:
        tested = await me.send("webhooks", "POST", f"/v1/endpoints/{endpoint_id}/test")
    except ApiProblem as problem:
        return await _endpoint(request, me, str(endpoint_id), errors_of(problem), problem.status)
    return await _endpoint(request, me, str(endpoint_id), tested=tested)


@router.post("/endpoints/{endpoint_id}/rotate")
async def rotate(request: Request, me: Person, endpoint_id: UUID, form: Form) -> Response:
    """Another secret; the old one signs too for a day."""
    path = f"/v1/endpoints/{endpoint_id}/rotate-secret"
    try:
        made = await me.send("webhooks", "POST", path, {}, key=form["key"])
    except ApiProblem as problem:
        return await _endpoint(request, me, str(endpoint_id), errors_of(problem), problem.status)
    return await _endpoint(request, me, str(endpoint_id), secret=made["secret"])


@router.post("/endpoints/{endpoint_id}/enable")
async def enable(request: Request, me: Person, endpoint_id: UUID) -> Response:
    """What was parked goes on."""
    await me.send("webhooks", "POST", f"/v1/endpoints/{endpoint_id}/enable")
    return go_to(request, f"/webhooks/endpoints/{endpoint_id}", "endpoint_enabled")


@router.post("/endpoints/{endpoint_id}/remove")
async def remove(request: Request, me: Person, endpoint_id: UUID) -> Response:
    """Nothing more is sent there."""
    try:
        await me.send("webhooks", "DELETE", f"/v1/endpoints/{endpoint_id}")
    except ApiProblem as problem:
        return await _endpoint(request, me, str(endpoint_id), errors_of(problem), problem.status)
    return go_to(request, "/webhooks", "removed")
