"""Pages and their cursors."""

import base64
from datetime import UTC, datetime
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.failures import Refused
from shared.web.pagination import decode_cursor, encode_cursor, moment, page_of, row_number

BIGINT = st.integers(-(2**63) + 1, 2**63 - 1)


@given(st.uuids(), BIGINT)
def test_a_cursor_gives_back_its_key(one: UUID, number: int) -> None:
    assert decode_cursor(encode_cursor(one, number), UUID, row_number) == (one, number)


def test_the_first_page_needs_no_cursor() -> None:
    assert decode_cursor(None, UUID) is None


@given(st.lists(st.integers(), unique=True, max_size=50).map(sorted), st.integers(1, 10))
def test_page_by_page_every_row_is_shown_once_in_order(rows: list[int], limit: int) -> None:
    seen: list[int] = []
    after: str | None = None
    while True:
        key = decode_cursor(after, int)
        left = [row for row in rows if key is None or row > key[0]][: limit + 1]
        page = page_of(left, limit, lambda row: row, lambda row: row)
        assert len(page.data) <= limit
        seen += page.data
        after = page.next
        if after is None:
            break
    assert seen == rows


def test_a_full_last_page_has_no_next() -> None:
    def page(*rows: int) -> tuple[list[str], str | None]:
        shown = page_of(rows, 2, str, lambda row: row)
        return shown.data, shown.next

    assert page(1, 2) == (["1", "2"], None)
    assert page(1, 2, 3) == (["1", "2"], encode_cursor(2))
    assert page() == ([], None)


def cursor_of(content: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(content)).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "not a cursor",
        "é",
        encode_cursor("no-uuid"),
        encode_cursor(uuid4(), uuid4()),
        encode_cursor(),
        cursor_of({"id": 1}),
        cursor_of([7]),
        cursor_of([None]),
        cursor_of(7),
        cursor_of(None),
        cursor_of([[]]),
    ],
)
def test_anything_else_is_refused_by_name(cursor: str) -> None:
    with pytest.raises(Refused) as refusal:
        decode_cursor(cursor, UUID)
    assert refusal.value.code == "invalid_cursor"
    assert [error["pointer"] for error in refusal.value.errors] == ["/after"]


@given(st.text(max_size=40))
def test_no_cursor_breaks_anything(cursor: str) -> None:
    try:
        key = decode_cursor(cursor, row_number)
    except Refused as refusal:
        assert refusal.code == "invalid_cursor"  # noqa: PT017  a key is fine too
    else:
        assert key is not None
        assert abs(key[0]) < 2**63


@pytest.mark.parametrize("text", [str(2**63), str(-(2**63) - 1), "9" * 5_000, "1e3", "", "inf"])
def test_a_row_number_fits_a_bigint(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  int()'s own, too
        row_number(text)


@given(st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_a_moment_is_kept_to_the_microsecond(at: datetime, one: UUID) -> None:
    assert decode_cursor(encode_cursor(at, one), moment, UUID) == (at, one)


@pytest.mark.parametrize(
    "text", ["", "now", "2026-03-01T12:00:00", "0001-01-01T00:00:00+14:00", str(UUID(int=7))]
)
def test_a_moment_is_a_time_in_utc(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  fromisoformat()'s own, too
        moment(text)
