"""The past of a connection over HTTP: its settings versions and its audit log."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from services.connections.connection import models, settings_versions, store, transitions
from services.connections.connection.http import Settings, shown_url, webhook_of
from services.connections.dependencies import Process
from shared.failures import Refused
from shared.web.access import Account
from shared.web.pagination import After, Limit, Page, decode_cursor_part, page_of, row_number
from shared.web.parameters import only_known_parameters

router = APIRouter(
    prefix="/v1/connections", tags=["connections"], dependencies=[only_known_parameters]
)

_MOST = 2**31 - 1


class SettingsVersion(Settings):
    """A settings version, who made it and when."""

    created_at: datetime
    created_by: UUID | None = Field(
        description="Null: it came back from the log after a restore, which does not say who."
    )


class SettingsDifference(BaseModel):
    """Two settings versions side by side; `changed` names the fields that differ."""

    before: SettingsVersion = Field(serialization_alias="from")
    after: SettingsVersion = Field(serialization_alias="to")
    changed: list[str]


class AuditEntry(BaseModel):
    """Who did what, when, from what to what; `actor` acted on behalf of `account`."""

    at: datetime
    account: UUID | None = Field(
        description="Null: nobody; after a restore it was `taken_over` from the log."
    )
    actor: UUID | None
    action: str
    before: Mapping[str, Any] = Field(serialization_alias="from")
    after: Mapping[str, Any] = Field(serialization_alias="to")


@router.get("/{connection_id}/settings/versions", summary="Settings versions, newest first")
async def list_settings_versions(
    process: Process,
    caller: Account,
    connection_id: UUID,
    limit: Limit = 50,
    after: After = None,
) -> Page[SettingsVersion]:
    """Every version that an order may be bound to."""
    async with process.database.reading() as session:
        found = await transitions.visible_connection(session, connection_id, caller.account_id)
        rows = await store.list_settings_versions(
            session,
            connection_id,
            caller.account_id,
            decode_cursor_part(after, row_number),
            limit + 1,
        )
    is_owner = caller.account_id == found.three_pl_id
    return page_of(rows, limit, partial(_version, is_owner=is_owner), lambda row: row.version)


@router.get(
    "/{connection_id}/settings/versions/difference", summary="Compare two settings versions"
)
async def compare_settings_versions(
    process: Process,
    caller: Account,
    connection_id: UUID,
    before: Annotated[int, Query(alias="from", ge=1, le=_MOST)],
    after: Annotated[int, Query(alias="to", ge=1, le=_MOST)],
) -> SettingsDifference:
    """Of a webhook whether it is another one: two URLs may look the same once they are masked."""
    async with process.database.reading() as session:
        found = await transitions.visible_connection(session, connection_id, caller.account_id)
        rows = await store.get_settings_versions(
            session, connection_id, caller.account_id, (before, after)
        )
    if not {before, after} <= rows.keys():
        raise Refused("not_found", what="settings version")
    is_owner = caller.account_id == found.three_pl_id
    return SettingsDifference(
        before=_version(rows[before], is_owner=is_owner),
        after=_version(rows[after], is_owner=is_owner),
        changed=settings_versions.changed_fields(rows[before], rows[after]),
    )


def _version(row: models.SettingsVersion, *, is_owner: bool) -> SettingsVersion:
    return SettingsVersion(
        version=row.version,
        shipping_rules_owner=row.shipping_rules_owner,
        billing_owner=row.billing_owner,
        support_owner=row.support_owner,
        webhook=webhook_of(row, is_owner=is_owner),
        created_at=row.created_at,
        created_by=row.created_by,
    )


@router.get("/{connection_id}/audit", summary="Who changed it, newest first")
async def list_audit(
    process: Process,
    caller: Account,
    connection_id: UUID,
    limit: Limit = 50,
    after: After = None,
) -> Page[AuditEntry]:
    """Everything that changed the connection."""
    async with process.database.reading() as session:
        found = await transitions.visible_connection(session, connection_id, caller.account_id)
        rows = await store.list_audit_entries(
            session,
            connection_id,
            caller.account_id,
            decode_cursor_part(after, UUID),
            limit + 1,
        )
    is_owner = caller.account_id == found.three_pl_id
    return page_of(rows, limit, partial(_entry, is_owner=is_owner), lambda row: row.id)


def _entry(row: models.AuditEntry, *, is_owner: bool) -> AuditEntry:
    return AuditEntry(
        at=row.at,
        account=row.account_id,
        actor=row.actor_id,
        action=row.action,
        before=logged(row.before, is_owner=is_owner),
        after=logged(row.after, is_owner=is_owner),
    )


def logged(fields: Mapping[str, Any], *, is_owner: bool) -> Mapping[str, Any]:
    """What changed; of a webhook's URL as much as its 3PL, the owner, or the brand may see."""
    url = fields.get("webhook_url")
    return {**fields, "webhook_url": shown_url(url, is_owner=is_owner)} if url else fields
