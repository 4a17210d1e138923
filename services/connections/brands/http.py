"""Brands, their first login, and the credentials of their stores."""

from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, BaseModel, Field

from services.connections import addresses, brands, credentials, store
from services.connections.brands import BrandForm, IssuedLink
from services.connections.dependencies import CallerOf, Parts, PartsOf, caller_of
from services.connections.http_accounts import Email, Name, Password, Session, session_of
from shared.contracts.connections_changed import ConnectionState
from shared.contracts.fields import PRINTABLE
from shared.failures import Refused
from shared.postgres.database import Session as DatabaseSession
from shared.telemetry import traceparent_of
from shared.web.access import Public
from shared.web.pagination import After, Limit, Page, decode_cursor_part, page_of

Platform = Literal["shopify", "woocommerce", "custom"]
StoreUrl = Annotated[str, Field(max_length=500), AfterValidator(addresses.normalise_domain)]
ShortText = Annotated[str, Field(max_length=200, pattern=PRINTABLE)]

router = APIRouter()


class Contact(BaseModel):
    """Whom the 3PL talks to at the brand; the e-mail becomes the brand's log-in."""

    name: Name
    email: Email


class NewBrand(BaseModel):
    """The Add Brand form."""

    contact: Contact
    company_name: Name
    store_url: StoreUrl
    platform: Platform = "custom"
    warehouse: ShortText | None = None
    monthly_order_range: ShortText | None = None
    priorities: list[ShortText] = Field(default_factory=list, max_length=20)


class StoreOfBrand(BaseModel):
    """One sales channel of a brand."""

    id: UUID
    platform: str
    domain: str


class NewConnection(BaseModel):
    """The connection that adding a brand began."""

    id: UUID
    state: ConnectionState
    version: int


class LoginLink(BaseModel):
    """For the brand's first login; shown once, good once, for 48 hours."""

    url: str
    token: str
    expires_at: datetime


class AddedBrand(BaseModel):
    """The brand, its store, the pending connection and the link to share with the client."""

    id: UUID
    company_name: str
    contact: Contact
    store: StoreOfBrand
    connection: NewConnection
    login_link: LoginLink


class Brand(BaseModel):
    """A brand as its 3PL sees it."""

    id: UUID
    company_name: str
    contact: Contact
    warehouse: str | None
    monthly_order_range: str | None
    priorities: list[str]
    logged_in: bool
    created_at: datetime


class LinkRequest(BaseModel):
    """Which store's connection, when several are pending; the newest one otherwise."""

    store_id: UUID | None = None


class Redeem(BaseModel):
    """The first login sets the password; later ones have to know it."""

    token: Annotated[str, Field(max_length=200)]
    password: Password


class ApiKeyRequest(BaseModel):
    """Make an API key for the generic order API."""

    kind: Literal["api_key"]


class ShopifyRequest(BaseModel):
    """Keep the client secret of the store's Shopify app, which signs its webhooks."""

    kind: Literal["shopify"]
    secret: Annotated[str, Field(min_length=8, max_length=500)]


class NewCredential(BaseModel):
    """`secret` is the API key, shown once; absent for secrets that the platform gave."""

    id: UUID
    kind: str
    secret: str | None = None


class ListedCredential(BaseModel):
    """A credential that is valid now."""

    id: UUID
    kind: str
    created_at: datetime


class StoreDetail(StoreOfBrand):
    """A store and the credentials that are valid now."""

    brand_id: UUID
    credentials: list[ListedCredential]
    created_at: datetime


def _link(parts: Parts, issued: IssuedLink) -> LoginLink:
    base = parts.settings.connections_public_url.rstrip("/")
    return LoginLink(
        url=f"{base}/login?token={issued.token}", token=issued.token, expires_at=issued.expires_at
    )


def _lifetime(parts: Parts) -> timedelta:
    return timedelta(hours=parts.settings.connections_login_link_hours)


@router.post("/v1/brands", status_code=201, tags=["brands"], summary="Add a brand")
async def add_brand(
    request: Request, parts: PartsOf, principal: CallerOf, body: NewBrand
) -> AddedBrand:
    """The brand account (made or found), its store, a pending connection and a login link."""
    form = BrandForm(
        contact_name=body.contact.name,
        contact_email=body.contact.email,
        company_name=body.company_name,
        platform=body.platform,
        domain=body.store_url,
        warehouse=body.warehouse,
        monthly_order_range=body.monthly_order_range,
        priorities=body.priorities,
    )

    async def create(session: DatabaseSession) -> AddedBrand:
        connection, issued = await brands.add_brand(
            session, form, caller_of(principal, request), _lifetime(parts)
        )
        return AddedBrand(
            id=connection.brand_id,
            company_name=body.company_name,
            contact=body.contact,
            store=StoreOfBrand(
                id=connection.store_id, platform=connection.platform, domain=connection.domain
            ),
            connection=NewConnection(
                id=connection.id, state=connection.state, version=connection.version
            ),
            login_link=_link(parts, issued),
        )

    return await parts.once.run_once(request, str(principal.account_id), AddedBrand, body, create)


