"""An account's audit log over HTTP."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from services.connections.audit import models, store
from services.connections.audit.models import Filter
from services.connections.connection.http_history import logged
from services.connections.dependencies import Process
from shared.contracts.accounts_changed import AccountKind
from shared.contracts.fields import PRINTABLE, Timestamp
from shared.web.access import Account
from shared.web.pagination import After, Limit, Page, decode_cursor_part, page_of
from shared.web.parameters import only_known_parameters

router = APIRouter(prefix="/v1/audit", tags=["audit"], dependencies=[only_known_parameters])


class Actor(BaseModel):
    """The account that did it; `name` is null once it is erased."""

    kind: AccountKind
    id: UUID
    name: str | None


class Entry(BaseModel):
    """Who did what, when, from what to what."""

    at: datetime
    connection_id: UUID | None = Field(description="Null: it is about the store itself.")
    store_id: UUID
    actor: Actor | None = Field(
        description="Null: an account that has nothing to do with yours, or nobody: after a "
        "restore it was `taken_over` from the log."
    )
    on_behalf_of: UUID | None = Field(description="The account in whose name it was done.")
    action: str
    before: Mapping[str, Any] = Field(serialization_alias="from")
    after: Mapping[str, Any] = Field(serialization_alias="to")


@router.get("", summary="What was done, newest first")
async def list_entries(
    process: Process,
    caller: Account,
    connection: UUID | None = None,
    store_id: Annotated[UUID | None, Query(alias="store")] = None,
    actor: Annotated[UUID | None, Query(description="The account that did it.")] = None,
    action: Annotated[str | None, Query(min_length=1, max_length=64, pattern=PRINTABLE)] = None,
    since: Annotated[Timestamp | None, Query(description="At this time or later.")] = None,
    until: Annotated[Timestamp | None, Query(description="Before this time.")] = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[Entry]:
    """About the account's connections and stores, and what it did in its brands' names."""
    wanted = Filter(connection, store_id, actor, action, since, until)
    async with process.database.reading() as session:
        rows = await store.list_entries(
            session, caller.account_id, wanted, decode_cursor_part(after, UUID), limit + 1
        )
    return page_of(rows, limit, partial(_entry, viewer=caller.account_id), lambda row: row.id)


def _entry(row: models.Entry, *, viewer: UUID) -> Entry:
    is_owner = viewer == row.three_pl_id
    actor = None
    if row.actor_id is not None and row.actor_kind is not None:
        actor = Actor(kind=row.actor_kind, id=row.actor_id, name=row.actor_name)
    return Entry(
        at=row.at,
        connection_id=row.connection_id,
        store_id=row.store_id,
        actor=actor,
        on_behalf_of=row.on_behalf_of,
        action=row.action,
        before=logged(row.before, is_owner=is_owner),
        after=logged(row.after, is_owner=is_owner),
    )
