"""What an attempt makes of a delivery."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args
from uuid import UUID, uuid4

import pytest

import services.webhooks
from services.webhooks import http
from services.webhooks.delivery import (
    SCHEDULED,
    UNFINISHED,
    Answer,
    Attempt,
    Delivery,
    DeliveryState,
    Lease,
    head_of,
    outcome_class,
    verdict,
)

SCHEDULE = (0.0, 10.0, 100.0)
SQL = Path(services.webhooks.__file__).parent / "sql"
DELIVERED, PARKED = (DeliveryState.DELIVERED, 0.0), (DeliveryState.PARKED, 0.0)
IN_TEN_SECONDS = (DeliveryState.RETRYING, 10.0)


def most(low: float, high: float) -> float:
    return high


def delivery(attempts: int = 0) -> Delivery:
    one = UUID(int=1)
    return Delivery(one, one, one, one, 1, attempts, b"", None, 1e9)


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (Answer(429, None, 5.0), 5.0),
        (Answer(503, None, 1e9), 86_400.0),
        (Answer(503), 0.0),
        (Answer(301, None, 5.0), 0.0),
        (Answer(200, None, 5.0), 0.0),
    ],
)
def test_only_a_receiver_that_is_asked_too_much_is_left_alone_and_for_a_day_at_most(
    answer: Answer, seconds: float
) -> None:
    assert answer.pause == seconds


@pytest.mark.parametrize("status", [302, 410, 429, 500, None])
def test_a_failed_attempt_of_a_superseded_delivery_is_the_last(status: int | None) -> None:
    superseded = delivery()
    superseded.is_superseded = True

    assert verdict(superseded, Answer(status), most, SCHEDULE) == (DeliveryState.SUPERSEDED, 0.0)
    assert verdict(superseded, Answer(200), most, SCHEDULE) == DELIVERED


@pytest.mark.parametrize(
    ("answer", "expected", "outcome"),
    [
        (Answer(200), DELIVERED, "delivered"),
        (Answer(204), DELIVERED, "delivered"),
        (Answer(299), DELIVERED, "delivered"),
        (Answer(300), IN_TEN_SECONDS, "redirect"),
        (Answer(302), IN_TEN_SECONDS, "redirect"),
        (Answer(304), IN_TEN_SECONDS, "redirect"),
        (Answer(400), IN_TEN_SECONDS, "rejected"),
        (Answer(404), IN_TEN_SECONDS, "rejected"),
        (Answer(410), PARKED, "gone"),
        (Answer(429), IN_TEN_SECONDS, "throttled"),
        (Answer(500), IN_TEN_SECONDS, "server_error"),
        (Answer(503), IN_TEN_SECONDS, "throttled"),
        (Answer(199), IN_TEN_SECONDS, "protocol"),
        (Answer(None, "timeout"), IN_TEN_SECONDS, "timeout"),
        (Answer(None, "address_refused"), IN_TEN_SECONDS, "address_refused"),
        (Answer(None), IN_TEN_SECONDS, "protocol"),
    ],
)
def test_every_class_of_answer(
    answer: Answer, expected: tuple[DeliveryState, float], outcome: str
) -> None:
    assert verdict(delivery(), answer, most, SCHEDULE) == expected
    assert outcome_class(answer) == outcome


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        (0, (DeliveryState.RETRYING, 10.0)),
        (1, (DeliveryState.RETRYING, 100.0)),
        (2, (DeliveryState.EXHAUSTED, 0.0)),
        (3, (DeliveryState.EXHAUSTED, 0.0)),
    ],
)
def test_failures_go_through_the_schedule_and_then_end(
    attempts: int, expected: tuple[DeliveryState, float]
) -> None:
    assert verdict(delivery(attempts), Answer(500), most, SCHEDULE) == expected


@pytest.mark.parametrize(("answer", "expected"), [(Answer(200), DELIVERED), (Answer(410), PARKED)])
def test_success_and_goodbye_count_at_the_last_step_too(
    answer: Answer, expected: tuple[DeliveryState, float]
) -> None:
    assert verdict(delivery(2), answer, most, SCHEDULE) == expected


def test_asking_to_wait_does_not_prolong_the_schedule() -> None:
    exhausted = (DeliveryState.EXHAUSTED, 0.0)
    assert verdict(delivery(2), Answer(429, retry_after=60.0), most, SCHEDULE) == exhausted


@pytest.mark.parametrize(
    ("status", "wait"), [(429, 50.0), (503, 50.0), (302, 10.0), (404, 10.0), (500, 10.0)]
)
def test_only_who_asks_to_wait_is_waited_for(status: int, wait: float) -> None:
    answer = Answer(status, retry_after=50.0)
    assert verdict(delivery(), answer, most, SCHEDULE) == (DeliveryState.RETRYING, wait)


def test_the_jitter_is_drawn_from_half_the_step_to_the_step() -> None:
    drawn: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        drawn.append((low, high))
        return 7.0

    assert verdict(delivery(1), Answer(500), draw, SCHEDULE) == (DeliveryState.RETRYING, 7.0)
    assert drawn == [(50.0, 100.0)]


@pytest.mark.parametrize(
    ("seconds", "attempt_seconds", "start_before"), [(60.0, 15.0, 139.0), (2.0, 1.9, 100.05)]
)
def test_an_attempt_starts_early_enough_to_end_within_the_lease(
    seconds: float, attempt_seconds: float, start_before: float
) -> None:
    lease = Lease(uuid4(), seconds, attempt_seconds)
    assert lease.start_before(100.0) == pytest.approx(start_before)


@pytest.mark.parametrize(
    ("body", "head"),
    [
        (b"", None),
        (b"thanks", "thanks"),
        (b"a\0b", "a\ufffdb"),
        (b"\xff", "\ufffd"),
        (b"x" * 5_000, "x" * 1_024),
        ("😀".encode() * 2_000, "😀" * 1_024),
    ],
)
def test_the_head_of_an_answer_is_text_that_postgres_takes(body: bytes, head: str | None) -> None:
    assert head_of(body) == head


def test_an_attempt_keeps_what_is_to_be_written_and_no_bodies() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    gone, before, after = Answer(410, body=b"no more"), delivery(3), delivery()
    attempt = Attempt.of(before, gone, PARKED, (at, 0.0126), [after])

    assert (attempt.state, attempt.wait) == PARKED
    assert (attempt.at, attempt.duration_ms) == (at, 13)
    assert (attempt.status, attempt.error, attempt.response_head) == (410, None, "no more")
    assert (attempt.successors, attempt.is_gone) == ([after.id], True)
    assert not Attempt.of(before, Answer(500), PARKED, (at, 0.0), []).is_gone


def test_what_is_finished_stays_so() -> None:
    finished = set(DeliveryState) - UNFINISHED
    assert finished == {"delivered", "exhausted", "superseded", "cancelled"}
    assert UNFINISHED - {DeliveryState.PARKED} == SCHEDULED


def test_the_lists_in_sql_and_api_are_those_of_the_enum() -> None:
    queries = (SQL / "queries.sql").read_text()
    lists = re.findall(r"state IN \(([^)]*)\)", queries)
    assert {frozenset(re.findall(r"'(\w+)'", states)) for states in lists} == {
        UNFINISHED,
        SCHEDULED,
    }
    revision = (SQL / "migrations" / "versions" / "0002_delivery_details.py").read_text()
    (check,) = re.findall(r"CHECK \(state IN \(([^)]*)\)", revision)
    states = re.findall(r"'([\w{}]+)'", check.replace("{cancelled}", "cancelled"))
    assert states == list(DeliveryState) == list(get_args(http.State))
