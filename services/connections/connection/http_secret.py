"""The signing secret of a connection's webhook over HTTP."""

from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel

from services.connections.connection import rotation, transitions
from services.connections.dependencies import IfMatch, Process, TracedCaller
from shared.failures import Refused
from shared.postgres.database import Session
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
