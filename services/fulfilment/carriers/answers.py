"""A carrier's answer, and what its status means whichever carrier it is. Pure."""

from dataclasses import dataclass
from http import HTTPStatus

import orjson

from services.fulfilment.carriers.port import (
    Cancelled,
    CancelOutcome,
    Declined,
    Later,
    NotCancelled,
    Queued,
    Unclear,
)
from services.fulfilment.carriers.reading import reason_in

# Rates are counted by the minute: what was refused for one is allowed again within it.
_LATER_SECONDS = 15.0
_BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `status` is None where nothing did: `error` says why.

    `was_sent`: the carrier may have got the request, and may have done what it asks.
    """

    status: int | None
    body: bytes = b""
    retry_after: float | None = None
    error: str = ""
    was_sent: bool = True

    def json(self) -> object:
        """The body; None where it is no JSON."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None


def not_done(answer: Answer) -> Declined | Later | Unclear:
    """Of an answer to a purchase that is no success.

    What the carrier may have done although it did not say so is unclear; that it did not even get
    the request, or is too busy for it, means later.
    """
    if answer.status is None:
        later = Later(_LATER_SECONDS, answer.error)
        return Unclear(answer.error) if answer.was_sent else later
    said = f"it answered {answer.status}"
    if answer.status in _BUSY:
        return Later(answer.retry_after or _LATER_SECONDS, said)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or (
        answer.status == HTTPStatus.REQUEST_TIMEOUT
    ):
        return Unclear(said)
    return Declined(reason_in(answer.json(), said))


def cancelled(answer: Answer) -> CancelOutcome:
    """Of an answer to a cancellation; what is not there any more is cancelled."""
    match answer.status:
        case HTTPStatus.OK | HTTPStatus.NO_CONTENT | HTTPStatus.NOT_FOUND | HTTPStatus.GONE:
            return Cancelled()
        case HTTPStatus.ACCEPTED:
            return Queued()
    found = not_done(answer)
    return NotCancelled(found.reason) if isinstance(found, Declined) else found
