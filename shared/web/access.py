"""Who may call what: every endpoint declares it, or its service does not start.

An access is a FastAPI dependency marked with `declares_access`: it lets the caller in and gives
the handler what it needs to know of them, or refuses. The locks in OpenAPI follow from the security
scheme that it depends on. Services add their own (the operator, a store's key, a signature).
"""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, TypeVar

from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared.failures import Refused
from shared.web.auth import Principal, Verifier

Call = TypeVar("Call", bound=Callable[..., Any])
_MARK = "__relevo_access__"

access_token = HTTPBearer(auto_error=False, description="An access token of `POST /v1/sessions`.")
AccessToken = Annotated[HTTPAuthorizationCredentials | None, Depends(access_token)]


class UndeclaredAccess(RuntimeError):  # noqa: N818  says what is wrong
    """An endpoint does not say who may call it."""


def declares_access(dependency: Call) -> Call:
    """Mark a dependency as one that decides who may call."""
    setattr(dependency, _MARK, True)
    return dependency


def bearer_token(credentials: HTTPAuthorizationCredentials | None) -> str:
    """The token in `Authorization: Bearer …` (RFC 6750, 2.1).

    Raises:
        Refused: `missing_token`.
    """
    if credentials is None or not credentials.credentials.strip():
        raise Refused("missing_token")
    return credentials.credentials.strip()


@declares_access
async def public() -> None:
    """Anyone.

    Async as every dependency here, although it awaits nothing: FastAPI runs others in threads.
    """


@declares_access
async def account(request: Request, credentials: AccessToken) -> Principal:
    """The account whose access token came with the request.

    Raises:
        Refused: `missing_token`, `invalid_token`.
    """
    verifier: Verifier = request.app.state.verifier
    return verifier.verify(bearer_token(credentials))


Public = Annotated[None, Depends(public)]
Account = Annotated[Principal, Depends(account)]


def require_declared_access(app: FastAPI) -> None:
    """Refuse to start with an endpoint that does not say who may call it.

    Raises:
        UndeclaredAccess: names the endpoints.
    """
    undeclared = [
        f"{'/'.join(sorted(route.methods or ()))} {route.path}"
        for route in app.routes
        if isinstance(route, APIRoute) and not any(map(_is_access, _calls(route.dependant)))
    ]
    if undeclared:
        raise UndeclaredAccess(f"who may call {', '.join(undeclared)}? See shared/web/access.py")


def _calls(dependant: Dependant) -> Iterator[object]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _calls(dependency)


def _is_access(call: object) -> bool:
    return getattr(call, _MARK, False) is True
