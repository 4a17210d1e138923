"""What the endpoints of connections need of their process, as FastAPI dependencies."""

import hmac
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.connections.changes import Caller
from services.connections.passwords import Passwords
from services.connections.settings import Settings
from services.connections.tokens import TokenIssuer
from shared.failures import Refused
from shared.postgres.database import Database
from shared.sealing import Sealer
from shared.telemetry import traceparent_of
from shared.web.access import Account, bearer_token, declares_access
from shared.web.auth import Principal
from shared.web.idempotency import IdempotencyKeys


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one process of connections."""

    settings: Settings
    database: Database
    sealer: Sealer
    issuer: TokenIssuer
    passwords: Passwords
    once: IdempotencyKeys


async def parts(request: Request) -> Parts:
    """The parts of the process that answers."""
    found: Parts = request.app.state.parts
    return found


_operator_key = HTTPBearer(
    scheme_name="OperatorKey", auto_error=False, description="The key of the installation."
)


@declares_access
async def operator(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_operator_key)],
) -> None:
    """Let the operator pass.

    Raises:
        Refused: 401 for everybody else.
    """
    expected = (await parts(request)).settings.connections_operator_key.get_secret_value()
    if not hmac.compare_digest(bearer_token(credentials).encode(), expected.encode()):
        raise Refused("invalid_operator_key")


def caller_of(principal: Principal, request: Request) -> Caller:
    """Who asks for a change, in which trace."""
    return Caller(principal.account_id, principal.actor, traceparent_of(request.headers))


async def if_match(
    value: Annotated[
        str | None, Header(alias="If-Match", description='The version you read: `"7"`.')
    ] = None,
) -> int | None:
    """The version in `If-Match` (RFC 9110, 13.1.1); None when it was not sent.

    Raises:
        Refused: 422, it is not a version of ours.
    """
    if value is None:
        return None
    text = value.strip().removeprefix("W/").strip('"')
    if not text.isdigit():
        raise Refused(
            "validation_failed",
            errors=[{"pointer": "/If-Match", "message": 'not a version such as "7"'}],
        )
    return int(text)


PartsOf = Annotated[Parts, Depends(parts)]
CallerOf = Account
IfMatch = Annotated[int | None, Depends(if_match)]
