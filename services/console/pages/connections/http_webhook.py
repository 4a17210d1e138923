"""Where the orders of a connection are sent: URL, secret, and a test of both."""

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.problem import ApiProblem
from services.console.dependencies import Form, Person
from services.console.http_pages import go_to
from services.console.pages.connections.http import connection_of
from services.console.pages.connections.http_settings import change, settings_page
from services.console.rendering.errors import Errors, errors_of

router = APIRouter(include_in_schema=False)


@router.post("/connections/{connection_id}/webhook")
async def set_webhook(request: Request, me: Person, connection_id: UUID, form: Form) -> Response:
    """Its secret is in this answer and nowhere else; or only a ping to it, and nothing saved."""
    url = form["webhook_url"]
    try:
        if form["try"]:
            tested = await me.send("webhooks", "POST", "/v1/endpoints/test", {"url": url})
            return await settings_page(request, me, connection_id, tested=tested, url=url)
        changed = await change(me, connection_id, form, {"webhook_url": url})
    except ApiProblem as problem:
        errors = _beside_the_url(errors_of(problem))
        return await settings_page(request, me, connection_id, errors, problem.status, url=url)
    secret = changed["settings"]["webhook"]["secret"]
    if not secret:
        return go_to(request, f"/connections/{connection_id}/settings", "saved")
    return await settings_page(request, me, connection_id, secret=secret)


def _beside_the_url(errors: Errors) -> Errors:
    """The test calls the field `url`."""
    if "url" not in errors.fields:
        return errors
    return Errors(errors.code, errors.detail, errors.facts, {"webhook_url": errors.of("url")})


@router.post("/connections/{connection_id}/webhook/remove")
async def remove_webhook(request: Request, me: Person, connection_id: UUID, form: Form) -> Response:
    """Orders that entered before go on being sent there."""
    try:
        await change(me, connection_id, form, {"webhook_url": None})
    except ApiProblem as problem:
        return await settings_page(request, me, connection_id, errors_of(problem), problem.status)
    return go_to(request, f"/connections/{connection_id}/settings", "removed")


@router.post("/connections/{connection_id}/webhook/secret")
async def rotate_secret(request: Request, me: Person, connection_id: UUID, form: Form) -> Response:
    """A new one; webhooks are signed with both until the next time."""
    path = f"/v1/connections/{connection_id}/webhook-secret"
    version, key = form["version"], form["key"]
    try:
        made = await me.send("connections", "POST", path, version=version, key=key)
    except ApiProblem as problem:
        return await settings_page(request, me, connection_id, errors_of(problem), problem.status)
    return await settings_page(request, me, connection_id, secret=made["secret"])


@router.post("/connections/{connection_id}/webhook/test")
async def test_webhook(request: Request, me: Person, connection_id: UUID) -> Response:
    """A ping, signed as orders are."""
    webhook = (await connection_of(me, connection_id))["settings"]["webhook"]
    if webhook is None:
        return go_to(request, f"/connections/{connection_id}/settings")
    try:
        tested = await me.send("webhooks", "POST", f"/v1/endpoints/{webhook['endpoint_id']}/test")
    except ApiProblem as problem:
        return await settings_page(request, me, connection_id, errors_of(problem), problem.status)
    return await settings_page(request, me, connection_id, tested=tested)


@router.post("/connections/{connection_id}/webhook/repoint")
async def repoint(request: Request, me: Person, connection_id: UUID, form: Form) -> Response:
    """Orders of older settings are sent to the current one as well."""
    path = f"/v1/connections/{connection_id}/repoint"
    try:
        await me.send("connections", "POST", path, version=form["version"])
    except ApiProblem as problem:
        return await settings_page(request, me, connection_id, errors_of(problem), problem.status)
    return go_to(request, f"/connections/{connection_id}/settings", "repointed")
