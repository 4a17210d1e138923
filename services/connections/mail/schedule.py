"""When a mail is tried again. Pure.

Doubling from half a minute to an hour: greylisting servers want a few minutes, and RFC 5321
(4.5.4.1) asks for patience. Each wait is drawn from the upper half of its step, so that mails that
failed together do not come back together.
"""

from collections.abc import Callable

FIRST_SECONDS = 30.0
_LONGEST_SECONDS = 3_600.0
_GIVE_UP_SECONDS = 2 * 24 * 3_600.0


def next_wait(
    attempts: int,
    age_seconds: float,
    draw: Callable[[float, float], float],
    first_seconds: float = FIRST_SECONDS,
) -> float | None:
    """Seconds to wait after attempt number `attempts` failed; None: two days were enough.

    Args:
        attempts: how many were made, from 1.
        age_seconds: how long ago the mail was queued.
        draw: an even draw between two numbers, `random.uniform`.
        first_seconds: the longest first wait.
    """
    # An exponent without a bound is a number without one.
    step = min(first_seconds * 2 ** min(attempts - 1, 20), _LONGEST_SECONDS)
    wait = draw(step / 2, step)
    return wait if age_seconds + wait <= _GIVE_UP_SECONDS else None
