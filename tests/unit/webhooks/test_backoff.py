"""When to try again."""

import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from services.webhooks.backoff import DEFAULT_SCHEDULE, next_attempt, parse_retry_after

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def most(low: float, high: float) -> float:
    return high


def least(low: float, high: float) -> float:
    return low


def test_the_schedule_is_the_documented_one() -> None:
    waits = [next_attempt(made, None, most) for made in range(1, 10)]

    assert waits == [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert len(DEFAULT_SCHEDULE) == 10


def test_the_last_attempt_is_the_last() -> None:
    assert next_attempt(10, None, most) is None
    assert next_attempt(10, 60.0, most) is None


def test_jitter_is_drawn_from_the_upper_half_of_the_step() -> None:
    draw = random.Random(7).uniform  # noqa: S311  seeded, so that it repeats
    waits = [next_attempt(2, None, draw) or 0.0 for _ in range(2_000)]

    assert 150 <= min(waits) < 153
    assert 297 < max(waits) <= 300
    assert 220 < sum(waits) / len(waits) < 230


@pytest.mark.parametrize(
    ("asked", "wait"), [(None, 2.5), (1.0, 2.5), (4.0, 4.0), (86_400.0, 86_400.0), (1e9, 86_400.0)]
)
def test_retry_after_is_the_least_wait_up_to_a_day(asked: float | None, wait: float) -> None:
    assert next_attempt(1, asked, least) == wait


def test_a_short_retry_after_does_not_shorten_the_wait() -> None:
    assert next_attempt(2, 1.0, most) == 300


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("120", 120.0),
        (" 120 ", 120.0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("9" * 5_000, 86_400.0),
        ("²", None),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0),
        ("Sun, 99 Mar 2026 12:00:00 GMT", None),
    ],
)
def test_retry_after_headers(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds
