"""Labels over HTTP: asked for, one or many, looked at, printed, given back."""

import asyncio
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field, field_validator

from services.fulfilment.carriers.port import DocumentFormat
from services.fulfilment.labels import store
from services.fulfilment.labels.asking import ask_back, ask_for_labels
from services.fulfilment.labels.dependencies import Desk
from services.fulfilment.labels.label import Outcome, State
from services.fulfilment.labels.printing import joined
from services.fulfilment.shipments.http_bodies import (
    ShipmentState,
    ShipResults,
    Versioned,
    outcome_of,
    state_of,
)
from services.fulfilment.shipments.shipment import MOST_PARCELS
from shared.failures import Refused
from shared.postgres.database import Session
from shared.runtime import Schema
from shared.web.access import Account
from shared.web.openapi import refuses
from shared.web.parameters import Form, only_known_parameters

_MOST_AT_ONCE = 100
_MOST_PRINTED_BYTES = 64 * 1024 * 1024
_TYPES = {"pdf": "application/pdf", "png": "image/png", "zpl": "text/plain; charset=utf-8"}
_OF_LABELS = (
    "not_found", "not_owner", "version_conflict", "invalid_transition", "label_under_way",
)  # fmt: skip


class LabelBody(Versioned):
    """The version of the shipment that the caller saw."""


class LabelOne(LabelBody):
    """One of many."""

    shipment_id: UUID


class LabelMany(Form):
    """Up to 100 shipments that are to have labels, each by itself."""

    shipments: list[LabelOne] = Field(min_length=1, max_length=_MOST_AT_ONCE)

    @field_validator("shipments")
    @classmethod
    def _once_each(cls, shipments: list[LabelOne]) -> list[LabelOne]:
        if len({one.shipment_id for one in shipments}) < len(shipments):
            raise ValueError("a shipment is named once at most")
        return shipments


class LabelDocument(BaseModel):
    """A label that can be printed."""

    parcel: int
    format: DocumentFormat
    bytes: int


class ShownLabel(BaseModel):
    """The last purchase for a shipment.

    `requested`: the carrier is asked; `unknown`: it may exist, the carrier is asked what became of
    it; `settled`: `bought`, `failed` for the `reason` in the carrier's words, or `cancelled`.
    `price` is what the carrier asks, for whose account it is alone.
    """

    id: UUID
    state: State
    outcome: Outcome | None
    reason: str | None
    price: str | None
    currency: str | None
    requested_at: datetime
    settled_at: datetime | None
    is_being_cancelled: bool
    documents: list[LabelDocument]


router = APIRouter(prefix="/v1/shipments", tags=["labels"], dependencies=[only_known_parameters])
Ids = Annotated[
    list[UUID],
    Query(alias="shipment_id", min_length=1, max_length=_MOST_AT_ONCE, description="Which."),
]


@router.post("/labels", status_code=202, summary="Buy labels for many shipments")
async def buy_labels(
    caller: Account, database: Schema, desk: Desk, request: Request, body: LabelMany
) -> ShipResults:
    """Each is claimed or refused by itself; the carriers are asked after that."""
    wanted = {one.shipment_id: one.version for one in body.shipments}
    async with database.transaction() as session:
        results = await ask_for_labels(session, caller.account_id, wanted, UUID(caller.subject))
    desk.buyer.wake()
    return ShipResults(results=[outcome_of(request, *result) for result in results.items()])


@router.get(
    "/labels.{format}",
    response_class=Response,
    summary="Print the labels of many shipments",
    openapi_extra=refuses("not_found", "no_documents", "too_many_documents"),
)
async def print_labels(
    caller: Account,
    database: Schema,
    format: Annotated[Literal["pdf", "zpl"], Path(description="PNG labels are in the PDF.")],  # noqa: A002  what the path calls it
    ids: Ids,
) -> Response:
    """One file, in the order of the request; each parcel is a page or a label of it."""
    async with database.reading() as session:
        if len(await store.seen(session, caller.account_id, ids)) < len(set(ids)):
            raise Refused("not_found", what="shipment")
        contents = await _contents(session, ids, format)
    if not contents:
        raise Refused("no_documents", format=format)
    if format == "zpl":
        content = b"\n".join(content for _, content in contents)
    else:
        content = await asyncio.to_thread(joined, contents)
    return _file(content, format, f"labels.{format}")


