"""Connections over HTTP: one of them, switching it on and off, its settings."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from services.connections.connection import models, settings_versions, transitions, waiting
from services.connections.connection.lifecycle import MOST_PRIORITY, ConnectionCommand
from services.connections.connection.settings_versions import OWNERS, SettingsChange
from services.connections.connection.waiting import Action
from services.connections.dependencies import Process, TracedCaller
from services.connections.mail.kinds import Setting
from services.connections.proofs import rivals
from services.connections.stores.http import StoreOfBrand
from shared.contracts.connections_changed import ConnectionState, LogInAsBrand, Party
from shared.egress.guard import AddressRefused
from shared.egress.masking import host_only, masked
from shared.failures import Refused
from shared.postgres.database import Session
from shared.web.access import DelegableAccount
from shared.web.if_match import IfMatch
from shared.web.openapi import refuses
from shared.web.parameters import Form, only_known_parameters

WebhookUrl = Annotated[str, Field(max_length=2_000, json_schema_extra={"format": "uri"})]
router = APIRouter(
    prefix="/v1/connections", tags=["connections"], dependencies=[only_known_parameters]
)


class NamedAccount(BaseModel):
    """A party of a connection."""

    id: UUID
    name: str


class WebhookEndpoint(BaseModel):
    """Where this client's order events go. `secret` is shown once, when the endpoint is new."""

    endpoint_id: UUID
    url: str = Field(
        description="For the 3PL without the values of its query and tokens, which are `…`; for "
        "the brand scheme and host."
    )
    secret: str | None = None


class Settings(BaseModel):
    """One settings version; it applies to orders that enter from now on."""

    version: int
    shipping_rules_owner: Party
    billing_owner: Party
    support_owner: Party
    webhook: WebhookEndpoint | None


class NextAction(BaseModel):
    """What has to be done next: `by` this party, or by either of them (null), waiting `since`."""

    by: Party | None
    what: Action
    since: datetime


class ConnectionView(BaseModel):
    """A connection as both parties see it."""

    id: UUID
    state: ConnectionState
    version: int
    epoch: int
    priority: int
    store: StoreOfBrand
    brand: NamedAccount
    three_pl: NamedAccount
    settings: Settings
    log_in_as_brand: LogInAsBrand
    locked_settings: list[Setting] = Field(description="Only the brand changes these.")
    applies_to: Literal["orders that enter from now on"] = Field(
        default="orders that enter from now on",
        description="What a change of the settings counts for; other orders keep theirs.",
    )
    next_action: NextAction | None = Field(
        description="Null when nobody has to do anything: it is switched on, or over."
    )
    created_at: datetime
    updated_at: datetime


class SettingsPatch(Form):
    """What changes; `webhook_url: null` removes the webhook."""

    shipping_rules_owner: Party | None = None
    billing_owner: Party | None = None
    support_owner: Party | None = None
    webhook_url: WebhookUrl | None = None
    priority: Annotated[int, Field(ge=0, le=MOST_PRIORITY)] | None = None
    locked_settings: list[Setting] | None = Field(
        default=None,
        max_length=3,
        description="What the brand keeps to itself from now on; all of them.",
    )
    log_in_as_brand: LogInAsBrand | None = Field(
        default=None,
        description="What the brand lets the 3PL do in its name: nothing (`off`), its orders, or "
        "credentials of the store as well.",
    )


def shown_url(url: str, *, is_owner: bool) -> str:
    """What its 3PL, the owner, and what the brand may see of a URL; masking twice is once."""
    return masked(url) if is_owner else host_only(url)


def webhook_of(
    row: models.Connection | models.SettingsVersion, secret: str | None = None, *, is_owner: bool
) -> WebhookEndpoint | None:
    """Where events go, as its 3PL (the owner) or the brand may see it."""
    if row.endpoint_id is None or row.webhook_url is None:
        return None
    url = shown_url(row.webhook_url, is_owner=is_owner)
    return WebhookEndpoint(endpoint_id=row.endpoint_id, url=url, secret=secret)


def _next_action(connection: models.Connection) -> NextAction | None:
    step = waiting.next_step(
        connection.state,
        link_is_usable=connection.link_is_usable,
        plan=connection.three_pl_plan,
        has_webhook=connection.endpoint_id is not None,
    )
    if step is None:
        return None
    return NextAction(by=step.by, what=step.what, since=connection.waits_since)


def present(
    connection: models.Connection, viewer: UUID, secret: str | None = None
) -> ConnectionView:
    """The connection as the API shows it to one of its parties."""
    is_owner = viewer == connection.three_pl_id
    return ConnectionView(
        id=connection.id,
        state=connection.state,
        version=connection.version,
        epoch=connection.epoch,
        priority=connection.priority,
        store=StoreOfBrand(
            id=connection.store_id,
            platform=connection.platform,
            domain=connection.domain,
            proven=connection.is_proven,
        ),
        brand=NamedAccount(id=connection.brand_id, name=connection.brand_name),
        three_pl=NamedAccount(id=connection.three_pl_id, name=connection.three_pl_name),
        settings=Settings(
            version=connection.settings_version,
            shipping_rules_owner=connection.shipping_rules_owner,
            billing_owner=connection.billing_owner,
            support_owner=connection.support_owner,
            webhook=webhook_of(connection, secret, is_owner=is_owner),
        ),
        log_in_as_brand=connection.delegation,
        locked_settings=list(connection.locked_settings),
        next_action=_next_action(connection),
        created_at=connection.created_at,
        updated_at=connection.changed_at,
    )


