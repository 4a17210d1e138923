"""Stores and their credentials over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, BaseModel, Field, ValidationInfo, field_validator

from services.catalog import PLATFORM_NAMES
from services.connections.dependencies import Process, TracedCaller
from services.connections.stores import credentials, platforms, registry, store
from shared.postgres.database import Session
from shared.web.access import Account

Platform = Annotated[
    str,
    AfterValidator(platforms.known_platform),
    Field(description=f"One of: {', '.join(PLATFORM_NAMES)}."),
]
CredentialKind = Annotated[
    str,
    AfterValidator(platforms.known_kind),
    Field(description=f"One of: {', '.join(platforms.CREDENTIAL_KINDS)}."),
]

router = APIRouter(prefix="/v1/stores", tags=["stores"])


class StoreOfBrand(BaseModel):
    """One sales channel of a brand."""

    id: UUID
    platform: str
    domain: str


class CredentialRequest(BaseModel):
    """`api_key` makes a key for the generic order API; a platform keeps the secret of its app.

    The platform signs its webhooks with that secret.
    """

    kind: CredentialKind
    secret: Annotated[str, Field(min_length=8, max_length=500)] | None = Field(
        default=None, validate_default=True
    )

    @field_validator("secret")
    @classmethod
    def _fits_the_kind(cls, secret: str | None, info: ValidationInfo) -> str | None:
        # A kind that is wrong itself is not there, and is what the caller is told of.
        kind = info.data.get("kind")
        return secret if kind is None else platforms.fitting_secret(kind, secret)


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


@router.get("/{store_id}", summary="One store")
async def get_store(process: Process, caller: Account, store_id: UUID) -> StoreDetail:
    """For its brand and the 3PLs connected to it."""
    async with process.database.session() as session:
        found = (await registry.visible_store(session, store_id, caller.account_id)).store
        valid = await store.list_credentials(session, store_id)
    return StoreDetail(
        id=found.id,
        platform=found.platform,
        domain=found.domain,
        brand_id=found.brand_id,
        created_at=found.created_at,
        credentials=[
            ListedCredential(
                id=listed.credential.id, kind=listed.credential.kind, created_at=listed.created_at
            )
            for listed in valid
        ],
    )


@router.post(
    "/{store_id}/credentials",
    status_code=201,
    summary="Add a credential; two may be valid at once, for rotation",
)
async def create_credential(
    request: Request,
    process: Process,
    caller: TracedCaller,
    store_id: UUID,
    body: CredentialRequest,
) -> NewCredential:
    """By the brand, or by its 3PL until the brand's first login."""

    async def create(session: Session) -> NewCredential:
        made, key = await credentials.add_credential(
            session, store_id, body.kind, body.secret, caller, process.sealer
        )
        return NewCredential(id=made.id, kind=made.kind, secret=key)

    return await process.idempotency_keys.run_once(
        request, str(caller.account_id), NewCredential, body, create
    )


@router.delete(
    "/{store_id}/credentials/{credential_id}",
    status_code=204,
    summary="Revoke a credential",
)
async def revoke_credential(
    process: Process, caller: TracedCaller, store_id: UUID, credential_id: UUID
) -> Response:
    """Requests that use it are refused as soon as ingest has heard, within a second."""
    async with process.database.transaction() as session:
        await credentials.revoke_credential(session, store_id, credential_id, caller)
    return Response(status_code=204)