@router.post(
    "/{shipment_id}/label",
    status_code=202,
    summary="Buy a label",
    openapi_extra=refuses(*_OF_LABELS, "no_carrier_account", "order_erased"),
)
async def buy_label(
    caller: Account, database: Schema, desk: Desk, shipment_id: UUID, body: LabelBody
) -> ShipmentState:
    """For whoever has the order, by the carrier account of whose rules chose the carrier.

    Claimed durably before the carrier is asked: `label` of the shipment says what became of it.
    Nothing is charged before it is `bought`. A failed one may be asked for again.
    """
    async with database.transaction() as session:
        wanted = {shipment_id: body.version}
        results = await ask_for_labels(session, caller.account_id, wanted, UUID(caller.subject))
    desk.buyer.wake()
    return state_of(results[shipment_id])


@router.get(
    "/{shipment_id}/label", summary="The label of a shipment", openapi_extra=refuses("not_found")
)
async def get_label(caller: Account, database: Schema, shipment_id: UUID) -> ShownLabel:
    """The last one that was asked for; 404 if none was."""
    async with database.reading() as session:
        if not await store.seen(session, caller.account_id, [shipment_id]):
            raise Refused("not_found", what="shipment")
        found = (await store.newest(session, [shipment_id])).get(shipment_id)
        documents = await store.documents(session, [shipment_id])
    if found is None:
        raise Refused("not_found", what="label")
    is_own = found.bought_by == caller.account_id
    return ShownLabel(
        id=found.id,
        state=found.state,
        outcome=found.outcome,
        reason=found.reason,
        price=found.price if is_own else None,
        currency=found.currency if is_own else None,
        requested_at=found.requested_at,
        settled_at=found.settled_at,
        is_being_cancelled=found.next_step == "cancel",
        documents=[
            LabelDocument(parcel=one.parcel, format=one.format, bytes=one.bytes)
            for one in documents
        ],
    )


@router.post(
    "/{shipment_id}/label/cancel",
    status_code=202,
    summary="Give a label back",
    openapi_extra=refuses(*_OF_LABELS),
)
async def cancel_label(
    caller: Account, database: Schema, desk: Desk, shipment_id: UUID, body: LabelBody
) -> ShipmentState:
    """Before the parcel leaves. The carrier says whether it takes it back; that may take days."""
    async with database.transaction() as session:
        result = await ask_back(session, caller.account_id, shipment_id, body.version)
    desk.buyer.wake()
    return state_of(result)


@router.get(
    "/{shipment_id}/label/{parcel}.{format}",
    response_class=Response,
    summary="Print a label",
    openapi_extra=refuses("not_found"),
)
async def print_label(
    caller: Account,
    database: Schema,
    shipment_id: UUID,
    parcel: Annotated[int, Path(ge=1, le=MOST_PARCELS)],
    format: DocumentFormat,  # noqa: A002  what the path calls it
) -> Response:
    """From our copy, for both parties of the order."""
    async with database.reading() as session:
        if not await store.seen(session, caller.account_id, [shipment_id]):
            raise Refused("not_found", what="shipment")
        content = await store.document(session, shipment_id, parcel, format)
    if content is None:
        raise Refused("not_found", what="label")
    return _file(content, format, f"{shipment_id}-{parcel}.{format}")


async def _contents(
    session: Session, ids: list[UUID], format_: DocumentFormat
) -> list[tuple[DocumentFormat, bytes]]:
    """What is to be printed, in the order of the shipments and their parcels."""
    formats = ("pdf", "png") if format_ == "pdf" else (format_,)
    listed = [one for one in await store.documents(session, ids) if one.format in formats]
    if sum(one.bytes for one in listed) > _MOST_PRINTED_BYTES:
        raise Refused("too_many_documents", most=_MOST_PRINTED_BYTES)
    place = {id_: number for number, id_ in enumerate(ids)}
    found = []
    for one in sorted(listed, key=lambda one: (place[one.shipment_id], one.parcel)):
        content = await store.document(session, one.shipment_id, one.parcel, one.format)
        if content is not None:
            found.append((one.format, content))
    return found


def _file(content: bytes, format_: DocumentFormat, name: str) -> Response:
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "x-content-type-options": "nosniff",
        "cache-control": "private, no-store",
    }
    return Response(content, media_type=_TYPES[format_], headers=headers)
