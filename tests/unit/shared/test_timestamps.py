"""Times on the wire: RFC 3339, read with any offset, kept in UTC."""

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.contracts.fields import Timestamp

TIMESTAMP: TypeAdapter[Timestamp] = TypeAdapter(Timestamp)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z"),
        ("2026-03-01T10:00:00+05:30", "2026-03-01T04:30:00Z"),
        ("2026-01-01T00:00:00-11:00", "2026-01-01T11:00:00Z"),
        ("2026-03-01T10:00:00.123456+00:00", "2026-03-01T10:00:00.123456Z"),
    ],
)
def test_a_time_is_kept_in_utc_whatever_offset_was_written(written: str, kept: str) -> None:
    time = TIMESTAMP.validate_json(f'"{written}"')
    assert TIMESTAMP.dump_json(time).decode() == f'"{kept}"'


@pytest.mark.parametrize("written", ["2026-03-01T10:00:00", "yesterday", "2026-02-30T00:00:00Z"])
def test_a_time_without_an_offset_or_that_never_was_is_refused(written: str) -> None:
    with pytest.raises(ValidationError):
        TIMESTAMP.validate_json(f'"{written}"')


@pytest.mark.parametrize(
    "written",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+10:00",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+01:00",
        "2201-01-01T00:00:00Z",
        "2200-12-31T23:59:59-01:00",
        "9999-12-31T23:59:59-10:00",
    ],
)
def test_a_time_that_no_order_can_have_is_refused(written: str) -> None:
    with pytest.raises(ValidationError):
        TIMESTAMP.validate_json(f'"{written}"')
