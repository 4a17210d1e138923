"""Months of statements, in UTC. Pure."""

from datetime import UTC, datetime

PATTERN = r"^20[0-9]{2}-(0[1-9]|1[0-2])$"
_DECEMBER = 12


def period_of(month: str) -> tuple[datetime, datetime]:
    """From its first moment to that of the next one.

    >>> [f"{at:%Y-%m-%d}" for at in period_of("2026-12")]
    ['2026-12-01', '2027-01-01']
    """
    year, number = int(month[:4]), int(month[5:])
    since = datetime(year, number, 1, tzinfo=UTC)
    if number == _DECEMBER:
        return since, datetime(year + 1, 1, 1, tzinfo=UTC)
    return since, datetime(year, number + 1, 1, tzinfo=UTC)
