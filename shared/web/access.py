"""Who may call what: every endpoint declares it, or its service does not start.

An access is a FastAPI dependency that lets the caller in and gives the handler what it needs to
know of them, or refuses. It is also the OpenAPI security scheme of what it asks for, in one object:
the locks in the documents cannot differ from what is checked, and a request costs one dependency.
Services add their own (the operator, a store's key, a signature).
"""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.security import HTTPBearer

from shared.failures import Refused
from shared.web.auth import Principal, Verifier
from shared.web.mistakes import instead_of_bearer
from shared.web.revocations import Revocations

READING = ("GET", "HEAD")
# What the scopes of machines call the resources of each service.
AREAS = {
    "connections": "connections",
    "ingest": "quarantine",
    "routing": "orders",
    "webhooks": "webhooks",
    "fulfilment": "fulfilment",
}


class UndeclaredAccess(RuntimeError):  # noqa: N818  says what is wrong
    """An endpoint does not say who may call it."""


class Access:
    """Marks a dependency as one that decides who may call.

    `refusals`: the codes that it says no with, for the documents; `write_refusals`: those of
    operations that change something.
    """

    refusals: tuple[str, ...] = ()
    write_refusals: tuple[str, ...] = ()


class PublicAccess(Access):
    """Anyone."""

    async def __call__(self) -> None:
        """Let them in.

        Async as every dependency here, although it awaits nothing: FastAPI runs others in threads.
        """


class BearerAccess(Access, HTTPBearer):
    """Whoever shows a token in `Authorization: Bearer …`; what kind, a subclass says.

    Args:
        scheme_name: of the security scheme in OpenAPI.
        description: where the token comes from.
    """

    def __init__(self, scheme_name: str, description: str) -> None:
        super().__init__(scheme_name=scheme_name, description=description, auto_error=False)


class AccountAccess(BearerAccess):
    """The account whose access token came with the request: a person of it, or a machine."""

    refusals: tuple[str, ...] = (
        "missing_token", "invalid_token", "insufficient_scope", "delegated",
    )  # fmt: skip
    write_refusals: tuple[str, ...] = ("role_required",)

    async def __call__(self, request: Request) -> Principal:  # type: ignore[override]  # FastAPI reads the signature
        """Verify the token; a viewer reads and no more, a machine does what its scopes say.

        Raises:
            Refused: `missing_token`, `invalid_token`, `insufficient_scope`, `role_required`;
                `delegated`: not in somebody else's name.
        """
        return itself(permitted(request))


class DelegableAccess(AccountAccess):
    """The same, and also a 3PL in its brand's name: the handler keeps to the `delegation`."""

    refusals: tuple[str, ...] = ("missing_token", "invalid_token", "insufficient_scope")

    async def __call__(self, request: Request) -> Principal:  # type: ignore[override]  # as above
        """Verify the token.

        Raises:
            Refused: `missing_token`, `invalid_token`, `insufficient_scope`, `role_required`.
        """
        return permitted(request)


class DelegableKeysAccess(DelegableAccess):
    """The same, where credentials change: in a brand's name only if it allows that."""

    refusals = ("missing_token", "invalid_token", "insufficient_scope", "delegated")

    async def __call__(self, request: Request) -> Principal:  # type: ignore[override]  # as above
        """Verify the token.

        Raises:
            Refused: `missing_token`, `invalid_token`, `insufficient_scope`, `role_required`,
                `delegated`.
        """
        principal = permitted(request)
        if principal.delegation is not None and not principal.delegation.may_set_keys:
            raise Refused("delegated")
        return principal


class OwnerAccess(AccountAccess):
    """A person who owns the account."""

    refusals = ("missing_token", "invalid_token", "role_required", "delegated")
    write_refusals = ()

    async def __call__(self, request: Request) -> Principal:  # type: ignore[override]  # as above
        """Verify the token.

        Raises:
            Refused: `missing_token`, `invalid_token`, `role_required`, `delegated`.
        """
        principal = itself(verified(request))
        if principal.role != "owner" or principal.scopes is not None:
            raise Refused("role_required", role="owner")
        return principal


