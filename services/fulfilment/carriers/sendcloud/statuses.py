"""Sendcloud's states of a parcel as ours. Pure.

Its webhook has the number of the state; the API has a code. What is not here says nothing of where
a parcel is. https://sendcloud.dev/docs/tracking/parcel-statuses
"""

from collections.abc import Mapping

from shared.contracts.shipments_events import TrackingStatus

BY_ID: Mapping[int, TrackingStatus] = {
    1000: "pre_transit",
    13: "pre_transit",
    1: "pre_transit",
    3: "in_transit",
    4: "in_transit",
    5: "in_transit",
    6: "in_transit",
    7: "in_transit",
    22: "in_transit",
    91: "in_transit",
    62989: "in_transit",
    62990: "in_transit",
    92: "out_for_delivery",
    8: "failed_attempt",
    80: "failed_attempt",
    62991: "failed_attempt",
    12: "ready_for_pickup",
    11: "delivered",
    93: "delivered",
    62992: "return_to_sender",
}
# No label came of it, whatever else the object has.
FAILED_CODES = frozenset({"ANNOUNCEMENT_FAILED", "NO_LABEL"})
FAILED_IDS = frozenset({1002, 999})
UNDER_WAY_CODES = frozenset({"BEING_ANNOUNCED", "ANNOUNCING"})
CANCELLED_CODES = frozenset({"CANCELLED", "CANCELLED_UPSTREAM"})
