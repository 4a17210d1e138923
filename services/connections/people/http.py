"""Signing up and new passwords over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, BaseModel, Field

from services.connections.dependencies import Process
from services.connections.mail.kinds import Language
from services.connections.people import name_rules, reset, sign_up
from services.connections.people.password_rules import LEAST_LETTERS
from services.connections.people.sign_up import Wish
from services.connections.sessions.http import Email, Session, begin_session
from shared.contracts.accounts_changed import AccountKind
from shared.contracts.fields import DISPLAYABLE, PRINTABLE
from shared.telemetry import traceparent_of
from shared.web.access import Public
from shared.web.networks import address_of, network_of
from shared.web.openapi import refuses
from shared.web.parameters import Form, only_known_parameters

Password = Annotated[
    str,
    Field(
        min_length=LEAST_LETTERS,
        max_length=200,
        pattern=PRINTABLE,
        description="Not one of the most common, and not the name or the address.",
    ),
]
Name = Annotated[
    str,
    Field(min_length=1, max_length=200, pattern=DISPLAYABLE),
    AfterValidator(name_rules.require_no_link),
]
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
async def confirm(
    _: Public, request: Request, response: Response, process: Process, body: NewPassword
) -> Session:
    """Makes the account, sets the password and logs in."""
    person = await sign_up.confirm(
        process.database,
        process.passwords,
        body.token,
        body.password,
        traceparent_of(request.headers),
    )
    return await begin_session(process, request, response, person)


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
async def redeem_reset(
    _: Public, request: Request, response: Response, process: Process, body: NewPassword
) -> Session:
    """Replaces the password and logs in; other links of the kind die, and every session ends."""
    person = await reset.redeem(
        process.database,
        process.passwords,
        body.token,
        body.password,
        traceparent_of(request.headers),
    )
    return await begin_session(process, request, response, person)