def _brand(listed: store.ListedBrand) -> Brand:
    profile = listed.profile
    return Brand(
        id=profile.brand_id,
        company_name=profile.company_name,
        contact=Contact(name=profile.contact_name, email=profile.contact_email),
        warehouse=profile.warehouse,
        monthly_order_range=profile.monthly_order_range,
        priorities=list(profile.priorities),
        logged_in=listed.logged_in,
        created_at=listed.created_at,
    )


@router.get("/v1/brands", tags=["brands"], summary="List the 3PL's brands, newest first")
async def list_brands(
    parts: PartsOf, principal: CallerOf, limit: Limit = 50, after: After = None
) -> Page[Brand]:
    """The brands that the calling 3PL added."""
    async with parts.database.session() as session:
        rows = await store.brand_profiles(
            session, principal.account_id, decode_cursor_part(after, UUID), limit + 1
        )
    return page_of(rows, limit, _brand, lambda row: row.profile.brand_id)


@router.get("/v1/brands/{brand_id}", tags=["brands"], summary="One brand")
async def get_brand(parts: PartsOf, principal: CallerOf, brand_id: UUID) -> Brand:
    """404 unless the calling 3PL added it."""
    async with parts.database.session() as session:
        found = await store.brand_profile(session, principal.account_id, brand_id)
    if found is None:
        raise Refused("not_found", what="brand")
    return _brand(found)


@router.post(
    "/v1/brands/{brand_id}/login-link",
    status_code=201,
    tags=["brands"],
    summary="Issue a new login link; the old one dies",
)
async def reissue_link(
    request: Request,
    parts: PartsOf,
    principal: CallerOf,
    brand_id: UUID,
    body: LinkRequest | None = None,
) -> LoginLink:
    """For a brand that has not logged in yet."""
    async with parts.database.transaction() as session:
        issued = await brands.reissue_link(
            session,
            brand_id,
            body.store_id if body else None,
            caller_of(principal, request),
            _lifetime(parts),
        )
    return _link(parts, issued)


@router.post("/v1/login-links/redeem", tags=["brands"], summary="The brand's first login")
async def redeem(_: Public, request: Request, parts: PartsOf, body: Redeem) -> Session:
    """Sets the password and lets the connection be switched on; again it is a plain login."""
    account = await brands.redeem(
        parts.database,
        parts.passwords,
        body.token,
        body.password,
        traceparent_of(request.headers),
    )
    return session_of(parts, account)


@router.get("/v1/stores/{store_id}", tags=["stores"], summary="One store")
async def get_store(parts: PartsOf, principal: CallerOf, store_id: UUID) -> StoreDetail:
    """For its brand and the 3PLs connected to it."""
    async with parts.database.session() as session:
        found = await credentials.visible(session, store_id, principal.account_id)
        valid = await store.credentials(session, store_id)
    return StoreDetail(
        id=found.id,
        platform=found.platform,
        domain=found.domain,
        brand_id=found.brand_id,
        created_at=found.created_at,
        credentials=[
            ListedCredential(
                id=each.credential.id, kind=each.credential.kind, created_at=each.created_at
            )
            for each in valid
        ],
    )


@router.post(
    "/v1/stores/{store_id}/credentials",
    status_code=201,
    tags=["stores"],
    summary="Add a credential; two may be valid at once, for rotation",
)
async def create_credential(
    request: Request,
    parts: PartsOf,
    principal: CallerOf,
    store_id: UUID,
    body: Annotated[ApiKeyRequest | ShopifyRequest, Field(discriminator="kind")],
) -> NewCredential:
    """By the brand, or by its 3PL until the brand's first login."""

    async def create(session: DatabaseSession) -> NewCredential:
        made, key = await credentials.create(
            session,
            store_id,
            body.kind,
            body.secret if isinstance(body, ShopifyRequest) else None,
            caller_of(principal, request),
            parts.sealer,
        )
        return NewCredential(id=made.id, kind=made.kind, secret=key)

    return await parts.once.run_once(
        request, str(principal.account_id), NewCredential, body, create
    )


@router.delete(
    "/v1/stores/{store_id}/credentials/{credential_id}",
    status_code=204,
    tags=["stores"],
    summary="Revoke a credential",
)
async def revoke_credential(
    request: Request, parts: PartsOf, principal: CallerOf, store_id: UUID, credential_id: UUID
) -> Response:
    """Requests that use it are refused as soon as ingest has heard, within a second."""
    async with parts.database.transaction() as session:
        await credentials.revoke(session, store_id, credential_id, caller_of(principal, request))
    return Response(status_code=204)
