"""What each answer of a carrier makes of a label."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.fulfilment.carriers.port import (
    Bought,
    BoughtParcel,
    Cancelled,
    Declined,
    DocumentLink,
    Found,
    Later,
    NotCancelled,
    NotThere,
    Queued,
    Unclear,
)
from services.fulfilment.carriers.reading import format_of
from services.fulfilment.carriers.sendcloud.webhook import words_of
from services.fulfilment.labels.label import (
    MOST_DOCUMENT_ATTEMPTS,
    Label,
    after_cancel,
    after_documents,
    after_purchase,
    first_step,
    label_id,
)
from tests.kit.builders import NOON

NEW = Label(
    id=label_id(UUID(int=1), 1), shipment_id=UUID(int=1), round=1, order_id=UUID(int=2),
    carrier_account_id=UUID(int=3), state="requested", outcome=None, reason=None,
    carrier_label_id=None, parcels=(), documents=(), price=None, currency=None, next_step="buy",
    next_attempt_at=NOON, attempts=1,
)  # fmt: skip
LINK = DocumentLink(1, "pdf", url="https://c.example/1")
BOUGHT = Bought("c1", (BoughtParcel(1, "T1", None, "p1"),), (LINK,))


def test_a_label_that_was_claimed_before_is_looked_for_before_it_is_bought() -> None:
    assert first_step(NEW) == "buy"
    assert first_step(replace(NEW, called_at=NOON)) == "find"
    gone = after_purchase(replace(NEW, called_at=NOON), NotThere(), NOON)
    assert (gone.state, first_step(gone)) == ("unknown", "buy")


def test_each_answer_to_a_purchase() -> None:
    bought = after_purchase(NEW, BOUGHT, NOON)
    assert (bought.state, bought.outcome, bought.next_step) == ("settled", "bought", "documents")
    unclear = after_purchase(NEW, Unclear("timeout"), NOON)
    assert (unclear.state, unclear.next_step, unclear.reason) == ("unknown", "find", "timeout")
    later = after_purchase(NEW, Later(30, "429"), NOON)
    assert (later.state, later.next_step) == ("requested", "buy")
    assert later.next_attempt_at == NOON + timedelta(seconds=30)
    still = after_purchase(unclear, Later(30, "429"), NOON)
    assert (still.state, still.next_step) == ("unknown", "find")
    failed = after_purchase(NEW, Declined("no such postcode"), NOON)
    assert (failed.outcome, failed.next_step, failed.reason) == ("failed", None, "no such postcode")


def test_given_back_now_in_days_or_never() -> None:
    bought = replace(after_purchase(NEW, BOUGHT, NOON), next_step="cancel")
    assert after_cancel(bought, Cancelled(), NOON).outcome == "cancelled"
    kept = after_cancel(bought, NotCancelled("it has left"), NOON)
    assert (kept.outcome, kept.next_step, kept.reason) == ("bought", None, "it has left")
    queued = after_cancel(bought, Queued(), NOON)
    assert (queued.next_step, queued.next_attempt_at) == ("cancel", NOON + timedelta(hours=1))


def test_documents_are_asked_for_again_and_not_for_ever() -> None:
    bought = after_purchase(NEW, BOUGHT, NOON)
    assert after_documents(bought, (), NOON).next_step is None
    assert after_documents(bought, (LINK,), NOON).next_step == "documents"
    tired = after_documents(replace(bought, attempts=MOST_DOCUMENT_ATTEMPTS), (LINK,), NOON)
    assert (tired.next_step, tired.outcome) == (None, "bought")


ANSWERS: list[Found] = [
    BOUGHT, Declined("no"), Later(1, "busy"), Unclear("timeout"), NotThere(),
]  # fmt: skip


@given(st.lists(st.sampled_from(ANSWERS), max_size=12))
def test_it_is_settled_once_and_only_by_a_clear_answer(answers: list[Found]) -> None:
    label = NEW
    for number, answer in enumerate(answers):
        if label.state == "settled":
            break
        now = NOON + timedelta(minutes=number)
        label = after_purchase(replace(label, attempts=number + 1), answer, now)
        clear = isinstance(answer, (Bought, Declined))
        assert (label.state == "settled") is clear
        assert (label.next_step is None) is isinstance(answer, Declined)
        assert label.next_attempt_at >= now or clear
        assert label.id == NEW.id


def test_a_document_is_what_is_in_it() -> None:
    assert format_of(b"%PDF-1.7 ...") == "pdf"
    assert format_of(b"\x89PNG\r\n\x1a\n...") == "png"
    assert format_of(b"  ^XA^FDhello^XZ") == "zpl"
    assert [format_of(one) for one in (b"<html>", b"^XA without an end", b"", b"GIF89a")] == (
        [None] * 4
    )


def test_only_what_says_where_a_parcel_is_is_heard() -> None:
    event = {
        "action": "parcel_status_changed", "timestamp": 1_770_000_000_000,
        "parcel": {"id": 7, "tracking_number": "T1", "status": {"id": 11}},
    }  # fmt: skip
    (word,) = words_of(event)
    assert (word.carrier_id, word.status, word.at_seconds) == ("7", "delivered", 1_770_000_000)
    others: list[object] = [
        {**event, "action": "integration_updated"}, {**event, "parcel": None}, [], None, "x",
        {**event, "parcel": {"id": 7, "status": {"id": 4711}}},
        {**event, "parcel": {"id": 7, "status": "11"}},
    ]  # fmt: skip
    for other in others:
        assert words_of(other) == ()
