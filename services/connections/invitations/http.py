"""Invitations over HTTP."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, BaseModel, Field

from services.connections.brands.http import NewConnection
from services.connections.dependencies import Process
from services.connections.invitations import inviting, models, own_words, store, taking_up
from services.connections.invitations.models import InvitationState
from services.connections.invitations.store import NewInvitation
from services.connections.invitations.taking_up import Wish
from services.connections.mail.kinds import Language
from services.connections.people.http import MailedToken, Name, Password
from services.connections.sessions.http import Email, Session, begin_session
from services.connections.stores.http import StoreOfBrand
from shared.failures import Refused
from shared.postgres.database import Session as DatabaseSession
from shared.telemetry import traceparent_of
from shared.web.access import Account, MaybeAccount, Public
from shared.web.auth import Principal
from shared.web.networks import address_of, network_of
from shared.web.openapi import refuses
from shared.web.pagination import After, Limit, Page, decode_cursor_part, page_of
from shared.web.parameters import Form, only_known_parameters

OwnWords = Annotated[str, Field(max_length=own_words.MOST_LETTERS), AfterValidator(own_words.plain)]

router = APIRouter(
    prefix="/v1/invitations", tags=["invitations"], dependencies=[only_known_parameters]
)


class InvitationForm(Form):
    """Whom the brand invites, to which of its stores; its own words are text without links."""

    email: Email
    store_id: UUID
    own_words: OwnWords = ""
    language: Language = "en"


class Invitation(BaseModel):
    """An invitation as its brand sees it; `connection_id` once it was taken up."""

    id: UUID
    email: str
    store_id: UUID
    own_words: str
    state: InvitationState
    connection_id: UUID | None
    created_at: datetime
    expires_at: datetime


class InvitationToken(Form):
    """The token of the link that was mailed."""

    token: MailedToken


class Offer(BaseModel):
    """What the link's page shows."""

    brand: str
    domain: str
    platform: str
    own_words: str
    has_password: bool = Field(description="Whether the address has a password to log in with.")
    expires_at: datetime


class TakingUp(Form):
    """Taking it up; a person that is logged in needs no password, who has a 3PL no name."""

    token: MailedToken
    password: Password | None = None
    name: Name | None = Field(default=None, description="Of the 3PL account that it makes.")
    account_id: UUID | None = Field(default=None, description="Which of several 3PL accounts.")


class TakenUp(Session):
    """A session in the 3PL's account, and the connection that can be switched on."""

    connection: NewConnection
    store: StoreOfBrand


def _shown(found: models.Invitation) -> Invitation:
    return Invitation(
        id=found.id,
        email=found.email,
        store_id=found.store_id,
        own_words=found.own_words,
        state=found.state(datetime.now(UTC)),
        connection_id=found.connection_id,
        created_at=found.created_at,
        expires_at=found.expires_at,
    )


def _person(caller: Principal) -> UUID:
    """Mails in somebody's name need somebody.

    Raises:
        Refused: `role_required` for a machine.
    """
    if caller.scopes is not None:
        raise Refused("role_required", role="operator")
    return UUID(caller.subject)


@router.post(
    "",
    status_code=201,
    summary="Invite a 3PL",
    openapi_extra=refuses("brand_only", "not_found", "too_many", idempotent=True),
)
async def invite(
    request: Request, process: Process, caller: Account, body: InvitationForm
) -> Invitation:
    """By a brand, for one of its stores; the mail is on its way."""
    new = NewInvitation(
        brand_id=caller.account_id,
        store_id=body.store_id,
        email=body.email,
        own_words=body.own_words,
        language=body.language,
        created_by=_person(caller),
    )

    async def create(session: DatabaseSession) -> Invitation:
        return _shown(await inviting.invite(session, process.outgoing, process.links, new))

    async def again(_session: DatabaseSession, _answer: Invitation) -> None:
        """The brand may invite once more, and does not."""

    return await process.idempotency_keys.run_once(
        request, str(caller.account_id), Invitation, body, create, again
    )


@router.get("", summary="List the brand's invitations, newest first")
async def list_invitations(
    process: Process, caller: Account, limit: Limit = 50, after: After = None
) -> Page[Invitation]:
    """With how each stands."""
    async with process.database.reading() as session:
        rows = await store.list_invitations(
            session, caller.account_id, decode_cursor_part(after, UUID), limit + 1
        )
    return page_of(rows, limit, _shown, lambda row: row.id)


@router.post(
    "/{invitation_id}/resend",
    summary="Mail it again; the old link dies",
    openapi_extra=refuses("invalid_transition", "too_many"),
)
async def resend(process: Process, caller: Account, invitation_id: UUID) -> Invitation:
    """Also once it has expired."""
    async with process.database.transaction() as session:
        again = await inviting.mail_again(
            session, process.outgoing, process.links, invitation_id, caller.account_id
        )
    return _shown(again)


@router.delete(
    "/{invitation_id}",
    status_code=204,
    summary="Withdraw an invitation",
    openapi_extra=refuses("invalid_transition"),
)
async def withdraw(process: Process, caller: Account, invitation_id: UUID) -> Response:
    """Its link is over."""
    async with process.database.transaction() as session:
        await inviting.withdraw(session, invitation_id, caller.account_id)
    return Response(status_code=204)


@router.post(
    "/preview",
    summary="What the mailed link is about",
    openapi_extra=refuses("not_found", "link_expired"),
)
async def preview(_: Public, process: Process, body: InvitationToken) -> Offer:
    """Changes nothing, however often."""
    async with process.database.reading() as session:
        offered = await taking_up.preview(session, body.token)
    return Offer(
        brand=offered.store.brand_name,
        domain=offered.store.domain,
        platform=offered.store.platform,
        own_words=offered.invitation.own_words,
        has_password=offered.has_password,
        expires_at=offered.invitation.expires_at,
    )


@router.post(
    "/accept",
    status_code=201,
    summary="Take it up, by the mailed link",
    openapi_extra=refuses(
        "not_found",
        "link_expired",
        "wrong_password",
        "wrong_account",
        "already_connected",
        "three_pl_blocked",
        "too_many_attempts",
        "busy",
    ),
)
async def accept(
    caller: MaybeAccount, request: Request, response: Response, process: Process, body: TakingUp
) -> TakenUp:
    """The connection is `inactive`: it can be switched on, on plan `conquer`."""
    network = network_of(address_of(request))
    await process.guessing.count(network, body.token)
    wish = Wish(
        body.token, body.password, caller.subject if caller else None, body.name, body.account_id
    )
    taken = await taking_up.accept(
        process.database, process.passwords, wish, traceparent_of(request.headers)
    )
    await process.guessing.forgive(network, body.token)
    connection = taken.connection
    session = await begin_session(process, request, response, taken.person, connection.three_pl_id)
    return TakenUp(
        **session.model_dump(),
        connection=NewConnection(
            id=connection.id, state=connection.state, version=connection.version
        ),
        store=StoreOfBrand(
            id=connection.store_id,
            platform=connection.platform,
            domain=connection.domain,
            proven=connection.is_proven,
        ),
    )
