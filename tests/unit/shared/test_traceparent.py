"""Trace context: kept when it is well-formed, else made (W3C Trace Context, 3.2)."""

import re

import pytest

from shared.kafka.cloudevents import cloud_event_headers
from shared.telemetry import traceparent_of

GIVEN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
NEW = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01")
# `$` matches before a newline; identifiers of zeros are no identifiers.


def test_a_callers_trace_goes_on() -> None:
    assert traceparent_of({"traceparent": GIVEN}) == GIVEN


def test_without_one_each_call_begins_a_new_trace() -> None:
    first, second = traceparent_of({}), traceparent_of({})
    assert NEW.fullmatch(first)
    assert NEW.fullmatch(second)
    assert first != second


@pytest.mark.parametrize(
    "given",
    [
        "",
        "x",
        GIVEN.upper(),
        GIVEN[:-1],
        GIVEN + "-more",
        GIVEN + "\n",
        GIVEN + "\r\nX-Evil: 1",
        " " + GIVEN,
        "ff" + GIVEN[2:],
        GIVEN.replace("4736", "473g"),
        "00-" + "0" * 32 + GIVEN[35:],
        GIVEN[:36] + "0" * 16 + "-01",
    ],
)
def test_a_malformed_one_is_replaced(given: str) -> None:
    made = traceparent_of({"traceparent": given})
    assert NEW.fullmatch(made)
    assert made != given


def test_it_travels_in_the_headers_of_a_message() -> None:
    assert cloud_event_headers("t", "/s", "k", GIVEN)["traceparent"] == GIVEN
    assert "traceparent" not in cloud_event_headers("t", "/s", "k")


def test_every_message_has_an_id_of_its_own_and_says_when_in_utc() -> None:
    one, two = cloud_event_headers("t", "/s", "k"), cloud_event_headers("t", "/s", "k")
    assert one["ce_id"] != two["ce_id"]
    assert (one["ce_type"], one["ce_source"], one["ce_subject"]) == ("t", "/s", "k")
    assert one["ce_specversion"] == "1.0"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one["ce_time"])
