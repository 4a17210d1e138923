"""The account's own shipping system: signed like webhooks, one reference buys once."""

import base64
import binascii
import time
from collections.abc import Sequence
from http import HTTPStatus

import orjson

from services.fulfilment.carriers.answers import Answer, cancelled, not_done
from services.fulfilment.carriers.calling import Calls
from services.fulfilment.carriers.port import (
    Bought,
    BoughtParcel,
    CancelOutcome,
    Declined,
    DocumentLink,
    Found,
    LabelRequest,
    NotThere,
    Option,
    Outcome,
    Unclear,
)
from services.fulfilment.carriers.reading import (
    a_list,
    a_map,
    a_text,
    a_url,
    an_amount,
    reason_in,
)
from shared.signing import key_of, signature


class WebApi:
    """One account's system.

    Args:
        calls: the connections of the process.
        url: where it is; `/labels` is added.
        secret: `whsec_…`, signs requests (Standard Webhooks).
    """

    def __init__(self, calls: Calls, url: str, secret: str) -> None:
        self._calls = calls
        self._url = url.rstrip("/") + "/labels"
        self._key = key_of(secret)

    async def create(self, request: LabelRequest) -> Outcome:
        """`POST /labels`, with the reference as `Idempotency-Key`."""
        answer = await self._call("POST", self._url, request.reference, body_of(request))
        found = _found(answer)
        # A system that knows it already answers 409 with what it knows.
        return found if not isinstance(found, NotThere) else Declined("404: no such address")

    async def find(self, reference: str) -> Found:
        """`GET /labels/{reference}`."""
        return _found(await self._call("GET", f"{self._url}/{reference}", reference))

    async def cancel(self, carrier_id: str, reference: str) -> CancelOutcome:  # noqa: ARG002  the port has it
        """`DELETE /labels/{reference}`: 200 or 204 done, 202 later, 409 not any more."""
        answer = await self._call("DELETE", f"{self._url}/{reference}", reference)
        return cancelled(answer)

    async def document(self, link: DocumentLink) -> bytes | None:
        """The bytes in the answer, or from its address."""
        if link.content is not None:
            return link.content
        if link.url is None:
            return None
        answer = await self._call("GET", link.url, str(link.parcel))
        return answer.body if answer.status == HTTPStatus.OK else None

    async def options(self, country: str, postcode: str | None) -> Sequence[Option] | None:  # noqa: ARG002  the port has them
        """It is not asked: its owner knows its services."""
        return None

    async def _call(
        self, method: str, url: str, reference: str, body: bytes | None = None
    ) -> Answer:
        at = int(time.time())
        headers = {
            "webhook-id": reference,
            "webhook-timestamp": str(at),
            "webhook-signature": signature([self._key], reference, at, body or b""),
            "idempotency-key": reference,
        }
        if body is not None:
            headers["content-type"] = "application/json"
        return await self._calls.call(method, url, headers, body)


def body_of(request: LabelRequest) -> bytes:
    """The documented request."""
    consignee = request.consignee.model_dump(mode="json")
    pieces = {piece.pop("index"): piece for piece in consignee.pop("pieces")}
    consignee.pop("note")
    return orjson.dumps(
        {
            "reference": request.reference,
            "order_number": request.number,
            "service": request.service,
            "options": dict(request.options),
            "warehouse": request.warehouse,
            "to": consignee.pop("address"),
            **consignee,
            "weight_grams": request.weight_grams,
            "parcels": [
                {
                    "number": parcel.number,
                    "weight_grams": parcel.weight_grams,
                    "length_mm": parcel.length_mm,
                    "width_mm": parcel.width_mm,
                    "height_mm": parcel.height_mm,
                }
                for parcel in request.parcels
            ],
            "items": [
                {**pieces.get(line.index, {}), "quantity": line.quantity} for line in request.lines
            ],
        }
    )


def _found(answer: Answer) -> Found:
    match answer.status:
        case HTTPStatus.OK | HTTPStatus.CREATED | HTTPStatus.CONFLICT:
            return _bought(answer)
        case HTTPStatus.ACCEPTED:
            return Unclear("it is being made")
        case HTTPStatus.NOT_FOUND:
            return NotThere()
    return not_done(answer)


def _bought(answer: Answer) -> Outcome:
    document = a_map(answer.json())
    carrier_id = a_text(document.get("id"))
    if carrier_id is None:
        if answer.status == HTTPStatus.CONFLICT:
            return Declined(reason_in(document, "it answered 409"))
        return Unclear("its answer has no id")
    if a_text(document.get("status")) == "failed":
        return Declined(reason_in(document, "it says: failed"))
    parcels, documents = [], []
    for place, entry in enumerate(a_list(document.get("parcels")), start=1):
        parcel = a_map(entry)
        parcels.append(
            BoughtParcel(
                place,
                a_text(parcel.get("tracking_number"), 100),
                a_url(parcel.get("tracking_url")),
                a_text(parcel.get("id")),
            )
        )
        for said in a_list(parcel.get("documents")):
            documents += _document(place, a_map(said))
    return Bought(
        carrier_id,
        parcels,
        documents,
        an_amount(document.get("price")),
        a_text(document.get("currency"), 3),
    )


def _document(parcel: int, said: dict[str, object] | object) -> list[DocumentLink]:
    document = a_map(said)
    kind = document.get("format")
    if kind not in ("pdf", "zpl", "png"):
        return []
    encoded = document.get("content")
    if isinstance(encoded, str):
        try:
            return [DocumentLink(parcel, kind, content=base64.b64decode(encoded, validate=True))]
        except binascii.Error:
            return []
    url = a_url(document.get("url"))
    return [DocumentLink(parcel, kind, url=url)] if url else []