@router.get("/{connection_id}", summary="One connection")
async def get_connection(
    response: Response, process: Process, caller: DelegableAccount, connection_id: UUID
) -> ConnectionView:
    """For its parties; the version is also the `ETag`. In the brand's name: that one alone."""
    if caller.delegation is not None and caller.delegation.connection_id != connection_id:
        raise Refused("not_found", what="connection")
    async with process.database.reading() as session:
        connection = await transitions.visible_connection(session, connection_id, caller.account_id)
    response.headers["ETag"] = f'"{connection.version}"'
    return present(connection, caller.account_id)


async def _change_state(
    process: Process,
    caller: TracedCaller,
    connection_id: UUID,
    command: ConnectionCommand,
    version: int | None,
) -> ConnectionView:
    async with process.database.transaction() as session:
        connection = await transitions.change_state(
            session, connection_id, command, caller, version
        )
        if command is ConnectionCommand.ACTIVATE:
            await rivals.tell_unproven(session, process.outgoing, connection)
    return present(connection, caller.account_id)


_OF_SWITCHES = ("version_conflict", "invalid_transition")


@router.post(
    "/{connection_id}/activate",
    summary="Switch on: new orders go to the 3PL",
    openapi_extra=refuses(
        *_OF_SWITCHES, "plan_required", "store_proven_elsewhere", "priority_taken"
    ),
)
async def activate(
    process: Process, caller: TracedCaller, connection_id: UUID, version: IfMatch
) -> ConnectionView:
    """Begins a new epoch. Orders that are with the brand stay there."""
    return await _change_state(process, caller, connection_id, ConnectionCommand.ACTIVATE, version)


@router.post(
    "/{connection_id}/deactivate",
    summary="Switch off: the Orders tab goes back",
    openapi_extra=refuses(*_OF_SWITCHES),
)
async def deactivate(
    process: Process, caller: TracedCaller, connection_id: UUID, version: IfMatch
) -> ConnectionView:
    """Keeps the settings and can be switched on again; what is being worked stays."""
    return await _change_state(
        process, caller, connection_id, ConnectionCommand.DEACTIVATE, version
    )


@router.post(
    "/{connection_id}/disconnect",
    summary="End it: the Orders tab goes back",
    openapi_extra=refuses(*_OF_SWITCHES),
)
async def disconnect(
    process: Process, caller: TracedCaller, connection_id: UUID, version: IfMatch
) -> ConnectionView:
    """Final: a new connection needs a new handshake; what is being worked stays."""
    return await _change_state(
        process, caller, connection_id, ConnectionCommand.DISCONNECT, version
    )


@router.patch(
    "/{connection_id}/settings",
    summary="Change settings, for new orders only",
    openapi_extra=refuses(
        *_OF_SWITCHES,
        "precondition_required",
        "not_yours_to_set",
        "setting_locked",
        "priority_taken",
        "credential_revoked",
        idempotent=True,
    ),
)
async def change_settings(
    request: Request,
    process: Process,
    caller: TracedCaller,
    connection_id: UUID,
    version: IfMatch,
    body: SettingsPatch,
) -> ConnectionView:
    """Needs `If-Match`; a new webhook URL answers with its signing secret, once.

    With an `Idempotency-Key` an answer that was lost can be had again, the secret too.
    Whoever makes the other party pay or work tells it by that: its owners get a mail.
    """
    if version is None:
        raise Refused("precondition_required")
    await _require_reachable(process, body.webhook_url)
    change = SettingsChange(
        owners={name: getattr(body, name) for name in OWNERS if getattr(body, name) is not None},
        sets_webhook="webhook_url" in body.model_fields_set,
        webhook_url=body.webhook_url,
        priority=body.priority,
        delegation=body.log_in_as_brand,
        locked=None if body.locked_settings is None else sorted(body.locked_settings),
    )

    async def create(session: Session) -> ConnectionView:
        connection, secret = await settings_versions.change_settings(
            session, connection_id, change, caller, version, process.sealer, process.outgoing
        )
        return present(connection, caller.account_id, secret)

    async def again(session: Session, answer: ConnectionView) -> None:
        now = await transitions.visible_connection(session, connection_id, caller.account_id)
        shown = answer.settings.webhook
        if shown is not None and shown.secret and shown.endpoint_id != now.endpoint_id:
            raise Refused("credential_revoked")

    return await process.idempotency_keys.run_once(
        request, str(caller.account_id), ConnectionView, body, create, again
    )


async def _require_reachable(process: Process, url: str | None) -> None:
    """Before the transaction: names are looked up."""
    try:
        if url is not None:
            await process.url_check.check(url)
    except AddressRefused as error:
        errors = [{"pointer": "/webhook_url", "message": str(error)}]
        raise Refused("validation_failed", errors=errors) from error
