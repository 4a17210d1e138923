"""Keyset pagination: `{"data": […], "next": "…" or null}`, no offsets, no totals."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

import orjson
from fastapi import Query
from pydantic import BaseModel

from shared.problems import Problem

Item = TypeVar("Item")
Row = TypeVar("Row")

Limit = Annotated[int, Query(ge=1, le=200, description="Entries on a page.")]
After = Annotated[str | None, Query(description="The `next` of the page before.")]


class Page(BaseModel, Generic[Item]):
    """One page; `next` goes into `after` for the following one."""

    data: list[Item]
    next: str | None = None


def encode_cursor(*key: object) -> str:
    """An opaque cursor from the sort key of the last entry."""
    return base64.urlsafe_b64encode(orjson.dumps([str(part) for part in key])).decode().rstrip("=")


def decode_cursor(cursor: str | None, parts: int) -> list[str] | None:
    """The sort key in a cursor; None for the first page.

    Raises:
        Problem: 422 `invalid_cursor`.
    """
    if cursor is None:
        return None
    try:
        key = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        key = None
    if not isinstance(key, list) or len(key) != parts or not all(isinstance(k, str) for k in key):
        raise Problem(
            422,
            "invalid_cursor",
            "`after` is not a cursor of this list; leave it out to start at the first page.",
            errors=[{"pointer": "/after", "message": "not a cursor of this list"}],
        )
    return key


def page_of(
    rows: Sequence[Row], limit: int, present: Callable[[Row], Item], key: Callable[[Row], object]
) -> tuple[list[Item], str | None]:
    """Entries and cursor from `limit + 1` rows: the extra row only tells that there is more."""
    shown = rows[:limit]
    more = len(rows) > limit
    return [present(row) for row in shown], encode_cursor(key(shown[-1])) if more else None
