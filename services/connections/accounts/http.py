"""Accounts, sessions, plans and the keys that tokens verify by."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import AfterValidator, BaseModel, Field

from services.connections import addresses, store
from services.connections.dependencies import PartsOf, operator
from services.connections.lifecycle import Plan
from shared.contracts.fields import PRINTABLE
from shared.failures import Refused
from shared.postgres.database import Session as DatabaseSession
from shared.web.access import Public
from shared.web.auth import AccountKind

Email = Annotated[str, Field(max_length=254), AfterValidator(addresses.email)]
Password = Annotated[str, Field(min_length=12, max_length=200)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=PRINTABLE)]

router = APIRouter()


class NewAccount(BaseModel):
    """Signing up."""

    kind: AccountKind
    name: Name
    email: Email
    password: Password


class Account(BaseModel):
    """A tenant: a brand or a 3PL."""

    id: UUID
    kind: AccountKind
    name: str
    email: str
    plan: Plan
    created_at: datetime


class PlanChange(BaseModel):
    """`conquer` lets a 3PL hold connections."""

    plan: Plan


class Credentials(BaseModel):
    """E-mail and password."""

    email: Email
    password: Annotated[str, Field(max_length=200)]


class Session(BaseModel):
    """An access token (RFC 6750); send it as `Authorization: Bearer …`."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  the type, not a token
    expires_in: int
    account_id: UUID


def present(account: store.Account) -> Account:
    """The account as the API shows it."""
    return Account(
        id=account.id,
        kind=account.kind,
        name=account.name,
        email=account.email,
        plan=account.plan,
        created_at=account.created_at,
    )


@router.post("/v1/accounts", status_code=201, tags=["accounts"], summary="Sign up")
async def sign_up(_: Public, request: Request, parts: PartsOf, body: NewAccount) -> Account:
    """Anyone may; a 3PL needs plan `conquer` from the operator before it can connect."""
    password_hash = await parts.passwords.hash(body.password)

    async def create(session: DatabaseSession) -> Account:
        made = await store.insert_account(session, body.kind, body.name, body.email, password_hash)
        if made is None:
            raise Refused("email_taken")
        return present(made)

    return await parts.once.run_once(request, f"sign-up {body.email}", Account, body, create)


@router.put(
    "/v1/accounts/{account_id}/plan",
    tags=["accounts"],
    summary="Change an account's plan (operator)",
    dependencies=[Depends(operator)],
)
async def change_plan(parts: PartsOf, account_id: UUID, body: PlanChange) -> Account:
    """Existing connections go on whatever the plan; activating needs `conquer`."""
    async with parts.database.transaction() as session:
        account = await store.set_plan(session, account_id, body.plan)
    if account is None:
        raise Refused("not_found", what="account")
    return present(account)


@router.post("/v1/sessions", status_code=201, tags=["accounts"], summary="Log in")
async def log_in(_: Public, parts: PartsOf, body: Credentials) -> Session:
    """An access token for ten minutes."""
    async with parts.database.session() as session:
        account = await store.account_by_email(session, body.email)
    # Also without an account, so that the time taken does not tell which e-mails exist.
    matches = await parts.passwords.verify(
        account.password_hash if account else None, body.password
    )
    if account is None or not matches:
        raise Refused("invalid_credentials")
    return session_of(parts, account)


def session_of(parts: PartsOf, account: store.Account) -> Session:
    """A session of the account."""
    return Session(
        access_token=parts.issuer.issue(account.id, account.kind),
        expires_in=parts.issuer.seconds,
        account_id=account.id,
    )


@router.get(
    "/.well-known/jwks.json", tags=["keys"], summary="The keys that tokens verify by (RFC 7517)"
)
async def jwks(_: Public, parts: PartsOf) -> dict[str, list[dict[str, Any]]]:
    """A JSON Web Key Set with Ed25519 public keys."""
    return parts.issuer.jwks


@router.get(
    "/.well-known/oauth-authorization-server",
    tags=["keys"],
    summary="Authorization server metadata (RFC 8414)",
)
async def metadata(_: Public, parts: PartsOf) -> dict[str, Any]:
    """What this authorization server offers so far."""
    base = parts.settings.connections_public_url.rstrip("/")
    return {
        "issuer": parts.settings.auth_issuer,
        "jwks_uri": f"{base}/.well-known/jwks.json",
        "token_endpoint_auth_methods_supported": ["none"],
        "response_types_supported": [],
        "grant_types_supported": [],
    }
