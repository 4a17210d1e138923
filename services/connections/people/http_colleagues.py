"""The people of an account, and the address of a person, over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from services.connections.dependencies import Process
from services.connections.mail.kinds import Language
from services.connections.people import address_change, colleagues, models, store
from services.connections.people.http import MailedToken, MailSent, Password
from services.connections.sessions.http import Email, Session, begin_session
from shared.contracts.accounts_changed import Role
from shared.failures import Refused
from shared.telemetry import traceparent_of
from shared.web.access import Account, MaybeAccount, Owner, Person, Public
from shared.web.networks import address_of, network_of
from shared.web.openapi import refuses
from shared.web.pagination import After, Limit, Page, decode_cursor_part, page_of
from shared.web.parameters import Form, only_known_parameters

router = APIRouter(prefix="/v1/people", tags=["people"], dependencies=[only_known_parameters])


class Colleague(BaseModel):
    """A person that works in the account."""

    id: UUID
    email: str
    role: Role
    since: datetime


class NewColleague(Form):
    """Whom to ask in: `viewer` reads, `operator` works, `owner` also decides who does."""

    email: Email
    role: Role
    language: Language = "en"


class RoleChange(Form):
    """What the person may do from now on."""

    role: Role


class Joining(Form):
    """By the mailed link; a person that is logged in needs no password."""

    token: MailedToken
    password: Password | None = None


class NewAddress(Form):
    """Where the person is reached and logs in from then on."""

    email: Email
    password: Annotated[str, Field(max_length=200)]


class MailedLink(Form):
    """The token of the link that was mailed."""

    token: MailedToken


@router.get("", summary="List who works in the account")
async def list_people(
    process: Process, caller: Account, limit: Limit = 50, after: After = None
) -> Page[Colleague]:
    """With their roles."""
    async with process.database.reading() as session:
        rows = await store.list_colleagues(
            session, caller.account_id, decode_cursor_part(after, UUID), limit + 1
        )

    def shown(row: models.Colleague) -> Colleague:
        return Colleague(id=row.person_id, email=row.email, role=row.role, since=row.since)

    return page_of(rows, limit, shown, lambda row: row.person_id)


@router.post(
    "",
    status_code=202,
    summary="Ask somebody in",
    openapi_extra=refuses("too_many_attempts"),
)
async def ask_in(request: Request, process: Process, caller: Owner, body: NewColleague) -> MailSent:
    """Sends a mail; its link makes the person a member. The answer is the same whatever exists."""
    await process.guessing.count(network_of(address_of(request)), f"mail {body.email}")
    async with process.database.transaction() as session:
        await colleagues.ask_in(
            session,
            process.outgoing,
            process.links,
            caller.account_id,
            UUID(caller.subject),
            (body.email, body.role, body.language),
        )
    return MailSent(email=body.email)


@router.post(
    "/join",
    status_code=201,
    summary="Work in an account, by the mailed link",
    openapi_extra=refuses(
        "not_found", "link_expired", "wrong_password", "wrong_account", "too_many_attempts", "busy"
    ),
)
async def join(
    caller: MaybeAccount, request: Request, response: Response, process: Process, body: Joining
) -> Session:
    """Sets a password, or asks for the one that the address has; a session in that account."""
    network = network_of(address_of(request))
    await process.guessing.count(network, body.token)
    person, account_id = await colleagues.join(
        process.database,
        process.passwords,
        body.token,
        body.password,
        caller.subject if caller else None,
        traceparent_of(request.headers),
    )
    await process.guessing.forgive(network, body.token)
    return await begin_session(process, request, response, person, account_id)


@router.patch(
    "/{person_id}",
    status_code=204,
    summary="Change what somebody may do",
    openapi_extra=refuses("last_owner"),
)
async def change_role(
    request: Request, process: Process, caller: Owner, person_id: UUID, body: RoleChange
) -> Response:
    """Their tokens are refused everywhere within a second; a new one has the new role."""
    async with process.database.transaction() as session:
        await colleagues.change_role(
            session, caller.account_id, person_id, body.role, traceparent_of(request.headers)
        )
    return Response(status_code=204)


@router.delete(
    "/{person_id}",
    status_code=204,
    summary="Let somebody go",
    openapi_extra=refuses("last_owner", "role_required"),
)
async def let_go(request: Request, process: Process, caller: Person, person_id: UUID) -> Response:
    """An owner lets anybody go, everybody themselves; one owner stays."""
    if caller.role != "owner" and caller.subject != str(person_id):
        raise Refused("role_required", role="owner")
    async with process.database.transaction() as session:
        await colleagues.let_go(
            session, caller.account_id, person_id, traceparent_of(request.headers)
        )
    return Response(status_code=204)


@router.post(
    "/me/email",
    status_code=202,
    summary="Change one's address",
    openapi_extra=refuses("wrong_password", "too_many_attempts", "busy"),
)
async def change_address(
    request: Request, process: Process, caller: Person, body: NewAddress
) -> MailSent:
    """Sends a mail to both; the link to the new one makes it the person's."""
    network = network_of(address_of(request))
    await process.guessing.count(network, caller.subject)
    await address_change.ask(
        process.database,
        process.passwords,
        process.outgoing,
        process.links,
        UUID(caller.subject),
        (body.email, body.password),
    )
    return MailSent(email=body.email)


@router.post(
    "/me/email/confirm",
    status_code=204,
    summary="Confirm the new address, by the mailed link",
    openapi_extra=refuses("not_found", "link_expired"),
)
async def confirm_address(_: Public, process: Process, body: MailedLink) -> Response:
    """From now on the person logs in with it."""
    async with process.database.transaction() as session:
        await address_change.confirm(session, process.outgoing, process.links, body.token)
    return Response(status_code=204)


@router.post(
    "/me/email/undo",
    status_code=204,
    summary="Undo a change of address, by the link to the old one",
    openapi_extra=refuses("not_found", "link_expired"),
)
async def undo_address(_: Public, request: Request, process: Process, body: MailedLink) -> Response:
    """All sessions end, and a new password has to be set by mail."""
    async with process.database.transaction() as session:
        await address_change.undo(session, body.token, traceparent_of(request.headers))
    return Response(status_code=204)
