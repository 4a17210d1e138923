"""What people and carriers do with shipments."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fulfilment.shipments import commands
from services.fulfilment.shipments.shipment import Parcel, Shipment
from services.fulfilment.shipments.tracking import Sighting, seen
from shared.contracts.shipments_events import TrackingStatus
from shared.failures import Refused
from shared.rules.shipping_rules import Shipping
from tests.kit.builders import NOON
from tests.unit.fulfilment.shipments.test_following import RULES, after, an_event

HOUR = timedelta(hours=1)


def ready(country: str = "ES") -> Shipment:
    (one,) = after(an_event(2, "processing", country))
    return one


def told(shipment: Shipment, *words: tuple[int, TrackingStatus, datetime]) -> Shipment:
    for number, status, at in words:
        shipment = seen(shipment, [Sighting(number, status=status, at=at)], NOON)
    return shipment


def test_a_persons_choice_wins_over_rules_for_good() -> None:
    chosen = commands.carried_by(ready("FR"), Shipping(carrier="dhl"))
    assert (chosen.status, chosen.chosen_by, chosen.version) == ("ready", "person", 2)
    facts = an_event(2, "processing").facts
    assert facts is not None
    assert commands.chosen_again(chosen, facts, RULES) is chosen


def test_changed_rules_choose_what_nobody_fixed_and_the_same_choice_is_no_change() -> None:
    facts = an_event(2, "processing").facts
    assert facts is not None
    waiting = ready("FR")
    found = commands.chosen_again(waiting, facts, RULES)
    assert (found.status, found.version, found.is_told) == ("ready", 2, True)
    assert commands.chosen_again(found, facts, RULES) is found


def test_pieces_that_are_split_off_are_neither_lost_nor_doubled() -> None:
    one = ready()
    kept, new = commands.split((one,), one, {0: 1})
    assert [(line.index, line.quantity) for line in kept.lines] == [(0, 1), (2, 1)]
    assert [(line.index, line.quantity) for line in new.lines] == [(0, 1)]
    assert (kept.id, kept.version, new.version) == (one.id, 2, 1)
    assert new.shipping == one.shipping
    third = commands.split((kept, new), kept, {2: 1})[-1]
    assert len({one.id, new.id, third.id}) == 3
    for wrong in ({0: 3}, {7: 1}, {0: 2, 2: 1}):
        with pytest.raises(Refused, match="validation_failed"):
            commands.split((one,), one, wrong)


def test_a_new_packing_keeps_what_is_known_of_a_box() -> None:
    one = told(ready(), (1, "pre_transit", NOON))
    boxed = commands.packed(one, [Parcel(number=0, weight_grams=500), Parcel(number=0)])
    assert [(box.number, box.weight_grams, box.tracking_status) for box in boxed.parcels] == [
        (1, 500, "pre_transit"),
        (2, None, None),
    ]


def test_one_parcel_on_its_way_is_shipped_and_all_that_arrived_are_delivered() -> None:
    one = seen(ready(), [Sighting(1, "A"), Sighting(2, "B")], NOON)
    assert (one.status, [parcel.tracking_number for parcel in one.parcels]) == ("ready", ["A", "B"])
    left = told(one, (1, "in_transit", NOON + HOUR))
    assert (left.status, left.shipped_at) == ("shipped", NOON + HOUR)
    half = told(left, (1, "delivered", NOON + 2 * HOUR))
    assert half.status == "shipped"
    whole = told(half, (2, "delivered", NOON + 3 * HOUR))
    assert (whole.status, whole.delivered_at) == ("delivered", NOON + 3 * HOUR)
    back = told(whole, (1, "return_to_sender", NOON), (2, "return_to_sender", NOON))
    assert back.status == "returned"


_WORDS: Sequence[tuple[TrackingStatus, int]] = (
    ("pre_transit", 0), ("in_transit", 1), ("failed_attempt", 2), ("out_for_delivery", 3),
    ("delivered", 4),
)  # fmt: skip


def test_late_and_repeated_words_of_a_carrier_come_to_the_same_in_any_order() -> None:
    ends = set()
    for order in permutations(_WORDS):
        one = told(ready(), *((1, status, NOON + hours * HOUR) for status, hours in order))
        again = told(one, *((1, status, NOON + hours * HOUR) for status, hours in order))
        assert again.parcels == one.parcels
        ends.add((one.status, one.parcels[0].tracking_status))
    assert ends == {("delivered", "delivered")}


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from(_WORDS)), max_size=20))
def test_a_parcel_never_goes_back(words: list[tuple[int, tuple[TrackingStatus, int]]]) -> None:
    ranks = {status: rank for rank, (status, _) in enumerate(_WORDS)}
    ranks["out_for_delivery"] = ranks["failed_attempt"]
    shipment, far = ready(), dict.fromkeys((1, 2, 3), -1)
    for number, (status, hours) in words:
        shipment = told(shipment, (number, status, NOON + hours * HOUR))
        now = {one.number: ranks[one.tracking_status or "pre_transit"] for one in shipment.parcels}
        assert all(rank >= far[number] for number, rank in now.items())
        far |= now


def test_what_has_left_has_its_time_and_a_cancelled_one_keeps_its_state() -> None:
    left = commands.shipped(ready(), [Sighting(1, "A")], NOON + HOUR)
    assert (left.status, left.shipped_at, left.version, left.is_told) == (
        "shipped", NOON + HOUR, 2, True,
    )  # fmt: skip
    (gone,) = after(an_event(2, "processing"), an_event(3, "open"))
    assert told(gone, (1, "in_transit", NOON)).status == "cancelled"
    with pytest.raises(Refused, match="not_owner"):
        commands.require(left, 2, frozenset({"shipped"}), is_owner=False)
    with pytest.raises(Refused, match="version_conflict"):
        commands.require(left, 1, frozenset({"shipped"}))
    with pytest.raises(Refused, match="invalid_transition"):
        commands.require(left, 2, frozenset({"ready"}))
