"""Keyset pagination: `{"data": […], "next": "…" or null}`, no offsets, no totals."""

import base64
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Query
from pydantic import BaseModel

from shared.failures import Refused

Item = TypeVar("Item")
Row = TypeVar("Row")
Part = TypeVar("Part")
_LARGEST_BIGINT = 2**63 - 1

Limit = Annotated[int, Query(ge=1, le=200, description="Entries on a page.")]
After = Annotated[str | None, Query(description="The `next` of the page before.")]


class Page(BaseModel, Generic[Item]):
    """One page; `next` goes into `after` for the following one."""

    data: list[Item]
    next: str | None = None


def encode_cursor(*key: object) -> str:
    """An opaque cursor from the sort key of the last entry."""
    return base64.urlsafe_b64encode(orjson.dumps([str(part) for part in key])).decode().rstrip("=")


def decode_cursor(cursor: str | None, *kinds: Callable[[str], Any]) -> tuple[Any, ...] | None:
    """The sort key in a cursor, each part read by its kind; None for the first page.

    Args:
        cursor: what the caller sent.
        kinds: `UUID`, `moment` or `row_number`, one for each part of the key; ValueError is a
            refusal.

    Raises:
        Refused: `invalid_cursor`.
    """
    if cursor is None:
        return None
    try:
        key = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return tuple(kind(part) for kind, part in zip(kinds, key, strict=True))
    except (ValueError, TypeError, AttributeError) as error:
        raise Refused(
            "invalid_cursor",
            errors=[{"pointer": "/after", "message": "not a cursor of this list"}],
        ) from error


def decode_cursor_part(cursor: str | None, kind: Callable[[str], Part]) -> Part | None:
    """The sort key of a list that is sorted by one column; None for the first page.

    Raises:
        Refused: `invalid_cursor`.
    """
    key = decode_cursor(cursor, kind)
    return None if key is None else key[0]


def row_number(text: str) -> int:
    """A Postgres `bigint`.

    Raises:
        ValueError: it is none.
    """
    number = int(text)
    if abs(number) > _LARGEST_BIGINT:
        raise ValueError("too large for a bigint")
    return number


def moment(text: str) -> datetime:
    """A Postgres `timestamptz`, in UTC.

    Raises:
        ValueError: it is none.
    """
    at = datetime.fromisoformat(text)
    if at.utcoffset() != timedelta(0):
        raise ValueError("cursors have times in UTC")
    return at


def page_of(
    rows: Sequence[Row],
    limit: int,
    present: Callable[[Row], Item],
    *key: Callable[[Row], object],
) -> Page[Item]:
    """The page from `limit + 1` rows: the extra row only tells that there is more.

    Args:
        rows: of the store.
        limit: entries on a page.
        present: a row as the API shows it.
        key: the parts of the sort key, as `decode_cursor` reads them.
    """
    shown = rows[:limit]
    more = len(rows) > limit
    following = encode_cursor(*(part(shown[-1]) for part in key)) if more else None
    return Page(data=[present(row) for row in shown], next=following)
