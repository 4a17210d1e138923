"""When to try again: a fixed schedule with jitter, and what the receiver asks for.

"Equal jitter" of Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): a wait is
drawn evenly from half its step to its step. Deliveries that failed together do not come back
together, and a receiver that is down is left alone for at least half of what is documented; drawn
from nothing, an unlucky delivery would spend its ten attempts in a fraction of the three days.

Pure.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_MINUTE = 60.0
_HOUR = 3_600.0
# Seconds; attempt n waits for half the n-th step to the whole. 75 hours and a quarter in all.
DEFAULT_SCHEDULE: tuple[float, ...] = (
    0.0,
    5.0,
    5 * _MINUTE,
    30 * _MINUTE,
    2 * _HOUR,
    5 * _HOUR,
    10 * _HOUR,
    14 * _HOUR,
    20 * _HOUR,
    24 * _HOUR,
)
LONGEST_RETRY_AFTER = 24 * _HOUR


def next_attempt(
    attempts: int,
    retry_after: float | None,
    draw: Callable[[float, float], float],
    schedule: Sequence[float] = DEFAULT_SCHEDULE,
) -> float | None:
    """Seconds to wait after attempt number `attempts` failed; None when it was the last.

    Args:
        attempts: how many were made, from 1.
        retry_after: seconds that the receiver asked for; honoured up to 24 hours.
        draw: an even draw between two numbers, `random.uniform`.
        schedule: the longest wait before each attempt, in seconds.
    """
    if attempts >= len(schedule):
        return None
    wait = draw(schedule[attempts] / 2, schedule[attempts])
    return max(wait, min(retry_after or 0.0, LONGEST_RETRY_AFTER))


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds in a `Retry-After` header (RFC 9110, 10.2.3): a number or an HTTP date.

    None when it is absent or malformed; a date that has passed is 0.
    """
    if not value:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        # Longer ones are over every cap, and int() refuses thousands of digits.
        return float(value) if len(value) < 10 else LONGEST_RETRY_AFTER  # noqa: PLR2004  digits
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())
