"""Sendcloud v3: labels are announced; a reference that was used answers with what there is.

A shipment is announced by `POST /shipments/announce`. That an announcement failed is 201 as well,
even with a tracking number: the state of the parcel says so. The same `external_reference_id` again
is 409 with the object that has it, so that buying is safe to repeat. 429 says when to come back.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import orjson
from aiohttp import encode_basic_auth

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
    Queued,
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
from services.fulfilment.carriers.sendcloud.statuses import (
    CANCELLED_CODES,
    FAILED_CODES,
    FAILED_IDS,
    UNDER_WAY_CODES,
)
from shared.contracts.order import Address

PRODUCTION = "https://panel.sendcloud.sc/api/v3"
MOST_PARCELS = 15
# What has the shipment in it: made now, or known by its reference.
_TOLD = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.CONFLICT)


class Sendcloud:
    """One account (integration) there.

    Args:
        calls: the connections of the process.
        keys: the public and the secret key of its API.
        sender_address_id: whence, by Sendcloud's own id of the address.
        url: of its API.
    """

    def __init__(
        self, calls: Calls, keys: tuple[str, str], sender_address_id: int, url: str = PRODUCTION
    ) -> None:
        self._calls = calls
        self._authorization = encode_basic_auth(*keys)
        self._sender_address_id = sender_address_id
        self._url = url.rstrip("/")

    async def create(self, request: LabelRequest) -> Outcome:
        """Announce it; in one call, so that what comes back is how it ended."""
        if len(request.parcels) > MOST_PARCELS:
            return Declined(f"Sendcloud takes at most {MOST_PARCELS} parcels in a shipment")
        if request.service is None:
            return Declined("the rule names no service: a shipping option code of Sendcloud")
        if not request.options.get("contract_id", "0").isdecimal():
            return Declined("the option contract_id is no number of a contract at Sendcloud")
        body = announcement(request, self._sender_address_id)
        answer = await self._call("POST", "/shipments/announce", body)
        if answer.status in _TOLD:
            return _outcome(a_map(a_map(answer.json()).get("data")), answer)
        return not_done(answer)

    async def find(self, reference: str) -> Found:
        """By our reference."""
        path = f"/shipments?external_reference_id={quote(reference, safe='')}"
        answer = await self._call("GET", path)
        if answer.status == HTTPStatus.NOT_FOUND:
            return NotThere()
        if answer.status != HTTPStatus.OK:
            return not_done(answer)
        data = a_map(answer.json()).get("data")
        # Whether the list can be asked so is not said everywhere: of others' it must be ours.
        for one in [data] if isinstance(data, dict) else a_list(data):
            shipment = a_map(one)
            if shipment.get("external_reference_id") == reference:
                return _outcome(shipment, answer)
        return NotThere()

    async def cancel(self, carrier_id: str, reference: str) -> CancelOutcome:  # noqa: ARG002  the port has it
        """200 done, 202 in some days, 409 not any more."""
        answer = await self._call("POST", f"/shipments/{quote(carrier_id, safe='')}/cancel")
        data = a_map(a_map(answer.json()).get("data"))
        is_queued = answer.status == HTTPStatus.OK and data.get("status") == "queued"
        return Queued() if is_queued else cancelled(answer)

    async def document(self, link: DocumentLink) -> bytes | None:
        """A link of the API: with our keys, and only if it is one."""
        if link.url is None or not link.url.startswith(f"{self._url}/"):
            return None
        answer = await self._calls.call("GET", link.url, {"authorization": self._authorization})
        return answer.body if answer.status == HTTPStatus.OK else None

    async def options(self, country: str, postcode: str | None) -> Sequence[Option] | None:
        """The shipping options that reach a country, with what they cost where it says so."""
        asked: dict[str, Any] = {"to_country_code": country, "calculate_quotes": True}
        if postcode:
            asked["to_postal_code"] = postcode
        answer = await self._call("POST", "/shipping-options", orjson.dumps(asked))
        if answer.status != HTTPStatus.OK:
            return None
        found = []
        for entry in a_list(a_map(answer.json()).get("data")):
            option = a_map(entry)
            code = a_text(option.get("code"), 100)
            if code:
                price = _price(option)
                name = a_text(option.get("name")) or code
                found.append(Option(code, name, an_amount(price.get("value")),
                                    a_text(price.get("currency"), 3)))  # fmt: skip
        return found

    async def _call(self, method: str, path: str, body: bytes | None = None) -> Answer:
        headers = {"accept": "application/json", "authorization": self._authorization}
        if body is not None:
            headers["content-type"] = "application/json"
        return await self._calls.call(method, self._url + path, headers, body)


def announcement(request: LabelRequest, sender_address_id: int) -> bytes:
    """The body of an announcement."""
    properties: dict[str, Any] = {"shipping_option_code": request.service}
    if "contract_id" in request.options:
        properties["contract_id"] = int(request.options["contract_id"])
    weight = request.weight_grams
    return orjson.dumps(
        {
            "external_reference_id": request.reference,
            "order_number": request.number,
            "label_details": {"mime_type": "application/pdf", "dpi": 72},
            "from_address": {"sender_address_id": sender_address_id},
            "to_address": _address(request),
            "ship_with": {"type": "shipping_option_code", "properties": properties},
            "parcels": [
                {
                    "weight": _kilograms(parcel.weight_grams or _share(weight, request)),
                    **_dimensions(parcel.length_mm, parcel.width_mm, parcel.height_mm),
                    **({"parcel_items": _items(request)} if len(request.parcels) == 1 else {}),
                }
                for parcel in request.parcels
            ],
        }
    )


def _share(weight: int | None, request: LabelRequest) -> int:
    """A box that was not weighed: its part of the whole; a carrier takes none without a weight."""
    return max(1, (weight or 1) // len(request.parcels))


def _address(request: LabelRequest) -> dict[str, str]:
    address = request.consignee.address or Address()
    said = {
        "name": address.name,
        "company_name": address.company,
        "address_line_1": address.address1,
        "address_line_2": address.address2,
        "postal_code": address.zip,
        "city": address.city,
        "state_province_code": address.province_code,
        "country_code": address.country_code,
        "phone_number": address.phone or request.consignee.phone,
        "email": request.consignee.email,
    }
    return {name: value for name, value in said.items() if value}


def _kilograms(grams: int) -> dict[str, str]:
    return {"value": f"{grams // 1000}.{grams % 1000:03d}", "unit": "kg"}


def _dimensions(*measures: int | None) -> dict[str, Any]:
    if None in measures:
        return {}
    names = ("length", "width", "height")
    centimetres = {
        name: f"{mm // 10}.{mm % 10}" for name, mm in zip(names, measures, strict=True) if mm
    }
    return {"dimensions": {**centimetres, "unit": "cm"}}


def _items(request: LabelRequest) -> list[dict[str, Any]]:
    """What is in it, for customs."""
    pieces = {piece.index: piece for piece in request.consignee.pieces}
    return [
        {
            "description": piece.title[:255],
            "quantity": line.quantity,
            "price": {"value": piece.price, "currency": request.consignee.currency},
            **({"weight": _kilograms(piece.grams)} if piece.grams else {}),
            **({"sku": piece.sku} if piece.sku else {}),
        }
        for line in request.lines
        if (piece := pieces.get(line.index))
    ]


def _outcome(shipment: Mapping[str, Any], answer: Answer) -> Outcome:
    carrier_id = a_text(shipment.get("id"))
    if carrier_id is None:
        if answer.status == HTTPStatus.CONFLICT:
            return Declined(reason_in(answer.json(), "it answered 409"))
        return Unclear("its answer has no shipment")
    parcels = [a_map(parcel) for parcel in a_list(shipment.get("parcels"))]
    codes = [a_map(parcel.get("status")) for parcel in parcels]
    if any(_failed(code) for code in codes):
        said = [*a_list(shipment.get("errors"))]
        for parcel in parcels:
            said += a_list(parcel.get("errors"))
        return Declined(reason_in({"errors": said}, "the carrier did not take the announcement"))
    if any(code.get("code") in CANCELLED_CODES for code in codes):
        return Declined("it was cancelled there")
    if not parcels or any(code.get("code") in UNDER_WAY_CODES for code in codes):
        return Unclear("it is being announced")
    price = _price(shipment)
    return Bought(
        carrier_id,
        [
            BoughtParcel(
                place,
                a_text(parcel.get("tracking_number"), 100),
                a_url(parcel.get("tracking_url")),
                a_text(parcel.get("id")),
            )
            for place, parcel in enumerate(parcels, start=1)
        ],
        [link for place, parcel in enumerate(parcels, start=1) for link in _labels(place, parcel)],
        an_amount(price.get("value")),
        a_text(price.get("currency"), 3),
    )


def _failed(status: Mapping[str, Any]) -> bool:
    return status.get("code") in FAILED_CODES or status.get("id") in FAILED_IDS


def _labels(place: int, parcel: Mapping[str, Any]) -> list[DocumentLink]:
    links = []
    for entry in a_list(parcel.get("documents")):
        document = a_map(entry)
        url = a_url(document.get("link"))
        if document.get("type") == "label" and url:
            links.append(DocumentLink(place, "pdf", url=url))
    return links


def _price(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """What it costs in all, wherever the answer says so."""
    for quote_ in a_list(said.get("quotes")):
        return a_map(a_map(a_map(quote_).get("price")).get("total"))
    return a_map(a_map(said.get("price")).get("total")) or a_map(said.get("total_price"))
