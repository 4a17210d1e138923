"""The brands of a 3PL over HTTP: the form, the list, and the link to share."""

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from services.connections.acceptance import asking
from services.connections.accounts import registry as accounts
from services.connections.brands import changing, models, onboarding, store
from services.connections.brands.http_form import (
    BrandPatch,
    Contact,
    NewBrand,
    Warehouse,
    changes_of,
    form_of,
)
from services.connections.brands.onboarding import IssuedLink
from services.connections.connection.models import Connection
from services.connections.dependencies import Process, TracedCaller
from services.connections.stores.http import StoreOfBrand
from shared.contracts.connections_changed import ConnectionState
from shared.failures import Refused
from shared.postgres.database import Session as DatabaseSession
from shared.web.access import Account
from shared.web.if_match import IfMatch
from shared.web.openapi import refuses
from shared.web.pagination import After, Limit, Page, decode_cursor_part, page_of
from shared.web.parameters import Form, only_known_parameters

router = APIRouter(dependencies=[only_known_parameters])


class NewConnection(BaseModel):
    """The connection that a form began."""

    id: UUID
    state: ConnectionState
    version: int


class LoginLink(BaseModel):
    """To share with the client: it shows who asks for what and sends the mail that accepts.

    Shown once, good for 48 hours or until a newer one.
    """

    url: str
    token: str
    expires_at: datetime


class AddedBrand(BaseModel):
    """The claim: a brand, its store, the pending connection and the link to share."""

    id: UUID
    company_name: str
    contact: Contact
    store: StoreOfBrand
    connection: NewConnection
    login_link: LoginLink


class Brand(BaseModel):
    """A brand as its 3PL sees it; `account_id` once it has accepted."""

    id: UUID
    account_id: UUID | None
    version: int
    company_name: str
    contact: Contact
    warehouse: Warehouse | None
    monthly_order_range: str | None
    priorities: list[str]
    priorities_note: str | None
    has_accepted: bool
    created_at: datetime


class LinkRequest(Form):
    """Which store's connection, when several are pending; the newest one otherwise."""

    store_id: UUID | None = None


def _link(process: Process, issued: IssuedLink) -> LoginLink:
    return LoginLink(
        url=process.links.page(f"login#token={issued.token}"),
        token=issued.token,
        expires_at=issued.expires_at,
    )


def _added(body: NewBrand, connection: Connection, login_link: LoginLink) -> AddedBrand:
    return AddedBrand(
        id=connection.brand_id,
        company_name=body.company_name,
        contact=Contact.model_validate(body.contact.model_dump()),
        store=StoreOfBrand(
            id=connection.store_id,
            platform=connection.platform,
            domain=connection.domain,
            proven=connection.is_proven,
        ),
        connection=NewConnection(
            id=connection.id, state=connection.state, version=connection.version
        ),
        login_link=login_link,
    )


@router.post(
    "/v1/brands",
    status_code=201,
    tags=["brands"],
    summary="Add a brand",
    openapi_extra=refuses(
        "three_pl_only",
        "plan_required",
        "already_connected",
        idempotent=True,
    ),
)
async def add_brand(
    request: Request, process: Process, caller: TracedCaller, body: NewBrand
) -> AddedBrand:
    """A claim: seen by this 3PL alone until the client accepts, whatever exists already."""

    async def create(session: DatabaseSession) -> AddedBrand:
        connection, issued = await onboarding.add_brand(
            session, form_of(body), caller, process.link_lifetime
        )
        if body.send_mail:
            await asking.send_mail(session, process.outgoing, process.links, connection)
        return _added(body, connection, _link(process, issued))

    async def again(session: DatabaseSession, _: AddedBrand) -> None:
        await accounts.require_three_pl(session, caller.account_id)

    return await process.idempotency_keys.run_once(
        request, str(caller.account_id), AddedBrand, body, create, again
    )


def _brand(brand: models.Brand) -> Brand:
    profile = brand.profile
    return Brand(
        id=profile.id,
        account_id=profile.account_id if brand.has_accepted else None,
        version=profile.version,
        company_name=profile.company_name,
        contact=Contact(
            name=profile.contact_name,
            email=profile.contact_email,
            phone=profile.contact_phone,
            language=profile.language,
        ),
        warehouse=profile.warehouse and Warehouse(**asdict(profile.warehouse)),
        monthly_order_range=profile.monthly_order_range,
        priorities=list(profile.priorities),
        priorities_note=profile.priorities_note,
        has_accepted=brand.has_accepted,
        created_at=brand.created_at,
    )


@router.get("/v1/brands", tags=["brands"], summary="List the 3PL's brands, newest first")
async def list_brands(
    process: Process, caller: Account, limit: Limit = 50, after: After = None
) -> Page[Brand]:
    """The brands that the calling 3PL added."""
    async with process.database.reading() as session:
        rows = await store.list_brands(
            session, caller.account_id, decode_cursor_part(after, UUID), limit + 1
        )
    return page_of(rows, limit, _brand, lambda row: row.profile.id)


@router.get("/v1/brands/{brand_id}", tags=["brands"], summary="One brand")
async def get_brand(response: Response, process: Process, caller: Account, brand_id: UUID) -> Brand:
    """404 unless the calling 3PL added it; the version is also the `ETag`."""
    async with process.database.reading() as session:
        found = await store.get_brand(session, caller.account_id, brand_id)
    if found is None:
        raise Refused("not_found", what="brand")
    response.headers["ETag"] = f'"{found.profile.version}"'
    return _brand(found)


@router.patch(
    "/v1/brands/{brand_id}",
    tags=["brands"],
    summary="Change what the form says",
    openapi_extra=refuses("precondition_required", "version_conflict", "brand_accepted"),
)
async def change_brand(
    response: Response,
    process: Process,
    caller: TracedCaller,
    brand_id: UUID,
    version: IfMatch,
    body: BrandPatch,
) -> Brand:
    """Needs `If-Match`. Another e-mail of the contact: links that were mailed before die."""
    if version is None:
        raise Refused("precondition_required")
    async with process.database.transaction() as session:
        changed = await changing.change_brand(
            session, caller.account_id, brand_id, changes_of(body), version
        )
    response.headers["ETag"] = f'"{changed.profile.version}"'
    return _brand(changed)


@router.post(
    "/v1/brands/{brand_id}/login-link",
    status_code=201,
    tags=["brands"],
    summary="Issue a new login link; the old one dies",
    openapi_extra=refuses("three_pl_only", "nothing_pending"),
)
async def reissue_link(
    process: Process,
    caller: TracedCaller,
    brand_id: UUID,
    body: LinkRequest | None = None,
) -> LoginLink:
    """For a brand that has not accepted yet."""
    async with process.database.transaction() as session:
        issued = await onboarding.reissue_link(
            session, brand_id, body.store_id if body else None, caller, process.link_lifetime
        )
    return _link(process, issued)
