"""Sendcloud's webhook `parcel_status_changed`. Pure.

It may come up to ten times, and late: https://sendcloud.dev/api/v3/webhooks. The time that the
carrier says counts before the time that it was sent.
"""

from collections.abc import Sequence

from services.fulfilment.carriers.port import ParcelWord
from services.fulfilment.carriers.reading import a_map, a_text
from services.fulfilment.carriers.sendcloud.statuses import BY_ID

_MILLISECONDS = 10_000_000_000


def words_of(body: object) -> Sequence[ParcelWord]:
    """What it says of a parcel; nothing where that is none of where a parcel is."""
    event = a_map(body)
    if event.get("action") != "parcel_status_changed":
        return ()
    parcel = a_map(event.get("parcel"))
    status = a_map(parcel.get("status")).get("id")
    if not isinstance(status, int) or status not in BY_ID:
        return ()
    at = event.get("carrier_status_change_timestamp") or event.get("timestamp")
    seconds = float(at) if isinstance(at, int) and not isinstance(at, bool) else None
    if seconds is not None and seconds > _MILLISECONDS:
        seconds /= 1_000
    return (
        ParcelWord(
            a_text(parcel.get("id")), a_text(parcel.get("tracking_number"), 100), BY_ID[status],
            seconds,
        ),
    )  # fmt: skip
