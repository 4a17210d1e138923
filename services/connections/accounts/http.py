"""Accounts, sessions, plans and the keys that tokens verify by."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, Field

from services.connections.accounts import emails, guessing, models, registry, store
from services.connections.accounts.plans import Plan
from services.connections.dependencies import Operator, Process
from shared.contracts.fields import DISPLAYABLE, PRINTABLE
from shared.failures import Refused
from shared.postgres.database import Session as DatabaseSession
from shared.web.access import Public
from shared.web.auth import AccountKind
from shared.web.networks import address_of, network_of
from shared.web.openapi import refuses
from shared.web.parameters import Form, only_known_parameters

Email = Annotated[
    str,
    Field(max_length=254, json_schema_extra={"format": "email"}),
    AfterValidator(emails.email),
]
Password = Annotated[str, Field(min_length=12, max_length=200, pattern=PRINTABLE)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=DISPLAYABLE)]

router = APIRouter(dependencies=[only_known_parameters])


class NewAccount(Form):
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


class PlanChange(Form):
    """`conquer` lets a 3PL hold connections."""

    plan: Plan


class Credentials(Form):
    """E-mail and password."""

    email: Email
    password: Annotated[str, Field(max_length=200)]


class Session(BaseModel):
    """An access token (RFC 6750); send it as `Authorization: Bearer …`."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  the type, not a token
    expires_in: int
    account_id: UUID


def _present(account: models.Account) -> Account:
    return Account.model_validate(account, from_attributes=True)


def issue_session(process: Process, account: models.Account) -> Session:
    """A new session of the account."""
    return Session(
        access_token=process.issuer.issue(account.id, account.kind),
        expires_in=process.issuer.seconds,
        account_id=account.id,
    )


@router.post(
    "/v1/accounts",
    status_code=201,
    tags=["accounts"],
    summary="Sign up",
    openapi_extra=refuses("email_taken", "busy", idempotent=True),
)
async def sign_up(_: Public, request: Request, process: Process, body: NewAccount) -> Account:
    """Anyone may; a 3PL needs plan `conquer` from the operator before it can connect."""
    password_hash = await process.passwords.hash(body.password)

    async def create(session: DatabaseSession) -> Account:
        return _present(
            await registry.add_account(session, body.kind, body.name, body.email, password_hash)
        )

    return await process.idempotency_keys.run_once(
        request, f"sign-up {body.email}", Account, body, create, _as_before
    )


async def _as_before(_session: DatabaseSession, _answer: Account) -> None:
    """Anyone may sign up, also once more."""


@router.put(
    "/v1/accounts/{account_id}/plan",
    tags=["accounts"],
    summary="Change an account's plan (operator)",
    openapi_extra=refuses("three_pl_only"),
)
async def change_plan(_: Operator, process: Process, account_id: UUID, body: PlanChange) -> Account:
    """Existing connections go on whatever the plan; activating needs `conquer`."""
    async with process.database.transaction() as session:
        return _present(await registry.change_plan(session, account_id, body.plan))


@router.post(
    "/v1/sessions",
    status_code=201,
    tags=["accounts"],
    summary="Log in",
    openapi_extra=refuses("invalid_credentials", "too_many_attempts", "busy"),
)
async def log_in(_: Public, request: Request, process: Process, body: Credentials) -> Session:
    """An access token for ten minutes."""
    network = network_of(address_of(request))
    await guessing.count(process.database, network, body.email)
    async with process.database.reading() as session:
        account = await store.get_account_by_email(session, body.email)
    # Also without an account, so that the time taken does not tell which e-mails exist.
    matches = await process.passwords.verify(
        account.password_hash if account else None, body.password
    )
    if account is None or not matches:
        raise Refused("invalid_credentials")
    await guessing.forgive(process.database, network, body.email)
    return issue_session(process, account)


@router.get(
    "/.well-known/jwks.json", tags=["keys"], summary="The keys that tokens verify by (RFC 7517)"
)
async def jwks(_: Public, process: Process) -> dict[str, list[dict[str, Any]]]:
    """A JSON Web Key Set with Ed25519 public keys."""
    return process.issuer.jwks


@router.get(
    "/.well-known/oauth-authorization-server",
    tags=["keys"],
    summary="Authorization server metadata (RFC 8414)",
)
async def metadata(_: Public, process: Process) -> dict[str, Any]:
    """What this authorization server offers so far."""
    return {
        "issuer": process.settings.auth_issuer,
        "jwks_uri": f"{process.public_url}/.well-known/jwks.json",
        "token_endpoint_auth_methods_supported": ["none"],
        "response_types_supported": [],
        "grant_types_supported": [],
    }
