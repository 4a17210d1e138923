"""Price lists and shipments for tests of the ledger."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from uuid_utils.compat import uuid7

from services.fulfilment.ledger.charging import Chargeable
from tests.kit.builders import BRAND, NOON, THREE_PL

Ask = Callable[..., Any]


def a_shipment(**changes: Any) -> Chargeable:
    """A shipment that a 3PL processes for its brand."""
    fields = {
        "shipment_id": uuid7(), "order_id": uuid7(), "brand_id": BRAND, "three_pl_id": THREE_PL,
        "billing_of": THREE_PL, "item_count": 2, "weight_grams": 900, "carrier": "seur",
        "own_contract": False, "at": NOON,
    }  # fmt: skip
    return Chargeable(**{**fields, **changes})


async def a_list(
    database: asyncpg.Connection,
    account: UUID,
    prices: Any,
    charged: UUID | None = None,
    currency: str = "EUR",
    since: datetime = NOON - timedelta(days=1),
) -> UUID:
    """A price list that is valid since the day before."""
    list_id: UUID = uuid7()
    await database.execute(
        "INSERT INTO price_lists (id, account_id, charged_account, name, currency)"
        " VALUES ($1, $2, $3, 'Prices', $4)",
        list_id, account, charged, currency,
    )  # fmt: skip
    await a_version(database, list_id, 1, prices, since)
    return list_id


async def a_version(
    database: asyncpg.Connection, list_id: UUID, version: int, prices: Any, since: datetime
) -> None:
    """Another version of a price list."""
    await database.execute(
        "INSERT INTO price_list_versions (price_list_id, version, valid_from, prices)"
        " VALUES ($1, $2, $3, $4)",
        list_id, version, since, orjson.dumps(prices).decode(),
    )  # fmt: skip


async def balances(
    database: asyncpg.Connection, currency: str = "EUR"
) -> dict[UUID, tuple[Any, Any]]:
    """What each account is owed, pending and posted, less what it owes."""
    rows = await database.fetch(
        """
        SELECT account,
            sum(sign * CASE phase WHEN 'pending' THEN amount WHEN 'corrected' THEN 0
                ELSE -amount END) AS pending,
            sum(sign * CASE WHEN phase IN ('posted', 'corrected') THEN amount ELSE 0 END) AS posted
        FROM ledger_entries
        CROSS JOIN LATERAL (VALUES (credit_account, 1), (debit_account, -1)) AS s (account, sign)
        WHERE currency = $1 GROUP BY account
        """,
        currency,
    )
    return {row["account"]: (row["pending"], row["posted"]) for row in rows}


async def refused(answer: Any) -> tuple[int, str]:
    status, code, _ = await answer
    return status, code


async def pointers(answer: Any) -> list[str]:
    status, _, errors = await answer
    assert status == 422
    return [one["pointer"] for one in errors]
