"""Logging in, going on and logging out over HTTP."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Cookie, Header, Request, Response
from pydantic import AfterValidator, BaseModel, Field

from services.connections.accounts.plans import Plan
from services.connections.accounts.tokens import Grant
from services.connections.dependencies import Process
from services.connections.people import devices, emails
from services.connections.people import registry as people
from services.connections.people.models import Person as KnownPerson
from services.connections.sessions import models, sessions, store, telling
from services.connections.sessions.models import Device
from services.connections.sessions.sessions import Begun
from shared.contracts.accounts_changed import AccountKind, Role
from shared.failures import Refused
from shared.telemetry import traceparent_of
from shared.web.access import Person, Public
from shared.web.networks import address_of, network_of
from shared.web.openapi import refuses
from shared.web.pagination import After, Limit, Page, decode_cursor_part, page_of
from shared.web.parameters import Form, only_known_parameters

Email = Annotated[
    str,
    Field(max_length=254, json_schema_extra={"format": "email"}),
    AfterValidator(emails.email),
]
_LONGEST_DEVICE = 200
_DEVICE_COOKIE, _DEVICE_HEADER = "relevo_device", "Relevo-Device"

router = APIRouter(tags=["sessions"], dependencies=[only_known_parameters])


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
    plan: Plan
    role: Role


class Session(BaseModel):
    """An access token (RFC 6750); send it as `Authorization: Bearer …`.

    The refresh token makes the next one, at `POST /v1/sessions/refresh`; it is good once.
    """

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  the type, not a token
    expires_in: int
    refresh_token: str
    session_id: UUID
    person_id: UUID
    email: str = Field(description="The person's address.")
    account_id: UUID
    accounts: list[AccountOfPerson] = Field(description="All that the person works in.")


class Refresh(Form):
    """What the session gave last."""

    refresh_token: Annotated[str, Field(max_length=200)]


class OpenSession(BaseModel):
    """A session that is not over; `device` is what its client says it is."""

    id: UUID
    account_id: UUID
    device: str
    network: str
    is_current: bool
    created_at: datetime
    seen_at: datetime


def device_of(request: Request) -> Device:
    """Where a request comes from."""
    agent = request.headers.get("user-agent", "")
    printed = "".join(letter for letter in agent if letter.isprintable())
    return Device(printed[:_LONGEST_DEVICE], network_of(address_of(request)))


def grant_of(begun: Begun) -> Grant:
    """What the tokens of a session let its person do."""
    one = begun.membership
    return Grant(begun.person_id, one.account_id, one.kind, one.role, one.version, begun.session_id)


def _session(process: Process, begun: Begun) -> Session:
    one = begun.membership
    return Session(
        access_token=process.issuer.issue(grant_of(begun)),
        expires_in=process.issuer.seconds,
        refresh_token=begun.refresh_token,
        session_id=begun.session_id,
        person_id=begun.person_id,
        email=begun.email,
        account_id=one.account_id,
        accounts=[
            AccountOfPerson(
                id=one.account_id, kind=one.kind, name=one.name, plan=one.plan, role=one.role
            )
            for one in begun.memberships
        ],
    )


async def begin_session(
    process: Process,
    request: Request,
    response: Response,
    person: KnownPerson,
    account_id: UUID | None = None,
    *,
    tells_person: bool = False,
) -> Session:
    """A new session of a person who has just proven to be one; its device is known from then on.

    `tells_person`: by a mail, that somebody logged in.

    Raises:
        Refused: `not_found`: it does not work in that account.
    """
    device = device_of(request)
    async with process.database.transaction() as session:
        if tells_person:
            await telling.tell_of_new_device(session, process.outgoing, person, device)
        begun = await sessions.begin(session, person, account_id, device)
    _remember(process, response, devices.issue(process.sealer, person.id))
    return _session(process, begun)


def _remember(process: Process, response: Response, token: str) -> None:
    """For browsers as a cookie, for others as a header."""
    response.headers[_DEVICE_HEADER] = token
    response.set_cookie(
        _DEVICE_COOKIE,
        token,
        max_age=devices.LIFETIME_SECONDS,
        httponly=True,
        samesite="lax",
        secure=process.public_url.startswith("https:"),
    )


@router.post(
    "/v1/sessions",
    status_code=201,
    summary="Log in",
    openapi_extra=refuses("invalid_credentials", "not_found", "too_many_attempts", "busy"),
)
async def log_in(
    _: Public,
    request: Request,
    response: Response,
    process: Process,
    body: Credentials,
    cookie: Annotated[str, Cookie(alias=_DEVICE_COOKIE)] = "",
    header: Annotated[
        str,
        Header(alias=_DEVICE_HEADER, description="What an earlier log-in answered in it."),
    ] = "",
) -> Session:
    """An access token for ten minutes, and what makes the next one.

    The answer names the device (`Relevo-Device`, and a cookie): shown again, it stays open while
    somebody else guesses.
    """
    network = network_of(address_of(request))
    await process.guessing.count(network, body.email)
    async with process.database.reading() as session:
        person = await people.find(session, body.email)
    person_id = person.id if person else None
    is_known = any(
        devices.is_known(process.sealer, token, person_id) for token in (cookie, header) if token
    )
    if not is_known:
        await process.guessing.count_strange_device(body.email)
    # Also without a person, so that the time taken does not tell which e-mails exist.
    matches = await process.passwords.verify(
        person.password_hash if person else None, body.password, network
    )
    if person is None or not matches:
        raise Refused("invalid_credentials")
    await process.guessing.forgive(network, body.email, strange_device=not is_known)
    return await begin_session(
        process, request, response, person, body.account_id, tells_person=not is_known
    )


@router.post("/v1/sessions/refresh", summary="Go on", openapi_extra=refuses("invalid_grant"))
async def refresh(_: Public, request: Request, process: Process, body: Refresh) -> Session:
    """A new access token and a new refresh token; the old one shown again ends the session."""
    begun = await sessions.refresh(
        process.database, body.refresh_token, device_of(request), traceparent_of(request.headers)
    )
    return _session(process, begun)


@router.get("/v1/sessions", summary="List one's own open sessions, newest first")
async def list_sessions(
    process: Process, caller: Person, limit: Limit = 50, after: After = None
) -> Page[OpenSession]:
    """In all accounts of the person."""
    async with process.database.reading() as session:
        rows = await store.list_sessions(
            session, UUID(caller.subject), decode_cursor_part(after, UUID), limit + 1
        )

    def shown(row: models.Session) -> OpenSession:
        return OpenSession(
            id=row.id,
            account_id=row.account_id,
            device=row.device,
            network=row.network,
            is_current=row.id == caller.session,
            created_at=row.created_at,
            seen_at=row.seen_at,
        )

    return page_of(rows, limit, shown, lambda row: row.id)


@router.delete(
    "/v1/sessions/current",
    status_code=204,
    summary="Log out",
    openapi_extra=refuses("not_found"),
)
async def log_out(request: Request, process: Process, caller: Person) -> Response:
    """The tokens of this session are refused everywhere within a second."""
    if caller.session is None:
        raise Refused("not_found", what="session")
    return await _end(request, process, caller.session, caller.subject)


@router.delete("/v1/sessions/{session_id}", status_code=204, summary="End one's own session")
async def end_session(
    request: Request, process: Process, caller: Person, session_id: UUID
) -> Response:
    """One that was left open elsewhere, or is somebody else's by now."""
    return await _end(request, process, session_id, caller.subject)


async def _end(request: Request, process: Process, session_id: UUID, person: str) -> Response:
    async with process.database.transaction() as session:
        await sessions.end(session, session_id, UUID(person), traceparent_of(request.headers))
    return Response(status_code=204)
