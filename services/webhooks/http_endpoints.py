"""Endpoints over HTTP: a brand makes its own; a connection's follow its settings."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from services.webhooks import store
from services.webhooks.brand_endpoints.changing import Changes, Wanted
from services.webhooks.dependencies import Process
from services.webhooks.url_test import Tested
from shared.egress.guard import AddressRefused
from shared.egress.masking import masked
from shared.egress.sealed_url import SealedUrl
from shared.failures import Refused
from shared.postgres.database import Session
from shared.runtime import Schema
from shared.web.access import Account
from shared.web.if_match import IfMatch
from shared.web.openapi import refuses
from shared.web.pagination import After, Limit, Page, decode_cursor_part, page_of
from shared.web.parameters import Form, only_known_parameters

# Of `OrderEventType`: who must stop is told by `order.unassigned`, and a brand never is.
BrandEventType = Literal["order.created", "order.updated", "order.cancelled", "order.returned"]
EVENT_TYPES: tuple[BrandEventType, ...] = get_args(BrandEventType)
_DAY_SECONDS = 86_400
_SUCCESS = range(200, 300)

Url = Annotated[str, Field(max_length=2_000, json_schema_extra={"format": "uri"})]
EventTypes = Annotated[list[BrandEventType], Field(min_length=1, max_length=len(EVENT_TYPES))]
StoreIds = Annotated[list[UUID], Field(min_length=1, max_length=200)]
Description = Annotated[str, Field(max_length=200)]

router = APIRouter(prefix="/v1/endpoints", tags=["endpoints"], dependencies=[only_known_parameters])


class Endpoint(BaseModel):
    """Where order events go, and whether anything is sent there.

    A connection's has `connection_id` and `store_id` and follows the connection's settings. A
    brand's has `event_types`, and a `version` for its changes.
    """

    id: UUID
    connection_id: UUID | None
    store_id: UUID | None
    url: str = Field(description="Masked: each value of the query and each token is `…`.")
    sends_to: UUID | None = Field(
        description="The endpoint whose URL and secrets are used instead, since a re-point."
    )
    state: Literal["enabled", "disabled"] = Field(
        description="`disabled`: the receiver answered 410; deliveries are parked."
    )
    disabled_reason: str | None
    paused_until: datetime | None = Field(
        description="The receiver asked to wait (`Retry-After`): nothing is sent before, unless "
        "the endpoint is enabled."
    )
    updated_at: datetime
    event_types: list[BrandEventType] | None = Field(
        description="Null: a connection's, which gets what a 3PL is told."
    )
    store_ids: list[UUID] | None = Field(description="Null: of all stores.")
    description: str | None
    version: int | None


class NewEndpoint(Form):
    """A receiver of the brand's regular order webhook."""

    url: Url
    event_types: EventTypes = Field(default_factory=lambda: list(EVENT_TYPES))
    store_ids: StoreIds | None = Field(default=None, description="Left out: of all stores.")
    description: Description | None = None


class MadeEndpoint(Endpoint):
    """With its signing secret, which is shown once."""

    secret: str


class EndpointPatch(Form):
    """What changes; `store_ids: null` is all stores again."""

    url: Url | None = None
    event_types: EventTypes | None = None
    store_ids: StoreIds | None = None
    description: Description | None = None


class Rotation(Form):
    """How long the secret of before signs too."""

    overlap_seconds: Annotated[int, Field(ge=0, le=7 * _DAY_SECONDS)] = _DAY_SECONDS


class RotatedSecret(BaseModel):
    """Shown once, to whoever has the `Idempotency-Key` again."""

    endpoint_id: UUID
    secret: str
    version: int


class UrlToTest(Form):
    """A webhook URL before it is saved."""

    url: Url


class TestedEndpoint(BaseModel):
    """What the receiver made of a `ping`."""

    ok: bool = Field(description="Whether a delivery so answered would count.")
    status: int | None
    error: str | None = Field(description="`address_refused`, `dns`, `tls`, `timeout`, …")
    response_head: str = Field(description="The receiver's text: show it as text only.")
    duration_ms: int
    webhook_id: UUID


