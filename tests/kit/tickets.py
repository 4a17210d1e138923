"""Tickets as rows of fulfilment, for tests that need no order."""

from typing import Any
from uuid import UUID, uuid4

import asyncpg
from uuid_utils.compat import uuid7

from tests.kit.builders import BRAND, THREE_PL

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(64)


async def a_draft(database: asyncpg.Connection, **changes: Any) -> UUID:
    """A draft of the brand's about a damaged parcel."""
    row = {
        "id": uuid7(), "kind": "carrier", "account_id": BRAND, "other_id": THREE_PL,
        "order_id": uuid4(), "category": "damaged", "state": "draft", **changes,
    }  # fmt: skip
    holes = ", ".join(f"${n}" for n in range(1, len(row) + 1))
    await database.execute(
        f"INSERT INTO tickets ({', '.join(row)}) VALUES ({holes})",  # noqa: S608  names of columns
        *row.values(),
    )
    return UUID(str(row["id"]))
