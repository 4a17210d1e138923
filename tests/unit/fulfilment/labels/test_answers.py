"""Whatever a carrier answers is one of a few outcomes, and never an exception."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fulfilment.carriers.answers import Answer, cancelled, not_done
from services.fulfilment.carriers.calling import Calls
from services.fulfilment.carriers.port import (
    Bought,
    Cancelled,
    Declined,
    LabelRequest,
    Later,
    NotCancelled,
    NotThere,
    Queued,
    Unclear,
)
from services.fulfilment.carriers.sendcloud.carrier import Sendcloud
from services.fulfilment.carriers.webapi.carrier import WebApi
from services.fulfilment.shipments.shipment import Consignee, Parcel
from shared.egress.guard import Guard
from shared.signing_secrets import new_secret

REQUEST = LabelRequest(
    reference="r1", number="#1", service="post", options={}, warehouse=None,
    consignee=Consignee(address=None, currency="EUR"), lines=(), parcels=(Parcel(number=1),),
    weight_grams=None,
)  # fmt: skip
WORDS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["data", "id", "parcels", "status", "code", "documents", "errors", "price",
                         "external_reference_id", "tracking_number", "detail", "quotes", "total"]),
        inner, max_size=6,
    ),
    max_leaves=20,
)  # fmt: skip
STATUSES = st.sampled_from([200, 201, 202, 204, 400, 401, 404, 408, 409, 410, 422, 429, 500, 503])


class Canned(Calls):
    """A carrier that always answers so."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(Guard([], allow_http=False), 1.0)
        self.answer = answer

    async def call(self, *_: Any, **__: Any) -> Answer:
        return self.answer


@given(status=STATUSES, body=WORDS)
@pytest.mark.parametrize("kind", ["sendcloud", "http"])
async def test_an_answer_is_an_outcome(kind: str, status: int, body: object) -> None:
    calls = Canned(Answer(status, orjson.dumps(body)))
    carrier: Any = (
        Sendcloud(calls, ("a", "b"), 1)
        if kind == "sendcloud"
        else WebApi(calls, "https://own.example", new_secret())
    )
    made = await carrier.create(REQUEST)
    assert isinstance(made, Bought | Declined | Later | Unclear)
    # What is not said to be there is not bought, whatever the status.
    assert not isinstance(made, Bought) or status in (200, 201, 409)
    assert isinstance(await carrier.find("r1"), Bought | Declined | Later | Unclear | NotThere)
    given_back = await carrier.cancel("c", "r1")
    assert isinstance(given_back, Cancelled | Queued | NotCancelled | Later | Unclear)


def test_what_may_have_been_done_is_unclear_and_what_was_not_sent_is_later() -> None:
    assert isinstance(not_done(Answer(None, error="no answer in time")), Unclear)
    assert isinstance(not_done(Answer(None, error="no connection", was_sent=False)), Later)
    assert isinstance(not_done(Answer(502)), Unclear)
    assert not_done(Answer(429, retry_after=7.0)) == Later(7.0, "it answered 429")
    refused = Answer(422, orjson.dumps({"errors": [{"detail": "no postcode"}, {"detail": "x"}]}))
    assert not_done(refused) == Declined("no postcode; x")
    assert isinstance(cancelled(Answer(404)), Cancelled)
    assert isinstance(cancelled(Answer(409)), NotCancelled)


async def test_what_a_rule_wants_and_the_carrier_cannot_is_declined_before_it_is_asked() -> None:
    sendcloud = Sendcloud(Canned(Answer(500)), ("a", "b"), 1)
    for request in (
        replace(REQUEST, service=None),
        replace(REQUEST, options={"contract_id": "ours"}),
        replace(REQUEST, parcels=[Parcel(number=n) for n in range(1, 17)]),
    ):
        assert isinstance(await sendcloud.create(request), Declined)
