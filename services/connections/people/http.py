"""Signing up, logging in and new passwords over HTTP."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, Field

from services.connections.dependencies import Process
from services.connections.mail.kinds import Language
from services.connections.people import emails, registry, reset, sign_up
from services.connections.people.models import Membership, Person, Role
from services.connections.people.password_rules import LEAST_LETTERS
from services.connections.people.sign_up import Wish
from shared.contracts.fields import DISPLAYABLE, PRINTABLE
from shared.failures import Refused
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
Password = Annotated[
    str,
    Field(
        min_length=LEAST_LETTERS,
        max_length=200,
        pattern=PRINTABLE,
        description="Not one of the most common, and not the name or the address.",
    ),
]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=DISPLAYABLE)]
MailedToken = Annotated[str, Field(max_length=200, description="From the fragment of the link.")]

router = APIRouter(tags=["people"], dependencies=[only_known_parameters])


class NewAccount(Form):
    """Signing up; the mailed link sets the password."""

    kind: AccountKind
    name: Name
    email: Email
    language: Language = "en"


class MailSent(BaseModel):
    """A mail is on its way, and says what comes next; it is the same whatever exists."""

    email: str


class NewPassword(Form):
    """What the mailed link's page asks for."""

    token: MailedToken
    password: Password


class ResetRequest(Form):
    """Whose password is forgotten; `language` counts when nobody has this address."""

    email: Email
    language: Language = "en"


class Credentials(Form):
    """E-mail and password, and which account, when there are several; else the first one."""

    email: Email
    password: Annotated[str, Field(max_length=200)]
    account_id: UUID | None = None


class AccountOfPerson(BaseModel):
    """An account that a person works in."""

    id: UUID
    kind: AccountKind
    name: str
    role: Role


class Session(BaseModel):
    """An access token (RFC 6750); send it as `Authorization: Bearer …`."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  the type, not a token
    expires_in: int
    account_id: UUID
    accounts: list[AccountOfPerson] = Field(description="All that the person works in.")


def issue_session(
    process: Process, person: Person, accounts: Sequence[Membership], account_id: UUID | None
) -> Session:
    """A new session of the person in one of its accounts, the first when none is named.

    Raises:
        Refused: `not_found`: it does not work in that one.
    """
    chosen = next((one for one in accounts if account_id in (None, one.account_id)), None)
    if chosen is None:
        raise Refused("not_found", what="account")
    return Session(
        access_token=process.issuer.issue(person.id, chosen.account_id, chosen.kind),
        expires_in=process.issuer.seconds,
        account_id=chosen.account_id,
        accounts=[
            AccountOfPerson(id=one.account_id, kind=one.kind, name=one.name, role=one.role)
            for one in accounts
        ],
    )


async def _log_in(process: Process, person: Person, account_id: UUID | None = None) -> Session:
    async with process.database.session() as session:
        accounts = await registry.memberships(session, person)
    return issue_session(process, person, accounts, account_id)


@router.post(
    "/v1/accounts",
    status_code=202,
    summary="Sign up",
    openapi_extra=refuses("too_many_attempts"),
)
async def ask_to_sign_up(
    _: Public, request: Request, process: Process, body: NewAccount
) -> MailSent:
    """Sends a mail; its link sets the password. Until then there is no account.

    A 3PL needs plan `conquer` from the operator before it can connect.
    """
    await process.guessing.count(network_of(address_of(request)), f"mail {body.email}")
    wish = Wish(body.kind, body.name, body.email, body.language)
    async with process.database.transaction() as session:
        await sign_up.ask(session, process.outgoing, process.links, wish)
    return MailSent(email=body.email)


@router.post(
    "/v1/accounts/confirm",
    status_code=201,
    summary="Sign up by the mailed link",
    openapi_extra=refuses("not_found", "link_expired", "busy"),
)
async def confirm(_: Public, process: Process, body: NewPassword) -> Session:
    """Makes the account, sets the password and logs in."""
    return await _log_in(
        process,
        await sign_up.confirm(process.database, process.passwords, body.token, body.password),
    )


@router.post(
    "/v1/password-resets",
    status_code=202,
    summary="Ask for a new password",
    openapi_extra=refuses("too_many_attempts"),
)
async def ask_for_reset(
    _: Public, request: Request, process: Process, body: ResetRequest
) -> MailSent:
    """Sends a mail; its link sets a new password, once and for 30 minutes."""
    await process.guessing.count(network_of(address_of(request)), f"mail {body.email}")
    async with process.database.transaction() as session:
        await reset.ask(session, process.outgoing, process.links, body.email, body.language)
    return MailSent(email=body.email)


@router.post(
    "/v1/password-resets/redeem",
    status_code=201,
    summary="Set a new password by the mailed link",
    openapi_extra=refuses("not_found", "link_expired", "busy"),
)
async def redeem_reset(_: Public, process: Process, body: NewPassword) -> Session:
    """Replaces the password and logs in; other links of the kind die."""
    return await _log_in(
        process,
        await reset.redeem(process.database, process.passwords, body.token, body.password),
    )


@router.post(
    "/v1/sessions",
    status_code=201,
    summary="Log in",
    openapi_extra=refuses("invalid_credentials", "not_found", "too_many_attempts", "busy"),
)
async def log_in(_: Public, request: Request, process: Process, body: Credentials) -> Session:
    """An access token for ten minutes."""
    network = network_of(address_of(request))
    await process.guessing.count(network, body.email)
    async with process.database.reading() as session:
        person = await registry.find(session, body.email)
    # Also without a person, so that the time taken does not tell which e-mails exist.
    matches = await process.passwords.verify(
        person.password_hash if person else None, body.password
    )
    if person is None or not matches:
        raise Refused("invalid_credentials")
    await process.guessing.forgive(network, body.email)
    return await _log_in(process, person, body.account_id)
