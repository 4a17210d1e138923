"""Shipping rules and what they are tried on: one function per named query, each given a session."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import orjson

from services.fulfilment.orders.seen import read_facts
from services.fulfilment.shipping_rules.version import NONE, Version
from shared.postgres.database import Session, load_queries
from shared.rules.facts import Facts
from shared.rules.shipping_rules import ShippingRules

_queries = load_queries(Path(__file__).parent / "queries.sql")


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """An order that rules can be tried on."""

    id: UUID
    external_id: str
    number: str | None
    facts: Facts


def _version(row: asyncpg.Record) -> Version:
    fallback = orjson.loads(row["fallback"]) if row["fallback"] else None
    rules = ShippingRules.model_validate(
        {"rules": orjson.loads(row["rules"]), "fallback": fallback}
    )
    return Version(row["version"], rules, row["set_by"], row["set_at"])


def _order(row: asyncpg.Record) -> KnownOrder:
    facts = read_facts(row["facts"], row["entered_at"])
    return KnownOrder(row["id"], row["external_id"], row["number"], facts)


async def newest(session: Session, account: UUID) -> Version:
    """The rules that count now."""
    row = await _queries.newest_rules.one(session, account=account)
    return _version(row) if row else NONE


async def newest_of(session: Session, accounts: Iterable[UUID]) -> dict[UUID, Version]:
    """The rules that count now, of each of the accounts that has any."""
    rows = await _queries.newest_rules_of.all(session, accounts=list(accounts))
    return {row["account_id"]: _version(row) for row in rows}


async def versions(
    session: Session, account: UUID, before: int | None, limit: int
) -> list[Version]:
    """Versions older than `before`, the newest first."""
    rows = await _queries.rules_versions.all(session, account=account, before=before, limit=limit)
    return [_version(row) for row in rows]


async def add(
    session: Session, account: UUID, version: int, rules: ShippingRules, set_by: UUID
) -> datetime | None:
    """Add a version; when, or None when somebody else was faster."""
    dumped = rules.model_dump(mode="json")
    fallback = dumped["fallback"]
    at: datetime | None = await _queries.add_rules.value(
        session,
        account=account,
        version=version,
        rules=orjson.dumps(dumped["rules"]).decode(),
        fallback=orjson.dumps(fallback).decode() if fallback else None,
        set_by=set_by,
    )
    return at


async def get_order(session: Session, account: UUID, order_id: UUID) -> KnownOrder | None:
    """An order that the account's rules count for."""
    row = await _queries.order_of_rules.one(session, account=account, order_id=order_id)
    return _order(row) if row else None


async def newest_orders(session: Session, account: UUID, limit: int) -> list[KnownOrder]:
    """The newest orders that the account's rules count for."""
    rows = await _queries.newest_orders.all(session, account=account, limit=limit)
    return [_order(row) for row in rows]
