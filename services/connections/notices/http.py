"""What an account was told, and what of it somebody wants by mail, over HTTP."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.connections.dependencies import Process
from services.connections.notices import models, store
from shared.contracts.notices import NOTICE_KINDS, NoticeData, NoticeKind
from shared.web.access import Account, Person
from shared.web.pagination import After, Limit, Page, decode_cursor, moment, page_of
from shared.web.parameters import Form, only_known_parameters

router = APIRouter(prefix="/v1", tags=["notices"], dependencies=[only_known_parameters])


class Notice(BaseModel):
    """Something that happened without anybody's asking."""

    id: UUID
    raised_at: datetime
    data: NoticeData


class NotificationSettings(BaseModel):
    """What a person gets by mail of what the account is told."""

    mailed: list[NoticeKind]


class NewNotificationSettings(Form):
    """The kinds to be mailed, of those that there are today; others are not."""

    mailed: Annotated[set[NoticeKind], Field(max_length=len(NOTICE_KINDS))]


@router.get("/notices", summary="What the account was told, newest first")
async def list_notices(
    process: Process,
    caller: Account,
    kind: NoticeKind | None = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[Notice]:
    """For 90 days."""
    key = decode_cursor(after, moment, UUID)
    async with process.database.reading() as session:
        rows = await store.list_notices(
            session, caller.account_id, kind, (key[0], key[1]) if key else None, limit + 1
        )
    return page_of(rows, limit, _notice, lambda row: row.raised_at, lambda row: row.id)


@router.get("/notification-settings", summary="What you get by mail")
async def get_settings(process: Process, caller: Person) -> NotificationSettings:
    """Owners get mails. What is about your own security is mailed whatever stands here."""
    async with process.database.reading() as session:
        muted = await store.list_muted(session, caller.account_id, UUID(caller.subject))
    return _settings(muted)


@router.put("/notification-settings", summary="Say what you get by mail")
async def put_settings(
    process: Process, caller: Person, body: NewNotificationSettings
) -> NotificationSettings:
    """For yourself, in this account."""
    muted = set(NOTICE_KINDS) - body.mailed
    async with process.database.transaction() as session:
        await store.mute(session, caller.account_id, UUID(caller.subject), muted)
    return _settings(muted)


def _settings(muted: Collection[NoticeKind]) -> NotificationSettings:
    return NotificationSettings(mailed=[kind for kind in NOTICE_KINDS if kind not in muted])


def _notice(row: models.Notice) -> Notice:
    return Notice(id=row.id, raised_at=row.raised_at, data=row.data)