class TestedUrl(TestedEndpoint):
    """What the receiver made of a `ping`; `secret` signed it and is good for nothing else."""

    secret: str


@router.get("", summary="List endpoints, newest first")
async def list_endpoints(
    caller: Account, database: Schema, limit: Limit = 50, after: After = None
) -> Page[Endpoint]:
    """A 3PL's are those of its connections, of URLs that are no longer set as well."""
    async with database.reading() as session:
        rows = await store.list_endpoints(
            session,
            caller.account_id,
            as_three_pl=caller.kind == "three_pl",
            after=decode_cursor_part(after, UUID),
            limit=limit + 1,
        )
    return page_of(rows, limit, present, lambda row: row.id)


@router.post(
    "",
    status_code=201,
    summary="Make an endpoint",
    openapi_extra=refuses("brand_only", "too_many", "credential_revoked", idempotent=True),
)
async def create_endpoint(
    request: Request, process: Process, caller: Account, body: NewEndpoint
) -> MadeEndpoint:
    """By a brand, ten at most. It is told of what happens from then on; nothing is sent back."""
    if caller.kind != "brand":
        raise Refused("brand_only")
    await _require_reachable(process, body.url)
    wanted = Wanted(_distinct(body.event_types), body.store_ids, body.description)

    async def create(session: Session) -> MadeEndpoint:
        made, secret = await process.brand_endpoints.create(
            session, caller.account_id, body.url, wanted
        )
        return MadeEndpoint(**present(made).model_dump(), secret=secret)

    async def again(session: Session, answer: MadeEndpoint) -> None:
        await _require_there(session, answer.id, caller.account_id)

    made = await process.idempotency_keys.run_once(
        request, str(caller.account_id), MadeEndpoint, body, create, again
    )
    await process.brand_endpoints.changed([made.id])
    return made


@router.post(
    "/test",
    summary="Send a ping to a URL before it is saved",
    openapi_extra=refuses("too_many_attempts"),
)
async def test_url(process: Process, caller: Account, body: UrlToTest) -> TestedUrl:
    """Through the guard of every delivery; ten a minute for an account."""
    tested, secret = await process.url_test.ping_url(caller.account_id, body.url)
    return TestedUrl(**_outcome(tested), secret=secret)


@router.get("/{endpoint_id}", summary="One endpoint")
async def get_endpoint(caller: Account, database: Schema, endpoint_id: UUID) -> Endpoint:
    """Of one's own connections, or made by oneself."""
    async with database.reading() as session:
        found = await store.get_endpoint(session, endpoint_id, caller.account_id)
    if found is None:
        raise Refused("not_found", what="endpoint")
    return present(found)


@router.patch(
    "/{endpoint_id}",
    summary="Change an endpoint",
    openapi_extra=refuses("version_conflict", "precondition_required", "follows_connection"),
)
async def change_endpoint(
    process: Process, caller: Account, endpoint_id: UUID, version: IfMatch, body: EndpointPatch
) -> Endpoint:
    """Needs `If-Match`. With another URL it is enabled, and what waits goes there, at once.

    Other types and stores count for events from then on; what is on its way stays so.
    """
    if version is None:
        raise Refused("precondition_required")
    if body.url is not None:
        await _require_reachable(process, body.url)
    sealer = process.brand_endpoints.sealer
    changes = Changes(
        url=None if body.url is None else SealedUrl.of(body.url, endpoint_id, sealer),
        event_types=None if body.event_types is None else _distinct(body.event_types),
        sets_stores="store_ids" in body.model_fields_set,
        store_ids=body.store_ids,
        sets_description="description" in body.model_fields_set,
        description=body.description,
    )
    async with process.database.transaction() as session:
        changed = await process.brand_endpoints.change(
            session, caller.account_id, endpoint_id, version, changes
        )
    await process.brand_endpoints.changed([endpoint_id])
    return present(changed)


