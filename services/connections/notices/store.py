"""Notices, and whose turn it is to get a mail: one function per named query."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter

from services.connections.notices.models import (
    GATHERED,
    KEPT,
    MOST_AT_ONCE,
    MOST_GATHERED,
    NOISY,
    Notice,
    Reader,
    Turn,
)
from shared.contracts.notices import NoticeData, NoticeKind, NoticeRaised
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")
_data: TypeAdapter[NoticeData] = TypeAdapter(NoticeData)


async def keep_notices(session: Session, raised: Sequence[NoticeRaised]) -> None:
    """Keep what is new, and have it mailed in its turn; nothing of accounts that are not there."""
    await _queries.keep_notices.run(
        session,
        ids=[notice.id for notice in raised],
        accounts=[notice.account_id for notice in raised],
        kinds=[notice.data.kind for notice in raised],
        datas=[notice.data.model_dump_json() for notice in raised],
        raised=[notice.raised_at for notice in raised],
        noisy=NOISY,
        gathered=GATHERED,
    )


async def claim_turn(session: Session) -> Turn | None:
    """An account and a kind whose notices are to be mailed now, held to the end."""
    row = await _queries.claim_turn.one(session)
    return row_as(Turn, row) if row else None


async def take_notices(session: Session, turn: Turn) -> list[Notice]:
    """The oldest that were not mailed, which now count as mailed."""
    most = MOST_GATHERED if turn.kind in NOISY else MOST_AT_ONCE
    rows = await _queries.take_notices.all(
        session, account_id=turn.account_id, kind=turn.kind, most=most
    )
    return [_notice(row) for row in rows]


async def end_turn(session: Session, turn: Turn) -> None:
    """It was mailed; the next turn comes with the next notice."""
    await _queries.end_turn.run(
        session, account_id=turn.account_id, kind=turn.kind, noisy=NOISY, gathered=GATHERED
    )


async def postpone_turn(session: Session, turn: Turn) -> None:
    """Try again later."""
    await _queries.postpone_turn.run(
        session, account_id=turn.account_id, kind=turn.kind, gathered=GATHERED
    )


async def list_readers(session: Session, turn: Turn) -> list[Reader]:
    """The owners who want mails of the kind; nobody reads those of a claim."""
    rows = await _queries.list_readers.all(session, account_id=turn.account_id, kind=turn.kind)
    return [row_as(Reader, row) for row in rows]


async def domains_of_stores(
    session: Session, account_id: UUID, stores: Iterable[UUID]
) -> dict[UUID, str]:
    """The domains of those stores that the account may know of."""
    rows = await _queries.domains_of_stores.all(session, account_id=account_id, stores=list(stores))
    return {row["id"]: row["domain"] for row in rows}


async def list_notices(
    session: Session,
    account_id: UUID,
    kind: NoticeKind | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Notice]:
    """What the account was told, newest first; `after` is time and id."""
    after_at, after_id = after or (None, None)
    rows = await _queries.list_notices.all(
        session,
        account_id=account_id,
        kind=kind,
        after_at=after_at,
        after_id=after_id,
        limit=limit,
    )
    return [_notice(row) for row in rows]


async def list_muted(session: Session, account_id: UUID, person_id: UUID) -> set[NoticeKind]:
    """The kinds that somebody wants no mails of, in this account."""
    rows = await _queries.list_muted.all(session, account_id=account_id, person_id=person_id)
    return {row["kind"] for row in rows}


async def mute(
    session: Session, account_id: UUID, person_id: UUID, kinds: Iterable[NoticeKind]
) -> None:
    """From now on these kinds and no others are not mailed to somebody."""
    await _queries.mute.run(
        session, account_id=account_id, person_id=person_id, kinds=sorted(kinds)
    )


async def sweep_notices(session: Session, limit: int) -> int:
    """Forget old ones; how many."""
    return await _queries.sweep_notices.run(session, kept=KEPT, limit=limit)


def _notice(row: asyncpg.Record) -> Notice:
    return row_as(Notice, row, data=_data.validate_json(row["data"]))


async def names_of_accounts(session: Session, accounts: Iterable[UUID]) -> dict[UUID, str]:
    """What accounts are called; those that were erased are not there."""
    rows = await _queries.names_of_accounts.all(session, accounts=list(accounts))
    return {row["id"]: row["name"] for row in rows}