class PersonAccess(AccountAccess):
    """A person, for what everybody may do about themselves."""

    refusals = ("missing_token", "invalid_token", "role_required", "delegated")
    write_refusals = ()

    async def __call__(self, request: Request) -> Principal:  # type: ignore[override]  # as above
        """Verify the token.

        Raises:
            Refused: `missing_token`, `invalid_token`, `delegated`; `role_required` for a machine.
        """
        principal = itself(verified(request))
        if principal.scopes is not None:
            raise Refused("role_required", role="viewer")
        return principal


class MaybeAccountAccess(AccountAccess):
    """The account whose access token came with the request, or anyone; a bad token is refused."""

    refusals = ("invalid_token", "delegated")
    write_refusals = ()

    async def __call__(self, request: Request) -> Principal | None:  # type: ignore[override]  # as above
        """Verify the token, if there is one.

        Raises:
            Refused: `invalid_token`, `delegated`.
        """
        return itself(verified(request)) if "authorization" in request.headers else None


def verified(request: Request) -> Principal:
    """Who holds the token of a request; one that was revoked is none.

    Raises:
        Refused: `missing_token`, `invalid_token`.
    """
    verifier: Verifier = request.app.state.verifier
    principal = verifier.verify(bearer_token(request))
    revocations: Revocations = request.app.state.revocations
    if revocations.revokes(principal):
        raise Refused("invalid_token", seen="it was revoked, or its session is over")
    return principal


def permitted(request: Request) -> Principal:
    """Who holds the token, if its role and its scopes go with what is asked of this service.

    Raises:
        Refused: `missing_token`, `invalid_token`, `insufficient_scope`, `role_required`.
    """
    principal = verified(request)
    reads = request.method in READING
    scope = f"{request.app.state.area}:{'read' if reads else 'write'}"
    if principal.scopes is not None and scope not in principal.scopes:
        raise Refused("insufficient_scope", scope=scope)
    if not reads and not principal.may_write:
        raise Refused("role_required", role="operator")
    return principal


def itself(principal: Principal) -> Principal:
    """Let it pass unless it acts in somebody else's name.

    Raises:
        Refused: `delegated`.
    """
    if principal.actor is not None:
        raise Refused("delegated")
    return principal


def bearer_token(request: Request, missing: str = "missing_token") -> str:
    """The token in `Authorization: Bearer …` (RFC 6750, 2.1).

    Raises:
        Refused: `missing`.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Refused(missing, seen=instead_of_bearer(request.headers))
    return token.strip()


public = PublicAccess()
account = AccountAccess("HTTPBearer", "An access token of `POST /v1/sessions`.")
delegable = DelegableAccess("HTTPBearer", "An access token of `POST /v1/sessions`.")
delegable_keys = DelegableKeysAccess("HTTPBearer", "An access token of `POST /v1/sessions`.")
owner = OwnerAccess("HTTPBearer", "An access token of `POST /v1/sessions`.")
person = PersonAccess("HTTPBearer", "An access token of `POST /v1/sessions`.")
maybe_account = MaybeAccountAccess("HTTPBearer", "An access token of `POST /v1/sessions`.")
Public = Annotated[None, Depends(public)]
Account = Annotated[Principal, Depends(account)]
DelegableAccount = Annotated[Principal, Depends(delegable)]
DelegableKeys = Annotated[Principal, Depends(delegable_keys)]
Owner = Annotated[Principal, Depends(owner)]
Person = Annotated[Principal, Depends(person)]
MaybeAccount = Annotated[Principal | None, Depends(maybe_account)]


def require_declared_access(app: FastAPI) -> None:
    """Refuse to start with an endpoint that does not say who may call it.

    Raises:
        UndeclaredAccess: names the endpoints.
    """
    undeclared = [
        f"{'/'.join(sorted(route.methods or ()))} {route.path}"
        for route in iter_route_contexts(app.routes)
        if isinstance(route.original_route, APIRoute) and not accesses_of(route.dependant)
    ]
    if undeclared:
        raise UndeclaredAccess(f"who may call {', '.join(undeclared)}? See shared/web/access.py")


def accesses_of(dependant: Dependant) -> list[Access]:
    """What decides who may call an endpoint."""
    return [call for call in _calls(dependant) if isinstance(call, Access)]


def _calls(dependant: Dependant) -> Iterator[object]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _calls(dependency)
