"""API clients over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, field_serializer

from services.connections.dependencies import Process
from services.connections.machines import clients, models, store
from services.connections.people.http import Name
from shared.postgres.database import Session as DatabaseSession
from shared.telemetry import traceparent_of
from shared.web.access import Owner
from shared.web.auth import Scope
from shared.web.openapi import refuses
from shared.web.pagination import After, Limit, Page, decode_cursor_part, page_of
from shared.web.parameters import Form, only_known_parameters

router = APIRouter(
    prefix="/v1/api-clients", tags=["api clients"], dependencies=[only_known_parameters]
)


class NewApiClient(Form):
    """A machine, and what it may do."""

    name: Name
    # Twice is once.
    scopes: Annotated[
        set[Scope],
        Field(min_length=1, json_schema_extra=lambda schema: schema.pop("uniqueItems", None)),
    ]

    @field_serializer("scopes")
    def _in_order(self, scopes: set[Scope]) -> list[Scope]:
        """The same for the same scopes, in whatever process: it is compared."""
        return sorted(scopes)


class SecretOfClient(BaseModel):
    """A secret that is valid now; it was shown once."""

    id: UUID
    created_at: datetime


class NewSecret(BaseModel):
    """Shown once."""

    id: UUID
    secret: str


class ApiClient(BaseModel):
    """A machine of the account; its id is the `client_id`."""

    id: UUID
    name: str
    scopes: list[Scope]
    secrets: list[SecretOfClient]
    created_at: datetime


class MadeApiClient(BaseModel):
    """What `POST /oauth2/token` wants to see; the secret is shown once."""

    client_id: UUID
    client_secret: str
    secret_id: UUID
    scopes: list[Scope]


@router.post(
    "",
    status_code=201,
    summary="Make an API client",
    openapi_extra=refuses("too_many", "credential_revoked", idempotent=True),
)
async def create(
    request: Request, process: Process, caller: Owner, body: NewApiClient
) -> MadeApiClient:
    """By an owner of the account, to whom alone a repetition shows the secret again."""

    async def make(session: DatabaseSession) -> MadeApiClient:
        made, secret = await clients.create(
            session,
            caller.account_id,
            UUID(caller.subject),
            body.name,
            sorted(body.scopes),
            traceparent_of(request.headers),
        )
        return MadeApiClient(
            client_id=made.id,
            client_secret=secret.secret,
            secret_id=secret.id,
            scopes=sorted(body.scopes),
        )

    async def again(session: DatabaseSession, answer: MadeApiClient) -> None:
        await clients.require_valid(session, caller.account_id, answer.secret_id)

    # Of the account, which is how they are found when it is erased, and of the person.
    owner = f"{caller.account_id} {caller.subject}"
    return await process.idempotency_keys.run_once(request, owner, MadeApiClient, body, make, again)


@router.get("", summary="List the account's API clients, newest first")
async def list_clients(
    process: Process, caller: Owner, limit: Limit = 50, after: After = None
) -> Page[ApiClient]:
    """With the ids of their secrets."""
    async with process.database.reading() as session:
        rows = await store.list_clients(
            session, caller.account_id, decode_cursor_part(after, UUID), limit + 1
        )
        valid = await store.list_secrets(session, [row.id for row in rows])

    def shown(row: models.ApiClient) -> ApiClient:
        secrets = [
            SecretOfClient(id=secret.id, created_at=secret.created_at)
            for secret in valid
            if secret.client_id == row.id
        ]
        return ApiClient.model_validate(
            {
                "id": row.id,
                "name": row.name,
                "scopes": row.scopes,
                "secrets": secrets,
                "created_at": row.created_at,
            }
        )

    return page_of(rows, limit, shown, lambda row: row.id)


@router.post(
    "/{client_id}/secrets",
    status_code=201,
    summary="Add a second secret, for rotation",
    openapi_extra=refuses("too_many"),
)
async def add_secret(process: Process, caller: Owner, client_id: UUID) -> NewSecret:
    """Both are good until the old one is revoked."""
    async with process.database.transaction() as session:
        made = await clients.add_secret(session, caller.account_id, client_id)
    return NewSecret(id=made.id, secret=made.secret)


@router.delete("/{client_id}/secrets/{secret_id}", status_code=204, summary="Revoke a secret")
async def revoke_secret(
    request: Request, process: Process, caller: Owner, client_id: UUID, secret_id: UUID
) -> Response:
    """The client's tokens are refused everywhere within a second; it gets new ones by the other."""
    async with process.database.transaction() as session:
        await clients.revoke_secret(
            session, caller.account_id, client_id, secret_id, traceparent_of(request.headers)
        )
    return Response(status_code=204)


@router.delete("/{client_id}", status_code=204, summary="End an API client")
async def end(request: Request, process: Process, caller: Owner, client_id: UUID) -> Response:
    """Its tokens are refused everywhere within a second."""
    async with process.database.transaction() as session:
        await clients.end(session, caller.account_id, client_id, traceparent_of(request.headers))
    return Response(status_code=204)
