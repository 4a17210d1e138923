"""What a client does with a 3PL's links over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from services.connections.acceptance import acceptance, asking, opting_out
from services.connections.acceptance.acceptance import Wish
from services.connections.acceptance.models import Asked, hinted
from services.connections.accounts import tokens
from services.connections.brands.http import NewConnection
from services.connections.dependencies import Process
from services.connections.people.http import MailedToken, Password
from services.connections.sessions.http import Session, begin_session
from services.connections.stores.http import StoreOfBrand
from shared.contracts.connections_changed import Party
from shared.telemetry import traceparent_of
from shared.web.access import MaybeAccount, Public
from shared.web.networks import address_of, network_of
from shared.web.openapi import refuses
from shared.web.parameters import Form, only_known_parameters

router = APIRouter(tags=["acceptance"], dependencies=[only_known_parameters])


class SharedLink(Form):
    """The token of the link that the 3PL shared."""

    token: Annotated[str, Field(max_length=200)]


class MailedLink(Form):
    """The token of the link that was mailed."""

    token: MailedToken


class Terms(BaseModel):
    """Who manages what from the start; each party may change it later, for new orders."""

    version: int
    shipping_rules_owner: Party
    billing_owner: Party
    support_owner: Party


class Shop(BaseModel):
    """The store that it is about."""

    platform: str
    domain: str


class Question(BaseModel):
    """Who asks for what; the mail that accepts is on its way to `mailed_to`."""

    three_pl: str
    company_name: str
    store: Shop
    settings: Terms
    mailed_to: str = Field(description="The address of the contact, all but hidden.")
    expires_at: datetime


class ClaimedKey(BaseModel):
    """A key that the 3PL made for the store; it dies unless it is adopted."""

    id: UUID
    kind: str
    created_at: datetime


class Offer(Question):
    """The same for who reads the mail: what can be adopted, and what is to be shown."""

    three_pl_id: UUID
    credentials: list[ClaimedKey]
    has_password: bool = Field(description="Whether the address has a password to log in with.")


class NewAcceptance(Form):
    """Accepting what was shown; a person that is logged in needs no password."""

    token: MailedToken
    settings_version: int = Field(ge=1, description="What was shown: `settings.version`.")
    password: Password | None = None
    account_id: UUID | None = Field(
        default=None, description="Which of several brand accounts; the first one otherwise."
    )
    adopted_credentials: list[UUID] = Field(
        default_factory=list,
        max_length=20,
        description="Keys that the 3PL made for the store and that the brand keeps; others die.",
    )


class Acceptance(Session):
    """A session in the brand's account, and the connection that can be switched on."""

    connection: NewConnection
    store: StoreOfBrand


def _question(asked: Asked) -> Question:
    connection = asked.connection
    return Question(
        three_pl=connection.three_pl_name,
        company_name=asked.profile.company_name,
        store=Shop(platform=connection.platform, domain=connection.domain),
        settings=Terms(
            version=connection.settings_version,
            shipping_rules_owner=connection.shipping_rules_owner,
            billing_owner=connection.billing_owner,
            support_owner=connection.support_owner,
        ),
        mailed_to=hinted(asked.profile.contact_email),
        expires_at=asked.expires_at,
    )


@router.post(
    "/v1/login-links/open",
    summary="Open the link that a 3PL shared",
    openapi_extra=refuses("not_found", "login_link_expired", "too_many_attempts"),
)
async def open_login_link(
    _: Public, request: Request, process: Process, body: SharedLink
) -> Question:
    """Shows who asks for what, and sends the mail that accepts; it changes nothing."""
    network, target = network_of(address_of(request)), tokens.digest(body.token)
    await process.guessing.count(network, f"mail {target}")
    async with process.database.transaction() as session:
        asked = await asking.open_link(session, process.outgoing, process.links, body.token)
    return _question(asked)


@router.post(
    "/v1/login-links/renew",
    status_code=204,
    summary="Ask the 3PL for a new link",
    openapi_extra=refuses("not_found", "too_many_attempts"),
)
async def ask_for_new_link(
    _: Public, request: Request, process: Process, body: SharedLink
) -> Response:
    """For a client whose link is over: its owners get a mail, once for each link."""
    network, target = network_of(address_of(request)), tokens.digest(body.token)
    await process.guessing.count(network, f"mail {target}")
    async with process.database.transaction() as session:
        await asking.ask_for_new_link(session, process.outgoing, process.links, body.token)
    return Response(status_code=204)


@router.post(
    "/v1/acceptances/preview",
    summary="What the mailed link is about",
    openapi_extra=refuses("not_found", "link_expired"),
)
async def preview(_: Public, process: Process, body: MailedLink) -> Offer:
    """Changes nothing, however often."""
    async with process.database.reading() as session:
        asked = await acceptance.preview(session, body.token)
    return Offer(
        **_question(asked).model_dump(),
        three_pl_id=asked.connection.three_pl_id,
        credentials=[
            ClaimedKey(id=key.id, kind=key.kind, created_at=key.created_at) for key in asked.keys
        ],
        has_password=asked.has_password,
    )


@router.post(
    "/v1/acceptances",
    status_code=201,
    summary="Accept, by the mailed link",
    openapi_extra=refuses(
        "not_found",
        "link_expired",
        "wrong_password",
        "wrong_account",
        "terms_changed",
        "already_connected",
        "three_pl_blocked",
        "too_many_attempts",
        "busy",
    ),
)
async def accept(
    caller: MaybeAccount,
    request: Request,
    response: Response,
    process: Process,
    body: NewAcceptance,
) -> Acceptance:
    """The connection becomes `inactive`: it can be switched on. Again it is the same answer."""
    network, target = network_of(address_of(request)), tokens.digest(body.token)
    await process.guessing.count(network, target)
    wish = Wish(
        token=body.token,
        settings_version=body.settings_version,
        password=body.password,
        subject=caller.subject if caller else None,
        account_id=body.account_id,
        adopted=body.adopted_credentials,
    )
    accepted = await acceptance.accept(
        process.database, process.passwords, process.outgoing, wish, traceparent_of(request.headers)
    )
    await process.guessing.forgive(network, target)
    connection = accepted.connection
    session = await begin_session(process, request, response, accepted.person, connection.brand_id)
    return Acceptance(
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


@router.post(
    "/v1/mail-opt-outs",
    status_code=204,
    summary="No more mails from this sender, by the mailed link",
    openapi_extra=refuses("not_found", "link_expired"),
)
async def stop_mail(_: Public, process: Process, body: MailedLink) -> Response:
    """Mails that the account in question causes are no longer sent to this address."""
    async with process.database.transaction() as session:
        await opting_out.opt_out(session, body.token)
    return Response(status_code=204)
