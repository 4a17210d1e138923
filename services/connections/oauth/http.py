"""The token endpoint and its metadata over HTTP (OAuth 2.1, RFC 8414)."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from services.connections.dependencies import Process
from services.connections.oauth import grants, requests
from services.connections.oauth.errors import OAuthError
from services.connections.sessions import sessions
from services.connections.sessions.http import device_of, grant_of
from shared.failures import Refused
from shared.telemetry import traceparent_of
from shared.web.access import Public
from shared.web.networks import address_of, network_of
from shared.web.openapi import refuses

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105  a name
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  a name
GRANT_TYPES = ("client_credentials", "refresh_token", TOKEN_EXCHANGE)
_AUDIENCE = "urn:relevo:connection:"
# RFC 6749, 5.1: nobody keeps tokens.
_HEADERS = {"Cache-Control": "no-store"}
_TEXT = {"type": "string", "minLength": 1}
_FORM = {
    "oneOf": [
        {
            "type": "object",
            "required": ["grant_type"],
            "properties": {
                "grant_type": {"type": "string", "enum": ["client_credentials"]},
                "client_id": {"type": "string", "description": "Or `Authorization: Basic`."},
                "client_secret": {"type": "string"},
                "scope": {"type": "string", "description": "Some of the client's, with spaces."},
            },
        },
        {
            "type": "object",
            "required": ["grant_type", "refresh_token"],
            "properties": {
                "grant_type": {"type": "string", "enum": ["refresh_token"]},
                "refresh_token": _TEXT,
            },
        },
        {
            "type": "object",
            "required": ["grant_type", "subject_token", "subject_token_type", "audience"],
            "properties": {
                "grant_type": {"type": "string", "enum": [TOKEN_EXCHANGE]},
                "subject_token": {**_TEXT, "description": "The 3PL's own access token."},
                "subject_token_type": {"type": "string", "enum": [ACCESS_TOKEN]},
                "audience": {**_TEXT, "description": f"`{_AUDIENCE}<connection id>`."},
            },
        },
    ]
}
_ERROR = {
    "description": "Refused: `error` and `error_description`, as RFC 6749 has it.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["error", "error_description"],
                "properties": {
                    "error": {"type": "string"}, "error_description": {"type": "string"},
                },
            }
        }
    },
}  # fmt: skip
_TOKEN = {
    "description": "An access token.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["access_token", "token_type", "expires_in"],
                "properties": {
                    "access_token": {"type": "string"},
                    "token_type": {"type": "string", "enum": ["Bearer"]},
                    "expires_in": {"type": "integer"},
                    "scope": {"type": "string"},
                    "refresh_token": {"type": "string"},
                    "issued_token_type": {"type": "string"},
                },
            }
        }
    },
}

router = APIRouter(tags=["oauth"])


@router.post(
    "/oauth2/token",
    summary="Get an access token",
    response_class=JSONResponse,
    responses={200: _TOKEN, 400: _ERROR, 401: _ERROR},
    openapi_extra=refuses(
        "too_many_attempts",
        requestBody={
            "required": True, "content": {"application/x-www-form-urlencoded": {"schema": _FORM}},
        },
    ),
)  # fmt: skip
async def token(_: Public, request: Request, process: Process) -> JSONResponse:
    """`client_credentials` for machines, `refresh_token` for sessions, token exchange for a 3PL.

    The exchange (RFC 8693) gives a person of a 3PL a token for the account of a brand that is
    connected to it, for the store of that connection and as long as its epoch lasts.
    """
    try:
        form = requests.form_of(await request.body(), request.headers.get("content-type", ""))
        answer = await _answer(request, process, form)
    except OAuthError as error:
        status = 401 if error.code == "invalid_client" else 400
        challenge = {"WWW-Authenticate": 'Basic realm="relevo"'} if status == 401 else {}  # noqa: PLR2004  HTTP
        body = {"error": error.code, "error_description": str(error)}
        return JSONResponse(body, status, {**_HEADERS, **challenge})
    return JSONResponse(answer, headers=_HEADERS)


async def _answer(request: Request, process: Process, form: dict[str, str]) -> dict[str, Any]:
    match requests.field_of(form, "grant_type"):
        case "client_credentials":
            return await _for_client(request, process, form)
        case "refresh_token":
            return await _refreshed(request, process, form)
        case grant_type if grant_type == TOKEN_EXCHANGE:
            return await _exchanged(process, form)
        case _:
            raise OAuthError("unsupported_grant_type", f"one of {', '.join(GRANT_TYPES)}")


async def _for_client(request: Request, process: Process, form: dict[str, str]) -> dict[str, Any]:
    client_id, secret = requests.client_of(form, request.headers.get("authorization", ""))
    network = network_of(address_of(request))
    await process.guessing.count(network, f"client {client_id}")
    grant = await grants.of_client(
        process.database, client_id, secret, form.get("scope", "").split()
    )
    await process.guessing.forgive(network, f"client {client_id}")
    return {**_bearer(process, process.issuer.issue(grant)), "scope": " ".join(grant.scopes or ())}


async def _refreshed(request: Request, process: Process, form: dict[str, str]) -> dict[str, Any]:
    shown = requests.field_of(form, "refresh_token")
    try:
        begun = await sessions.refresh(
            process.database, shown, device_of(request), traceparent_of(request.headers)
        )
    except Refused as error:
        raise OAuthError("invalid_grant", "this token is over, or was used before") from error
    answer = _bearer(process, process.issuer.issue(grant_of(begun)))
    return {**answer, "refresh_token": begun.refresh_token}


async def _exchanged(process: Process, form: dict[str, str]) -> dict[str, Any]:
    if requests.field_of(form, "subject_token_type") != ACCESS_TOKEN:
        raise OAuthError("invalid_request", f"subject_token_type is {ACCESS_TOKEN}")
    audience = requests.field_of(form, "audience")
    try:
        principal = process.verified(requests.field_of(form, "subject_token"))
    except Refused as error:
        raise OAuthError("invalid_grant", "the subject_token is over, or none of ours") from error
    try:
        connection_id = UUID(audience.removeprefix(_AUDIENCE))
    except ValueError as error:
        raise OAuthError("invalid_target", f"audience is {_AUDIENCE}<connection id>") from error
    if principal.actor is not None:
        raise OAuthError("unauthorized_client", "a token in a brand's name makes no other")
    grant = await grants.in_name_of_brand(process.database, principal, connection_id)
    answer = _bearer(process, process.issuer.issue(grant))
    return {**answer, "issued_token_type": ACCESS_TOKEN}


def _bearer(process: Process, access_token: str) -> dict[str, Any]:
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": process.issuer.seconds,
    }


@router.get(
    "/.well-known/oauth-authorization-server",
    summary="Authorization server metadata (RFC 8414)",
)
async def metadata(_: Public, process: Process) -> dict[str, Any]:
    """What this authorization server offers."""
    return {
        "issuer": process.settings.auth_issuer,
        "jwks_uri": f"{process.public_url}/.well-known/jwks.json",
        "token_endpoint": f"{process.public_url}/oauth2/token",
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "grant_types_supported": list(GRANT_TYPES),
        "response_types_supported": [],
        "scopes_supported": list(process.scopes),
    }
