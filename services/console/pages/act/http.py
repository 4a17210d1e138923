"""Log in as brand: a 3PL acts in its brand's name until it stops, or the time is up."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.problem import ApiProblem
from services.console.browser.models import Acting
from services.console.dependencies import Person, Process, caller_of
from services.console.http_pages import go_to
from services.console.pages.connections.http import connection_of, overview
from services.console.rendering.errors import Errors

router = APIRouter(include_in_schema=False)
# RFC 8693, 2.1 and 3.
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  a name
_FORBIDDEN = 403


@router.post("/connections/{connection_id}/act")
async def start_acting(
    request: Request, process: Process, me: Person, connection_id: UUID
) -> Response:
    """For the store of the connection, if its brand allows it."""
    await me.act(None)
    connection = await connection_of(me, connection_id)
    form = {
        "grant_type": _EXCHANGE,
        "subject_token": await me.token(as_oneself=True),
        "subject_token_type": _ACCESS_TOKEN,
        "audience": f"urn:relevo:connection:{connection_id}",
    }
    try:
        answer = await process.apis.call(
            "connections", "POST", "/oauth2/token", caller_of(request), form=form
        )
    except ApiProblem:
        # The errors of OAuth are none of RFC 9457.
        errors = Errors(code="acting_refused")
        return await overview(request, me, connection_id, errors, _FORBIDDEN)
    acting = Acting(
        access_token=answer.body["access_token"],
        ends_at=datetime.now(UTC) + timedelta(seconds=answer.body["expires_in"]),
        connection_id=connection_id,
        brand=connection["brand"]["name"],
        store=connection["store"]["domain"],
    )
    await me.act(acting)
    return go_to(request, "/orders", "acting")


@router.post("/act/stop")
async def stop_acting(request: Request, me: Person) -> Response:
    """Oneself again."""
    acting = me.acting
    await me.act(None)
    to = f"/connections/{acting.connection_id}" if acting else "/integrations"
    return go_to(request, to, "acting_stopped")
