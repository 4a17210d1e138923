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
# What is done about a word depends on how many have it. Up to the first bound all of them are
# looked at; up to the second one the list is gone through with a hash of them; beyond, a page is
# full soon by looking at each row's words.
_FEW, _SOME = 2_000, 20_000


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


@dataclass(frozen=True, slots=True)
class _Search:
    """Words to look for in each row, beside what is looked for at once."""

    terms: Sequence[str] | None = None
    found: Sequence[UUID] | None = None
    hashed: str | None = None


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
    terms = None if wanted.text is None else await store.words_of(session, wanted.text)
    if terms == []:
        return []
    search = await _search(session, account_id, terms) if terms else _Search()
    *at, after_id = after or (None,)
    return await store.list_connections(
        session,
        account_id=account_id,
        as_three_pl=kind == "three_pl",
        states=wanted.states,
        store_id=wanted.store_id,
        brand_id=wanted.brand_id,
        three_pl_id=wanted.three_pl_id,
        terms=search.terms,
        found=search.found,
        hashed=search.hashed,
        by_waiting=sort == "waiting",
        after_at=at[0] if at else None,
        after_id=after_id,
        limit=limit,
    )


async def _search(session: Session, account_id: UUID, terms: Sequence[str]) -> _Search:
    counts: dict[str, int] = {}
    # The longest word is the likeliest to be a rare one.
    for term in sorted(terms, key=len, reverse=True):
        counts[term] = await store.count_word(session, account_id, term, _SOME + 1)
        if counts[term] <= _FEW:
            break
    rarest = min(counts, key=lambda term: counts[term])
    if counts[rarest] <= _FEW:
        found = await store.find_word(session, account_id, rarest)
        return _Search(_without(terms, rarest), found=found)
    if counts[rarest] <= _SOME:
        return _Search(_without(terms, rarest), hashed=rarest)
    return _Search(terms)


def _without(terms: Sequence[str], done: str) -> list[str] | None:
    return [term for term in terms if term != done] or None
