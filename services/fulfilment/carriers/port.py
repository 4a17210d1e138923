"""The port that labels are bought through. Pure.

Shaped like what the large shipping providers have in common. Buying is safe to repeat: the same
`reference` never buys twice, which each adapter owes to its provider's own promise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol

from services.fulfilment.shipments.shipment import Consignee, Parcel
from shared.contracts.shipments_events import ShipmentLine, TrackingStatus

DocumentFormat = Literal["pdf", "zpl", "png"]


@dataclass(frozen=True, slots=True)
class LabelRequest:
    """What is to be sent, and how.

    `reference` names this purchase for ever; `number` is what the store calls the order. `parcels`
    are the boxes, one at least; what a box does not say is what `lines` weigh.
    """

    reference: str
    number: str
    service: str | None
    options: Mapping[str, str]
    warehouse: str | None
    consignee: Consignee
    lines: Sequence[ShipmentLine]
    parcels: Sequence[Parcel]
    weight_grams: int | None


@dataclass(frozen=True, slots=True)
class BoughtParcel:
    """A box as the carrier knows it: its own id of it, if it has one."""

    number: int
    tracking_number: str | None
    tracking_url: str | None
    carrier_id: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentLink:
    """Where a label is to be fetched, at once: providers drop them after a while."""

    parcel: int
    format: DocumentFormat
    url: str | None = None
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Bought:
    """There is a label; `price` is what the provider asks for it, where it says so."""

    carrier_id: str
    parcels: Sequence[BoughtParcel]
    documents: Sequence[DocumentLink]
    price: Decimal | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Declined:
    """There is no label, and the same request will never get one."""

    reason: str


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing was bought; ask again after so many seconds."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """Whether there is a label is not known: it timed out, broke off, or is still being made."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotThere:
    """The provider knows nothing of the reference."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The label is given back."""


@dataclass(frozen=True, slots=True)
class Queued:
    """It will be said later whether the label is given back; that may take days."""


@dataclass(frozen=True, slots=True)
class NotCancelled:
    """The provider keeps it."""

    reason: str


Outcome = Bought | Declined | Later | Unclear
Found = Outcome | NotThere
CancelOutcome = Cancelled | Queued | NotCancelled | Later | Unclear


@dataclass(frozen=True, slots=True)
class Option:
    """A way to send: `service` is what rules name."""

    service: str
    name: str
    price: Decimal | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class ParcelWord:
    """What a carrier says of one parcel, by its own id of it or by its tracking number."""

    carrier_id: str | None
    tracking_number: str | None
    status: TrackingStatus
    at_seconds: float | None


class Carrier(Protocol):
    """One account with a provider. None of these raises but for cancellation of the task."""

    async def create(self, request: LabelRequest) -> Outcome:
        """Buy a label; the same reference again gives the same one."""

    async def find(self, reference: str) -> Found:
        """What became of a purchase."""

    async def cancel(self, carrier_id: str, reference: str) -> CancelOutcome:
        """Give a label back; asked again it says how far that is."""

    async def document(self, link: DocumentLink) -> bytes | None:
        """The bytes of a label; None if they cannot be had now."""

    async def options(self, country: str, postcode: str | None) -> Sequence[Option] | None:
        """The ways to send there; None if that cannot be had."""
