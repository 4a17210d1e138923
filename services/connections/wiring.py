"""What the endpoints of connections need of their process, as FastAPI dependencies."""

import hmac
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request

from services.connections.idempotency import Once
from services.connections.passwords import Passwords
from services.connections.settings import Settings
from services.connections.tokens import TokenIssuer
from shared.auth import Principal, bearer_token, principal
from shared.database import Database
from shared.problems import Problem
from shared.sealing import Sealer


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one process of connections."""

    settings: Settings
    database: Database
    sealer: Sealer
    issuer: TokenIssuer
    passwords: Passwords
    once: Once


async def parts(request: Request) -> Parts:
    """The parts of the process that answers."""
    found: Parts = request.app.state.parts
    return found


async def operator(request: Request) -> None:
    """Let the operator pass.

    Raises:
        Problem: 401 for everybody else.
    """
    expected = (await parts(request)).settings.connections_operator_key.get_secret_value()
    if not hmac.compare_digest(bearer_token(request).encode(), expected.encode()):
        raise Problem(
            401,
            "invalid_operator_key",
            "This call is the operator's: send the operator key as bearer token.",
            headers={"WWW-Authenticate": "Bearer"},
        )


async def if_match(
    value: Annotated[
        str | None, Header(alias="If-Match", description='The version you read: `"7"`.')
    ] = None,
) -> int | None:
    """The version in `If-Match` (RFC 9110, 13.1.1); None when it was not sent.

    Raises:
        Problem: 422, it is not a version of ours.
    """
    if value is None:
        return None
    text = value.strip().removeprefix("W/").strip('"')
    if not text.isdigit():
        raise Problem(
            422,
            "validation_failed",
            'If-Match has to be the quoted version that you read, for example "7".',
            errors=[{"pointer": "/If-Match", "message": "not a version"}],
        )
    return int(text)


PartsOf = Annotated[Parts, Depends(parts)]
CallerOf = Annotated[Principal, Depends(principal)]
IfMatch = Annotated[int | None, Depends(if_match)]
