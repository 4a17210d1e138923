"""Months of statements, in UTC, as addresses have them. Pure."""

import re
from datetime import datetime

_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")
_IN_A_YEAR = 12


def is_month(text: str) -> bool:
    """Whether this is one.

    >>> is_month("2026-11"), is_month("2026-13"), is_month("2026-11/..")
    (True, False, False)
    """
    return _MONTH.fullmatch(text) is not None


def newest(now: datetime, count: int = _IN_A_YEAR) -> list[str]:
    """The month that it is, and those before it.

    >>> newest(datetime(2026, 2, 1), 3)
    ['2026-02', '2026-01', '2025-12']
    """
    number = now.year * _IN_A_YEAR + now.month - 1
    return [
        f"{one // _IN_A_YEAR}-{one % _IN_A_YEAR + 1:02}"
        for one in range(number, number - count, -1)
    ]
