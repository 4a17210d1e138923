"""A label, and what each answer of a carrier makes of it. Pure.

`requested → settled` (bought or failed); `unknown` in between, while it may exist. Bought, it may
be given back. What comes next stands in the row: where a process dies, another one goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid5

from services.fulfilment.carriers.port import (
    Bought,
    BoughtParcel,
    Cancelled,
    CancelOutcome,
    Declined,
    DocumentLink,
    Found,
    Later,
    NotCancelled,
    NotThere,
    Queued,
    Unclear,
)

State = Literal["requested", "unknown", "settled"]
Outcome = Literal["bought", "failed", "cancelled"]
Step = Literal["buy", "find", "documents", "cancel"]
_LABELS = UUID("5b1b7a50-3c37-4a3a-8f0f-9d1f6a86e3c4")
_FIRST_SECONDS, _MOST_SECONDS = 2.0, 900.0
# A carrier that takes labels back in days is asked now and then.
_QUEUED_SECONDS = 3_600.0
MOST_DOCUMENT_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Label:
    """One purchase; its id is the reference at the carrier.

    `parcels` are as the carrier knows them, `documents` are still to be fetched. `called_at`: when
    the carrier was asked before, None for never.
    """

    id: UUID
    shipment_id: UUID
    round: int
    order_id: UUID
    carrier_account_id: UUID
    state: State
    outcome: Outcome | None
    reason: str | None
    carrier_label_id: str | None
    parcels: Sequence[BoughtParcel]
    documents: Sequence[DocumentLink]
    price: str | None
    currency: str | None
    next_step: Step | None
    next_attempt_at: datetime
    attempts: int
    called_at: datetime | None = None
    # When this process claimed it: nobody else has since, or what it writes does not count.
    claimed_at: datetime | None = None


def label_id(shipment_id: UUID, round_: int) -> UUID:
    """The id of a shipment's purchase; another round follows one that failed or was given back.

    >>> str(label_id(UUID(int=1), 1))
    '3b235794-17e8-5864-9fd2-3094397573df'
    """
    return uuid5(_LABELS, f"{shipment_id}:{round_}")


def first_step(label: Label) -> Step | None:
    """What is to be done now: a purchase that was under way before may have come about."""
    if label.next_step == "buy" and label.called_at is not None and label.state == "requested":
        return "find"
    return label.next_step


def after_purchase(label: Label, found: Found, now: datetime) -> Label:
    """After the carrier was asked for it, or asked what became of it."""
    match found:
        case Bought():
            return replace(
                label,
                state="settled",
                outcome="bought",
                reason=None,
                carrier_label_id=found.carrier_id,
                parcels=tuple(found.parcels),
                documents=tuple(found.documents),
                price=str(found.price) if found.price is not None else None,
                currency=found.currency,
                next_step="documents" if found.documents else None,
                next_attempt_at=now,
                attempts=0,
            )
        case Declined(reason):
            return _settled(label, "failed", reason)
        case Later(seconds, reason):
            # Nothing was bought; if it was unclear before, it still is.
            return _again(label, now, seconds, reason)
        case NotThere():
            return replace(label, next_step="buy", state="unknown", next_attempt_at=now)
        case Unclear(reason):
            waiting = replace(label, state="unknown", next_step="find")
            return _again(waiting, now, backoff_seconds(label.attempts), reason)


def after_cancel(label: Label, said: CancelOutcome, now: datetime) -> Label:
    """After the carrier was asked to take it back."""
    match said:
        case Cancelled():
            return _settled(label, "cancelled", None)
        case NotCancelled(reason):
            # It stays what it is: bought.
            return replace(label, next_step=None, reason=reason)
        case Queued():
            return _again(label, now, _QUEUED_SECONDS, "the carrier will say later")
        case Later(seconds, reason):
            return _again(label, now, seconds, reason)
        case Unclear(reason):
            return _again(label, now, backoff_seconds(label.attempts), reason)


def after_documents(label: Label, missing: Sequence[DocumentLink], now: datetime) -> Label:
    """After what could be fetched was; the rest is tried again, not for ever."""
    if not missing:
        return replace(label, documents=(), next_step=None)
    if label.attempts >= MOST_DOCUMENT_ATTEMPTS:
        reason = "its document could not be fetched"
        return replace(label, documents=tuple(missing), next_step=None, reason=reason)
    waiting = replace(label, documents=tuple(missing))
    return _again(waiting, now, backoff_seconds(label.attempts), "a document is still missing")


def backoff_seconds(attempts: int) -> float:
    """How long to wait after so many attempts."""
    return float(min(_MOST_SECONDS, _FIRST_SECONDS * 2 ** max(0, min(attempts, 20) - 1)))


def _again(label: Label, now: datetime, seconds: float, reason: str) -> Label:
    at = now + timedelta(seconds=min(seconds, _QUEUED_SECONDS))
    return replace(label, next_attempt_at=at, reason=reason)


def _settled(label: Label, outcome: Outcome, reason: str | None) -> Label:
    return replace(label, state="settled", outcome=outcome, reason=reason, next_step=None)
