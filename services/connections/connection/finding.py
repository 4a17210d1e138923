"""Connections by filter: how a text is looked for among very many."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from services.connections.connection import store
from services.connections.connection.models import Connection
from shared.contracts.accounts_changed import AccountKind
from shared.contracts.connections_changed import ConnectionState
from shared.postgres.database import Session

Sort = Literal["created", "waiting"]
# Up to so many that have a word, all of them are looked at. When there are more of each, the list
# is gone through from its top: a page is full soon.
_MOST_LOOKED_AT = 4_000


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked for; None: all.

    `text`: beginnings of words, each of which has to be found.
    """

    states: Sequence[ConnectionState] | None = None
    store_id: UUID | None = None
    brand_id: UUID | None = None
    three_pl_id: UUID | None = None
    text: str | None = None


async def find(
    session: Session,
    account_id: UUID,
    kind: AccountKind,
    wanted: Filter,
    sort: Sort,
    after: tuple[Any, ...] | None,
    limit: int,
) -> list[Connection]:
    """The connections of a party in their order.

    Args:
        session: of the reading pool, which plans for the values that are given.
        account_id: the party.
        kind: of the party.
        wanted: which ones.
        sort: in which order.
        after: the last one's id, with `waiting` its `waits_since` before that.
        limit: at most.
    """
    terms, found = None, None
    if wanted.text is not None:
        terms = await store.words_of(session, wanted.text)
        if not terms:
            return []
        found = await _few(session, account_id, terms)
    *at, after_id = after or (None,)
    return await store.list_connections(
        session,
        account_id=account_id,
        as_three_pl=kind == "three_pl",
        states=wanted.states,
        store_id=wanted.store_id,
        brand_id=wanted.brand_id,
        three_pl_id=wanted.three_pl_id,
        terms=terms,
        found=found,
        by_waiting=sort == "waiting",
        after_at=at[0] if at else None,
        after_id=after_id,
        limit=limit,
    )


async def _few(session: Session, account_id: UUID, terms: Sequence[str]) -> list[UUID] | None:
    """All that have one of the words; None when there are many of each."""
    # The longest word is the likeliest to be a rare one.
    for term in sorted(terms, key=len, reverse=True):
        found = await store.find_word(session, account_id, term, _MOST_LOOKED_AT + 1)
        if len(found) <= _MOST_LOOKED_AT:
            return found
    return None
