"""The webhook of a connection over HTTP: its signing secret, and who is sent to it."""

from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel

from services.connections.connection import repointing, rotation, transitions
from services.connections.dependencies import Process, TracedCaller
from shared.failures import Refused
from shared.postgres.database import Session
from shared.web.if_match import IfMatch
from shared.web.openapi import refuses
from shared.web.parameters import Form, only_known_parameters

router = APIRouter(
    prefix="/v1/connections", tags=["connections"], dependencies=[only_known_parameters]
)


class NewSecret(BaseModel):
    """Shown once, to whoever has the `Idempotency-Key` again; the one before goes on signing."""

    endpoint_id: UUID
    secret: str
    version: int


class Repointed(BaseModel):
    """`endpoints`: the older ones that send to `endpoint_id` from now on."""

    endpoint_id: UUID | None
    endpoints: list[UUID]
    version: int


class _Nothing(Form):
    """There is nothing to say."""


@router.post(
    "/{connection_id}/webhook-secret",
    status_code=201,
    summary="Rotate the signing secret of the webhook",
    openapi_extra=refuses(
        "version_conflict", "invalid_transition", "not_yours_to_set", idempotent=True
    ),
)
async def rotate_secret(
    request: Request,
    process: Process,
    caller: TracedCaller,
    connection_id: UUID,
    version: IfMatch,
) -> NewSecret:
    """By the 3PL. From now on webhooks carry two signatures; the next rotation ends the older."""

    async def create(session: Session) -> NewSecret:
        connection, secret = await rotation.rotate_secret(
            session, connection_id, caller, version, process.sealer
        )
        if connection.endpoint_id is None:
            raise Refused("not_found", what="webhook")
        return NewSecret(
            endpoint_id=connection.endpoint_id, secret=secret, version=connection.version
        )

    async def again(session: Session, answer: NewSecret) -> None:
        connection = await transitions.visible_connection(session, connection_id, caller.account_id)
        if connection.three_pl_id != caller.account_id:
            raise Refused("not_yours_to_set", party="3PL", field="the webhook")
        if connection.endpoint_id != answer.endpoint_id:
            raise Refused("credential_revoked")

    return await process.idempotency_keys.run_once(
        request, str(caller.account_id), NewSecret, _Nothing(), create, again
    )


@router.post(
    "/{connection_id}/repoint",
    summary="Send the orders of older settings to the current webhook",
    openapi_extra=refuses("version_conflict", "not_yours_to_set"),
)
async def repoint(
    process: Process, caller: TracedCaller, connection_id: UUID, version: IfMatch
) -> Repointed:
    """By the 3PL, also after a disconnect. Orders are bound to the webhook they entered under.

    From now on what is to be sent to those goes to the current one, and what waits goes out at
    once. A later change of the webhook counts for new orders only, as ever.
    """
    async with process.database.transaction() as session:
        connection, moved = await repointing.repoint(session, connection_id, caller, version)
    return Repointed(
        endpoint_id=connection.endpoint_id, endpoints=moved, version=connection.version
    )
