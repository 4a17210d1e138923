"""When a mail is tried again, and how long it is of use. Pure.

Doubling from half a minute to an hour: greylisting servers want a few minutes, and RFC 5321
(4.5.4.1) asks for patience. Each wait is drawn from the upper half of its step, so that mails that
failed together do not come back together.
"""

from collections.abc import Callable, Mapping

FIRST_SECONDS = 30.0
_LONGEST_SECONDS = 3_600.0
# As long as most links are good; what is less is said of the kind.
_USEFUL_SECONDS = 2 * 24 * 3_600.0
_LESS: Mapping[str, float] = {"reset_password": 30 * 60.0}


def useful_seconds(kind: str) -> float:
    """How long after it was queued a mail may still go out: its link is over then."""
    return _LESS.get(kind, _USEFUL_SECONDS)


def next_wait(
    attempts: int,
    left_seconds: float,
    draw: Callable[[float, float], float],
    first_seconds: float = FIRST_SECONDS,
) -> float | None:
    """Seconds to wait after attempt number `attempts` failed; None: that would be too late.

    Args:
        attempts: how many were made, from 1.
        left_seconds: how long the mail is still of use.
        draw: an even draw between two numbers, `random.uniform`.
        first_seconds: the longest first wait.
    """
    # An exponent without a bound is a number without one.
    step = min(first_seconds * 2 ** min(attempts - 1, 20), _LONGEST_SECONDS)
    wait = draw(step / 2, step)
    return wait if wait <= left_seconds else None