@router.delete(
    "/{endpoint_id}",
    status_code=204,
    summary="Delete an endpoint",
    openapi_extra=refuses("follows_connection"),
)
async def delete_endpoint(process: Process, caller: Account, endpoint_id: UUID) -> None:
    """Deliveries that are not made yet are cancelled; those that were made stay to be seen."""
    async with process.database.transaction() as session:
        await process.brand_endpoints.delete(session, caller.account_id, endpoint_id)
    await process.brand_endpoints.changed([endpoint_id])


@router.post(
    "/{endpoint_id}/rotate-secret",
    status_code=201,
    summary="Rotate the signing secret",
    openapi_extra=refuses("follows_connection", "credential_revoked", idempotent=True),
)
async def rotate_secret(
    request: Request, process: Process, caller: Account, endpoint_id: UUID, body: Rotation
) -> RotatedSecret:
    """Until the overlap is over webhooks carry two signatures; a day unless it says otherwise."""

    async def create(session: Session) -> RotatedSecret:
        secret, version = await process.brand_endpoints.rotate(
            session, caller.account_id, endpoint_id, body.overlap_seconds
        )
        return RotatedSecret(endpoint_id=endpoint_id, secret=secret, version=version)

    async def again(session: Session, answer: RotatedSecret) -> None:
        await _require_there(session, answer.endpoint_id, caller.account_id)

    rotated = await process.idempotency_keys.run_once(
        request, str(caller.account_id), RotatedSecret, body, create, again
    )
    await process.brand_endpoints.changed([endpoint_id])
    return rotated


@router.post(
    "/{endpoint_id}/test",
    summary="Send a ping to an endpoint",
    openapi_extra=refuses("too_many_attempts"),
)
async def test_endpoint(process: Process, caller: Account, endpoint_id: UUID) -> TestedEndpoint:
    """To its URL, signed with its secret, whatever its state; answered at once, and not kept."""
    async with process.database.reading() as session:
        found = await store.get_endpoint(session, endpoint_id, caller.account_id)
    if found is not None:
        await process.endpoints.reload([endpoint_id])
    endpoint = process.endpoints.get(endpoint_id) if found is not None else None
    if endpoint is None:
        raise Refused("not_found", what="endpoint")
    return TestedEndpoint(**_outcome(await process.url_test.ping(caller.account_id, endpoint)))


@router.post("/{endpoint_id}/enable", summary="Send there again")
async def enable_endpoint(caller: Account, database: Schema, endpoint_id: UUID) -> Endpoint:
    """What was parked goes on, in order, with the attempts that are left; a pause ends."""
    async with database.transaction() as session:
        enabled = await store.enable_endpoint(session, endpoint_id, caller.account_id)
    if enabled is None:
        raise Refused("not_found", what="endpoint")
    return present(enabled)


def present(row: store.EndpointState) -> Endpoint:
    """An endpoint as its owner may see it."""
    # Masked again costs nothing, and one of before may not be masked yet.
    shown = replace(row, url=masked(row.url))
    endpoint = Endpoint.model_validate(shown, from_attributes=True)
    # A connection's version is that of the connection: nothing here is changed by it.
    return endpoint.model_copy(update={"version": None}) if row.connection_id else endpoint


def _outcome(tested: Tested) -> dict[str, Any]:
    answer = tested.answer
    return {
        "ok": answer.status is not None and answer.status in _SUCCESS,
        "status": answer.status,
        "error": answer.error,
        "response_head": answer.body.decode(errors="replace"),
        "duration_ms": round(tested.seconds * 1_000),
        "webhook_id": tested.webhook_id,
    }


def _distinct(types: list[BrandEventType]) -> list[BrandEventType]:
    return [one for one in EVENT_TYPES if one in types]


async def _require_reachable(process: Process, url: str) -> None:
    """Before the transaction: names are looked up."""
    try:
        await process.url_check.check(url)
    except AddressRefused as error:
        errors = [{"pointer": "/url", "message": str(error)}]
        raise Refused("validation_failed", errors=errors) from error


async def _require_there(session: Session, endpoint_id: UUID, account_id: UUID) -> None:
    if await store.get_endpoint(session, endpoint_id, account_id) is None:
        raise Refused("credential_revoked")
